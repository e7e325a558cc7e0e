// SPDX-License-Identifier: PostgreSQL
// Changing the agent of a running cluster node by node, from the package of an earlier commit to ours and back. Every
// case begins and ends with our package on all nodes, and with the promises of ClusterScenario.
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "scenario.hpp"

namespace pgsqlms::scenario {
namespace {

/// A file; empty where the checkout has no history to build it from (test/cluster/package_of).
std::string earlier_package() {
  const char* const path = std::getenv("PGSQLMS_EARLIER_PACKAGE");
  return path != nullptr && access(path, R_OK) == 0 ? path : "";
}

class RollingUpgrade : public ClusterScenario {
 protected:
  void SetUp() override {
    if (earlier_package().empty()) GTEST_SKIP() << "no package of an earlier commit (PGSQLMS_EARLIER_PACKAGE)";
    ClusterScenario::SetUp();
  }

  void TearDown() override {
    if (!IsSkipped()) ClusterScenario::TearDown();
  }

  /// While the instances run and are monitored.
  static void install(const std::string& package, const NodeName& node) {
    lab().call({"agent", package, node}, seconds(120));
  }

  static void install_ours() {
    for (const auto& node : all_nodes()) install(PGSQLMS_AGENT_DEFAULT, node);
  }

  static void switch_over_to(const NodeName& node) {
    move_primary_to(node);
    EXPECT_TRUE(stable_with_primary(node));
    clear_moves();
  }

  /// The primary loses its power: somebody takes over without loss, and it comes back.
  void fail_over() {
    acknowledge_only_what_one_standby_has();
    EXPECT_TRUE(acknowledges_more(20));
    power_off(primary());
    ASSERT_TRUE(another_is_promoted());
    bring_back(primary());
    EXPECT_TRUE(stable_with_primary(lab().view().primary()));
  }
};

TEST_F(RollingUpgrade, NodeByNodeThereAndBackStopsNoInstanceAndMovesNoRole) {
  for (const auto& package : {earlier_package(), std::string(PGSQLMS_AGENT_DEFAULT)}) {
    for (const auto& node : all_nodes()) {
      install(package, node);
      EXPECT_TRUE(stable_with_primary(primary()));
    }
  }
  EXPECT_EQ(events(" pgsqld +(start|stop|promote|demote) ").size(), 0U);
  EXPECT_EQ(outages_longer_than(kLongestHiccup), 0);
}

TEST_F(RollingUpgrade, AnOldStandbyBecomesThePrimaryAndGivesTheRoleBack) {
  const auto old = standbys().front();
  install(earlier_package(), old);
  switch_over_to(old);
  switch_over_to(primary());
  EXPECT_EQ(events(" pgsqld +promote +rc=").size(), 2U) << "each promotion succeeds at once";
  install_ours();
}

TEST_F(RollingUpgrade, AnOldStandbyVotesWhenTheNewPrimaryIsLost) {
  install(earlier_package(), standbys().back());
  fail_over();
  install_ours();
}

TEST_F(RollingUpgrade, NewStandbysVoteWhenTheOldPrimaryIsLost) {
  install(earlier_package(), primary());
  fail_over();
  install_ours();
}

TEST_F(RollingUpgrade, ANewStandbyAmongOldOnesVotesAndIsPromoted) {
  const auto upgraded = standbys().front();
  for (const auto& node : all_nodes()) {
    if (node != upgraded) install(earlier_package(), node);
  }
  switch_over_to(upgraded);
  switch_over_to(primary());
  fail_over();
  install_ours();
}

}  // namespace
}  // namespace pgsqlms::scenario
