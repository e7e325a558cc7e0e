// SPDX-License-Identifier: PostgreSQL
// FakeCluster: a Pacemaker cluster in memory, shared by all its nodes; FakeMember is how one node sees it.
#pragma once

#include <string>
#include <vector>

#include "fake/fake_clock.hpp"
#include "pgsqlms/cluster/cluster.hpp"

namespace pgsqlms::fake {

using cluster::NodeName;
using cluster::PrivateAttribute;

/// A private attribute's value that the nodes see from a certain time on.
struct Publication {
  PrivateAttribute attribute;
  NodeName node;
  std::string value;
  Clock::TimePoint visible_from;
};

/// The world as it is; tests arrange it and look at it.
struct FakeCluster {
  FakeCluster(FakeClock& fake_clock, const cluster::NodeList& nodes);

  void publish(PrivateAttribute attribute, const NodeName& node, const std::string& value, Duration delay = {});
  [[nodiscard]] cluster::AttributeTable published(PrivateAttribute attribute) const;
  /// The node is no member any more; as in pacemaker-attrd, its private attributes are forgotten.
  void leave(const NodeName& node, Duration delay = {});
  [[nodiscard]] cluster::NodeList members() const;
  /// What Pacemaker makes of the scores.
  [[nodiscard]] cluster::ScoreTable placement() const;

  FakeClock& clock;
  cluster::ScoreTable scores;
  std::map<NodeName, cluster::PromotionScore> constraints;  ///< what they add to the scores
  cluster::NodeList in_maintenance;
  std::map<NodeName, cluster::LocalStatus> statuses;
  bool fails = false;               ///< none of the cluster's tools works
  Duration latency{};               ///< of each call
  int calls = 0;                    ///< of any kind
  std::vector<std::string> writes;  ///< in order, such as "score srv2 1000", "vote srv1 1#96", "no vote srv1",
                                    ///< "failure srv1"
  std::vector<Publication> publications;
  std::map<NodeName, Clock::TimePoint> departures;
};

class FakeMember : public cluster::Cluster {
 public:
  FakeMember(FakeCluster& world, NodeName name) : world_(world), name_(std::move(name)) {}

  [[nodiscard]] NodeName local_node() override;
  [[nodiscard]] cluster::Membership membership(Deadline deadline) override;
  [[nodiscard]] cluster::LocalStatus local_status(Deadline deadline) override;
  void report_failure(const NodeName& node, Deadline deadline) override;
  [[nodiscard]] cluster::ScoreTable promotion_scores(Deadline deadline) override;
  [[nodiscard]] cluster::ScoreTable placement_scores(Deadline deadline) override;
  void set_promotion_score(const NodeName& node, cluster::PromotionScore score, Deadline deadline) override;
  [[nodiscard]] cluster::AttributeTable attributes(PrivateAttribute attribute, Deadline deadline) override;
  void set_attribute(PrivateAttribute attribute, const std::string& value, Deadline deadline) override;
  void delete_attribute(PrivateAttribute attribute, const NodeName& node, Deadline deadline) override;

 private:
  void call(Deadline deadline);

  FakeCluster& world_;
  NodeName name_;
};

}  // namespace pgsqlms::fake
