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
    for (const auto& node : kNodes) {
      lab().call({"copy", PGSQLMS_AGENT_DEFAULT, node, file_of(kOurs)});
      lab().call({"copy", "paf", node, file_of(kPaf)});
    }
  }

  /// The steps of docs/moving-from-paf.md on one node.
  static void change_package(const NodeName& node, const std::string& package) {
    take_time_for(node, {"crm", "--wait", "node", "maintenance", node});
    take_time_for(node, {"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", file_of(package)});
    EXPECT_EQ(owner_of_the_agent(node), package);
    take_time_for(node, {"crm", "--wait", "node", "ready", node});
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
};

TEST_F(MovingFromPaf, NodeByNodeToPafAndBackStopsNoInstanceAndMovesNoRole) {
  change_all_packages(kPaf);
  EXPECT_TRUE(stable_with_primary(primary()));
  change_all_packages(kOurs);
  EXPECT_TRUE(stable_with_primary(primary()));
  for (const auto& node : kNodes) {
    EXPECT_EQ(shutdowns_of_postgres(node), 0) << node;
    EXPECT_EQ(starts_of_postgres(node), 0) << node;
  }
  EXPECT_EQ(events(" (start|stop|promote|demote) +rc=").size(), 0U);
  EXPECT_EQ(outages_longer_than(kLongestHiccup), 0);
}

}  // namespace
}  // namespace pgsqlms::scenario
