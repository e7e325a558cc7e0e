// SPDX-License-Identifier: PostgreSQL
// Cluster: the Pacemaker cluster as the agent sees it. The only door to it.
//
// Methods throw ocf::Failure where the cluster does not answer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pgsqlms/clock.hpp"
#include "pgsqlms/cluster/local_status.hpp"
#include "pgsqlms/cluster/promotion_score.hpp"
#include "pgsqlms/ocf/notify_context.hpp"

namespace pgsqlms::cluster {

using NodeName = std::string;
using ocf::NodeList;

/// Every node that the cluster knows, with the resource's score where it has one.
using ScoreTable = std::map<NodeName, std::optional<PromotionScore>>;

/// Nothing where the node has none, or is not known.
[[nodiscard]] inline std::optional<PromotionScore> score_of(const NodeName& node, const ScoreTable& scores) {
  const auto found = scores.find(node);
  return found == scores.end() ? std::nullopt : found->second;
}

/// The nodes that take part in the cluster now, Pacemaker Remote's and bundles' among them.
struct Membership {
  NodeList online;
  NodeList in_maintenance;  ///< those of them that Pacemaker leaves alone
};

/// The nodes on which a private attribute has a value, with the value.
using AttributeTable = std::map<NodeName, std::string>;

/// The resource's private attributes: kept in the cluster's memory only, seen by all its nodes.
enum class PrivateAttribute {
  Vote,                ///< `lsn_location`: the WAL position with which a node takes part in an election
  ShutdownCheckpoint,  ///< `shutdown_checkpoint`: where a demoted primary's WAL ends
};

class Cluster {
 public:
  virtual ~Cluster() = default;

  [[nodiscard]] virtual NodeName local_node() = 0;
  [[nodiscard]] virtual Membership membership(Deadline deadline) = 0;

  [[nodiscard]] virtual LocalStatus local_status(Deadline deadline) = 0;
  /// Tells the cluster that the instance on that node has failed, as a monitor's answer would.
  virtual void report_failure(const NodeName& node, Deadline deadline) = 0;

  [[nodiscard]] virtual ScoreTable promotion_scores(Deadline deadline) = 0;
  /// What Pacemaker makes of the scores, constraints included: the nodes with an instance that could be promoted or are
  /// forbidden to be.
  [[nodiscard]] virtual ScoreTable placement_scores(Deadline deadline) = 0;
  virtual void set_promotion_score(const NodeName& node, PromotionScore score, Deadline deadline) = 0;

  [[nodiscard]] virtual AttributeTable attributes(PrivateAttribute attribute, Deadline deadline) = 0;
  virtual void set_attribute(PrivateAttribute attribute, const std::string& value, Deadline deadline) = 0;
  virtual void delete_attribute(PrivateAttribute attribute, const NodeName& node, Deadline deadline) = 0;
};

}  // namespace pgsqlms::cluster
