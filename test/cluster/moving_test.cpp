// SPDX-License-Identifier: PostgreSQL
// Moving a running cluster from PAF's package to ours and back, as docs/moving-from-paf.md says. Every case begins and
// ends with our package on all nodes, and with the promises of ClusterScenario.
#include "scenario.hpp"

namespace pgsqlms::scenario {
namespace {

const std::string kOurs = "resource-agents-pgsqlms";
const std::string kPaf = "resource-agents-paf";

/// The packages as they lie in the nodes.
std::string file_of(const std::string& package) { return "/root/" + package + ".deb"; }

class MovingFromPaf : public ClusterScenario {
 protected:
  void SetUp() override {
    ClusterScenario::SetUp();
    if (HasFatalFailure()) return;
    for (const auto& node : all_nodes()) {
      lab().call({"copy", PGSQLMS_AGENT_DEFAULT, node, file_of(kOurs)});
      lab().call({"copy", "paf", node, file_of(kPaf)});
    }
  }

  /// The steps of docs/moving-from-paf.md on one node.
  static void change_package(const NodeName& node, const std::string& package) {
    take_time_for(node, {"crm", "--wait", "node", "maintenance", node});
    install(node, package);
    take_time_for(node, {"crm", "--wait", "node", "ready", node});
  }

  static void install(const NodeName& node, const std::string& package) {
    // The nodes share a disk: what dpkg makes sure of would hold up the primary's commits.
    take_time_for(node, {"env", "DEBIAN_FRONTEND=noninteractive", "DPKG_FORCE=unsafe-io", "apt-get", "install", "-y",
                         file_of(package)});
    EXPECT_EQ(owner_of_the_agent(node), package);
  }

  static void take_time_for(const NodeName& node, const Command& command) {
    const Ended ended = lab().try_exec(node, command, seconds(300));
    ASSERT_EQ(ended.code, 0) << ended.output << ended.errors;
  }

  static std::string owner_of_the_agent(const NodeName& node) {
    const auto found = lab().exec(node, {"dpkg", "--search", "/usr/lib/ocf/resource.d/heartbeat/pgsqlms"});
    return found.substr(0, found.find(':'));
  }

  /// Standbys first, the primary's node last.
  void change_all_packages(const std::string& package) const {
    for (const auto& standby : standbys()) change_package(standby, package);
    change_package(primary(), package);
  }

  /// The one behind is not tried, unless PAF runs there: the scores of a primary under PAF follow the lag that each
  /// monitor happens to see, and PAF finds out that another node has more WAL by a promotion that fails.
  void expect_one_promotion_of(const NodeName& successor, const NodeName& behind) {
    EXPECT_EQ(events(successor + " +pgsqld +promote +rc=").size(), 1U);
    if (owner_of_the_agent(behind) == kPaf) {
      expect_failed_action(behind, "promote");
      EXPECT_EQ(events(behind + " +pgsqld +promote +rc=0").size(), 0U);
    } else {
      EXPECT_EQ(events(behind + " +pgsqld +promote +rc=").size(), 0U);
    }
  }

  /// The primary loses its power when only `successor` has all of its WAL, so that every voter has a say in who is
  /// promoted. In the end all three nodes are there again, with our package.
  void expect_failover_to(const NodeName& successor, const NodeName& behind) {
    acknowledge_only_what_one_standby_has();
    lab().call({"cut", primary(), behind, "--only", "postgres"});
    ASSERT_TRUE(within(seconds(20), behind + " falls behind", [&] {
      const auto written = lab().sql(primary(), "select pg_current_wal_flush_lsn()");
      return lab().sql(behind, "select pg_last_wal_receive_lsn() + 1000 < '" + written + "'") == "t";
    }));
    power_off(primary());
    lab().call({"heal"});
    ASSERT_TRUE(within(seconds(120), successor + " is promoted", [&] { return lab().view().primary() == successor; }));
    EXPECT_TRUE(stable_with_primary(successor, 1));
    expect_one_promotion_of(successor, behind);

    change_package(successor, kOurs);
    change_package(behind, kOurs);
    bring_back(primary(), [&] {
      lab().call({"power", "on", primary(), "--no-cluster"});
      install(primary(), kOurs);
      lab().call({"cluster", "start", primary()});
    });
    EXPECT_TRUE(stable_with_primary(successor));
  }
};

TEST_F(MovingFromPaf, NodeByNodeToPafAndBackStopsNoInstanceAndMovesNoRole) {
  change_all_packages(kPaf);
  EXPECT_TRUE(stable_with_primary(primary()));
  change_all_packages(kOurs);
  EXPECT_TRUE(stable_with_primary(primary()));
  for (const auto& node : all_nodes()) {
    EXPECT_EQ(shutdowns_of_postgres(node), 0) << node;
    EXPECT_EQ(starts_of_postgres(node), 0) << node;
  }
  EXPECT_EQ(events(" (start|stop|demote) +rc=").size(), 0U);
  // Pacemaker may order once more, when a node leaves maintenance, what is promoted there already.
  EXPECT_EQ(events(" promote +rc=").size(), events(primary() + " +pgsqld +promote +rc=0").size());
  EXPECT_EQ(outages_longer_than(kLongestHiccup), 0);
}

TEST_F(MovingFromPaf, HalfWayTheNewAgentIsPromotedAfterPafsPrimaryWithPafVoting) {
  const auto successor = standbys().front();
  const auto voter = standbys().back();
  change_package(voter, kPaf);
  change_package(primary(), kPaf);
  expect_failover_to(successor, voter);
}

TEST_F(MovingFromPaf, HalfWayPafIsPromotedAfterThePrimaryOfTheNewAgentWithTheNewAgentVoting) {
  const auto successor = standbys().front();
  const auto voter = standbys().back();
  change_package(successor, kPaf);
  expect_failover_to(successor, voter);
}

}  // namespace
}  // namespace pgsqlms::scenario
