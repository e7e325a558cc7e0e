// SPDX-License-Identifier: PostgreSQL
// What needs Pacemaker's tools, where no cluster answers them: clear failures, and no waiting.
#include <gtest/gtest.h>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

const Variables kSwitchover = {{"OCF_RESKEY_CRM_meta_notify_active_uname", "srv1 srv2"},
                               {"OCF_RESKEY_CRM_meta_notify_master_uname", "srv2"},
                               {"OCF_RESKEY_CRM_meta_notify_slave_uname", "srv1"},
                               {"OCF_RESKEY_CRM_meta_notify_promote_uname", "srv1"},
                               {"OCF_RESKEY_CRM_meta_notify_demote_uname", "srv2"},
                               {"OCF_RESKEY_CRM_meta_notify_start_uname", " "},
                               {"OCF_RESKEY_CRM_meta_notify_stop_uname", " "}};

/// A standby that is configured for node srv1.
struct Standby : ScratchPair {
  Standby() : ScratchPair("srv1") {}
  [[nodiscard]] Variables environment() const { return environment_for(standby); }
};

TEST(PromoteWithoutCluster, FailsAtOnceAndNamesTheToolThatFailed) {
  const Standby scene;
  const auto run = run_agent({"promote"}, with(scene.environment(), kSwitchover));
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_EQ(run.reason().compare(0, 14, "attrd_updater:"), 0) << run.err;
  EXPECT_LT(run.took, 10s);
  EXPECT_EQ(scene.standby.ask("SELECT pg_is_in_recovery()"), "t");
}

TEST(PromoteWithoutCluster, IsDoneByHandWhereThereAreNoNotifications) {
  const Standby scene;
  const auto run = run_agent({"promote"}, scene.environment());
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(scene.standby.ask("SELECT pg_is_in_recovery()"), "f");
}

TEST(PromoteWithoutCluster, OfAPrimaryIsDoneAlready) {
  ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = 'application_name=srv1'");
  instance.start();
  EXPECT_EQ(run_agent({"promote"}, with(environment_for(instance), kSwitchover)).code, kSuccess);
}

TEST(PromoteWithoutCluster, IsRefusedForAKilledStandby) {
  Standby scene;
  scene.standby.kill_server();
  const auto run = run_agent({"promote"}, with(scene.environment(), kSwitchover));
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_EQ(run.reason().compare(0, 40, "promote refused: the standby has crashed"), 0) << run.err;
}

TEST(NotifyWithoutCluster, NeverFailsAndNeverHangs) {
  const Standby scene;
  for (const auto& [type, operation] :
       {std::pair{"pre", "promote"}, std::pair{"post", "promote"}, std::pair{"pre", "demote"}}) {
    const auto run = run_agent({"notify"}, with(with(scene.environment(), kSwitchover),
                                                {{"OCF_RESKEY_CRM_meta_notify_type", type},
                                                 {"OCF_RESKEY_CRM_meta_notify_operation", operation}}));
    EXPECT_EQ(run.code, kSuccess) << type << ' ' << operation;
    EXPECT_LT(run.took, 10s) << type << ' ' << operation;
    EXPECT_EQ(run.out, "");
  }
}

TEST(NotifyWithoutCluster, WritesACheckpointOnThePrimaryThatIsDemoted) {
  ScratchInstance instance;
  instance.start();
  instance.ask("CREATE TABLE t AS SELECT 1 AS one");
  const auto before = instance.control("Latest checkpoint location");
  const auto run = run_agent({"notify"}, with(with(environment_for(instance), kSwitchover),
                                              {{"OCF_RESKEY_CRM_meta_notify_type", "pre"},
                                               {"OCF_RESKEY_CRM_meta_notify_operation", "demote"},
                                               {"OCF_RESKEY_CRM_meta_notify_master_uname", "srv1"},
                                               {"OCF_RESKEY_CRM_meta_notify_promote_uname", "srv2"},
                                               {"OCF_RESKEY_CRM_meta_notify_demote_uname", "srv1"}}));
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_NE(instance.control("Latest checkpoint location"), before);
}

TEST(DemoteWithoutCluster, StopsThePrimaryCleanlyAndStartsItAsAStandby) {
  ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = 'application_name=srv1'");
  instance.start();
  const auto run = run_agent({"demote"}, environment_for(instance));
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(instance.ask("SELECT pg_is_in_recovery()"), "t");
}

TEST(DemoteWithoutCluster, LeavesThePrimaryStoppedWhereAStopFollows) {
  ScratchInstance instance;
  instance.start();
  const auto run = run_agent({"demote"}, with(with(environment_for(instance), kSwitchover),
                                              {{"OCF_RESKEY_CRM_meta_notify_stop_uname", "srv1"}}));
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(instance.postmaster(), 0);
  EXPECT_EQ(instance.control("Database cluster state"), "shut down");
}

TEST(DemoteWithoutCluster, OfAKilledPrimaryStartsItAsAStandby) {
  ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = 'application_name=srv1'");
  instance.start();
  instance.kill_server();
  const auto run = run_agent({"demote"}, environment_for(instance));
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(instance.ask("SELECT pg_is_in_recovery()"), "t");
}

TEST(NodeName, IsAskedForOnceWhereTheEnvironmentHasNone) {
  const ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = 'application_name=srv1'");
  auto environment = environment_for(instance);
  environment.erase("OCF_RESKEY_CRM_meta_on_node");
  const auto run = run_agent({"validate-all"}, environment);
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_EQ(run.reason().compare(0, 9, "crm_node:"), 0) << run.err;
}

}  // namespace
}  // namespace pgsqlms::test
