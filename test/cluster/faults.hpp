// SPDX-License-Identifier: PostgreSQL
// Faults that a cluster must come through, for the named cases (each alone) and for the campaign (hundreds in a row).
//
// A fault is made, what must come of it is waited for, and then everything is mended in the way an administrator would:
// the network is whole again, fencing works, every node has power. Then ClusterScenario's promises are judged.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "scenario.hpp"

namespace pgsqlms::scenario {

/// What a fault is made with.
class FaultScenario : public ClusterScenario {
 public:
  using ClusterScenario::acknowledge_only_what_one_standby_has;
  using ClusterScenario::acknowledge_only_what_standbys_have;
  using ClusterScenario::acknowledges_more;
  using ClusterScenario::bring_back;
  using ClusterScenario::clear_moves;
  using ClusterScenario::events;
  using ClusterScenario::expect_a_primary_made_by_hand;
  using ClusterScenario::expect_failed_action;
  using ClusterScenario::expect_fencing_of;
  using ClusterScenario::expect_loss_from_now_on;
  using ClusterScenario::expect_loss_of_the_last_second;
  using ClusterScenario::expect_outage_of_at_most;
  using ClusterScenario::kept_file;
  using ClusterScenario::kill_postmaster;
  using ClusterScenario::lab;
  using ClusterScenario::move_primary_to;
  using ClusterScenario::order;
  using ClusterScenario::postgres_log;
  using ClusterScenario::power_off;
  using ClusterScenario::primary;
  using ClusterScenario::rebuild;
  using ClusterScenario::set_maintenance;
  using ClusterScenario::signal_postmaster;
  using ClusterScenario::stable_with_primary;
  using ClusterScenario::standbys;
  using ClusterScenario::started_at;
  using ClusterScenario::stop_postgres_by_hand;
  using ClusterScenario::streams;
  using ClusterScenario::the_other_standby;

  /// Any number of random choices; the same seed makes the same ones.
  FaultScenario(unsigned seed, bool synchronous) : random_(seed), is_synchronous_(synchronous) {}

  [[nodiscard]] NodeName any_standby();
  [[nodiscard]] NodeName any_node();
  [[nodiscard]] std::vector<NodeName> nodes_in_any_order();
  [[nodiscard]] bool is_synchronous() const { return is_synchronous_; }

  /// Sends a signal to the node's processes whose command line matches, and tells how many there were.
  static int signal(const NodeName& node, const std::string& name, const std::string& pattern);
  /// The pattern of a server process of the node, such as "checkpointer".
  [[nodiscard]] static std::string server_process(const NodeName& node, const std::string& title);
  /// Waits until the agent is in the middle of this action on the node, and kills it there.
  static void kill_agent_during(const std::string& action, const NodeName& node);
  static void set_meta(const std::string& name, const std::string& value);
  static void delete_meta(const std::string& name);

  /// Nothing may happen to any instance for that long: no start, stop, promotion, demotion.
  void expect_nothing_for(seconds duration) const;
  void expect_same_primary() const;
  void expect_other_primary(seconds deadline = seconds(90)) const;
  static void expect_started_again(const NodeName& node, const std::string& before, seconds deadline = seconds(90));
  void expect_failures_of(const NodeName& node);

  /// Undoes everything that may still be broken, and waits until the cluster is whole and stable.
  void mend();

 protected:
  void SetUp() override;

 private:
  static void see_to_power_and_stack();
  /// Whether a timeline of the primary's has the number, but not the beginning, of the node's newest.
  [[nodiscard]] static bool has_another_history(const NodeName& node, const NodeName& primary);
  /// A standby that has received more of a record than its new primary has: PostgreSQL may not get over that.
  [[nodiscard]] bool cannot_replay(const NodeName& node) const;
  /// A node whose WAL has diverged from another one's is refused until it has failed too often, and stopped for good.
  void forgive_refused_promotions(const NodeName& node) const;

  std::mt19937 random_;
  bool is_synchronous_;
};

/// One fault of the catalogue.
struct Fault {
  std::string name;     ///< of its test: a true sentence
  std::string what;     ///< is done, for people
  std::string outcome;  ///< that must come of it, for people
  void (*make)(FaultScenario& scenario);
  /// With synchronous replication nothing is acknowledged in it, or nobody may be promoted in the end.
  bool needs_asynchronous = false;
  /// Of the cluster that it needs.
  const Shape* shape = &kThreeNodes;
};

[[nodiscard]] const std::vector<Fault>& all_faults();

/// Those that ask who may become the primary.
[[nodiscard]] std::vector<Fault> election_faults();
/// Those of a cluster of five nodes.
[[nodiscard]] std::vector<Fault> five_node_faults();
/// Those of a cluster with a node that runs Pacemaker Remote.
[[nodiscard]] std::vector<Fault> remote_faults();

}  // namespace pgsqlms::scenario
