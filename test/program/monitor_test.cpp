// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <csignal>
#include <future>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

/// Exit codes of a probe and of a recurring monitor.
struct Codes {
  int probe;
  int monitor;
};

/// Both monitors answer as they must, in time, with nothing on stdout, and change no file of the instance.
void expect_codes(const ScratchInstance& instance, Codes expected, const Variables& more = {}) {
  const auto environment = with(environment_for(instance), more);
  const auto probe = run_agent({"monitor"}, environment);
  EXPECT_EQ(probe.code, expected.probe) << "probe: " << probe.err;
  EXPECT_EQ(probe.out, "");
  const auto monitor = run_agent({"monitor"}, recurring(environment));
  EXPECT_EQ(monitor.code, expected.monitor) << "monitor: " << monitor.err;
  EXPECT_EQ(monitor.out, "");
  const bool is_well =
      expected.monitor == kSuccess || expected.monitor == kRunningPromoted || expected.monitor == kNotRunning;
  EXPECT_EQ(monitor.reason().empty(), is_well) << monitor.err;
}

TEST(Monitor, AnswersRunningPromotedForAPrimary) {
  ScratchInstance instance;
  instance.start();
  expect_codes(instance, {kRunningPromoted, kRunningPromoted});
}

TEST(Monitor, AnswersSuccessForAStandby) {
  const ScratchPair pair;
  expect_codes(pair.standby, {kSuccess, kSuccess});
}

TEST(Monitor, AnswersNotRunningForACleanlyStoppedInstance) {
  ScratchPair pair;
  pair.standby.stop();
  pair.primary.stop();
  expect_codes(pair.primary, {kNotRunning, kNotRunning});
  expect_codes(pair.standby, {kNotRunning, kNotRunning});
}

TEST(Monitor, AnswersFailedPromotedForAKilledPrimaryAndAProbeNotRunning) {
  ScratchInstance instance;
  instance.start();
  instance.kill_server();
  expect_codes(instance, {kNotRunning, kFailedPromoted});
}

TEST(Monitor, AnswersFailedPromotedForAPrimaryKilledDuringABackup) {
  ScratchInstance instance;
  instance.start();
  instance.kill_server();
  write_file(instance.data() + "/backup_label", "START WAL LOCATION: 0/2000028\n");
  expect_codes(instance, {kNotRunning, kFailedPromoted});
}

TEST(Monitor, AnswersGenericErrorForAKilledStandbyAndAProbeNotRunning) {
  ScratchPair pair;
  pair.standby.kill_server();
  expect_codes(pair.standby, {kNotRunning, kErrGeneric});
}

TEST(Monitor, AnswersFailedPromotedForAPrimaryKilledInCrashRecoveryAndWaitsForNobody) {
  ScratchInstance instance;
  const BlockedRecovery blocked(instance);
  instance.launch();
  ASSERT_TRUE(instance.has_logged("redo starts"));
  instance.kill_postmaster();
  end_processes_in(instance.data());  // the startup process waits in the kernel and does not see that it is alone
  const auto began = std::chrono::steady_clock::now();
  expect_codes(instance, {kNotRunning, kFailedPromoted});
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST(Monitor, AnswersGenericErrorWithinItsTimeForAServerInCrashRecovery) {
  ScratchInstance instance;
  const BlockedRecovery blocked(instance);
  instance.launch();
  ASSERT_TRUE(instance.has_logged("redo starts"));
  const auto environment = with(recurring(environment_for(instance)), {{"OCF_RESKEY_CRM_meta_timeout", "1500"}});
  const auto run = run_agent({"monitor"}, environment);
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_NE(run.reason(), "");
  EXPECT_LT(run.took, 1500ms);
}

TEST(Monitor, WaitsForTheEndOfACrashRecoveryWithinItsTime) {
  ScratchInstance instance;
  instance.configure("log_min_messages = debug1\nlog_connections = on");
  auto blocked = std::make_unique<BlockedRecovery>(instance);
  instance.launch();
  ASSERT_TRUE(instance.has_logged("redo starts"));
  auto asked =
      std::async(std::launch::async, [&] { return run_agent({"monitor"}, recurring(environment_for(instance))); });
  // Refused once: the agent has seen the server in recovery.
  ASSERT_TRUE(instance.has_logged("FATAL:  the database system is"));
  blocked.reset();
  EXPECT_EQ(asked.get().code, kRunningPromoted) << instance.log();
}

TEST(Monitor, AnswersGenericErrorWithinItsTimeForAFrozenServer) {
  ScratchInstance instance;
  instance.start();
  const Frozen postmaster(instance.postmaster());
  const auto environment = with(recurring(environment_for(instance)), {{"OCF_RESKEY_CRM_meta_timeout", "1500"}});
  const auto run = run_agent({"monitor"}, environment);
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_EQ(run.reason().compare(0, 26, "the server does not answer"), 0) << run.reason();
  EXPECT_LT(run.took, 1500ms);
}

TEST(Monitor, TakesASaturatedServerForAlive) {
  ScratchInstance instance;
  const Saturation saturation(instance);
  expect_codes(instance, {kRunningPromoted, kRunningPromoted});
}

TEST(Monitor, TakesAServerThatRejectsTheAgentForAlive) {
  for (const auto* const line : {"local all all reject\n", "local all all scram-sha-256\n"}) {
    ScratchInstance instance;
    instance.start();
    write_file(instance.data() + "/pg_hba.conf", line, 0600);
    kill(instance.postmaster(), SIGHUP);
    ASSERT_TRUE(eventually([&] { return !Session(instance.conninfo()).is_open(); }));
    expect_codes(instance, {kRunningPromoted, kRunningPromoted});
  }
}

TEST(Monitor, AnswersNotRunningWhereTheDataDirectoryIsMissing) {
  const ScratchInstance instance;
  expect_codes(instance, {kNotRunning, kNotRunning}, {{"OCF_RESKEY_pgdata", instance.data() + "x"}});
}

TEST(Monitor, AnswersNotRunningToAProbeOfANodeWithoutTheSystemUser) {
  const ScratchInstance instance;
  const auto run = run_agent(
      {"monitor"}, with(environment_for(instance),
                        {{"OCF_RESKEY_system_user", "no-such-user"}, {"OCF_RESKEY_pgdata", instance.data() + "x"}}));
  EXPECT_EQ(run.code, kNotRunning) << run.err;
}

TEST(Monitor, AnswersNotInstalledToAProbeWhereTheProgramsAreMissing) {
  const ScratchInstance instance;
  const auto run = run_agent({"monitor"}, with(environment_for(instance), {{"OCF_RESKEY_bindir", "/nonexistent"}}));
  EXPECT_EQ(run.code, kErrInstalled);
  EXPECT_NE(run.reason().find("/nonexistent/"), std::string::npos) << run.err;
}

TEST(Monitor, AnswersGenericErrorWhereTheControlFileIsDamaged) {
  const ScratchInstance instance;
  write_file(instance.data() + "/global/pg_control", std::string(8192, '\0'), 0600);
  expect_codes(instance, {kNotRunning, kErrGeneric});
}

TEST(Monitor, AnswersNotRunningWhereAnotherInstanceServesTheAddress) {
  ScratchInstance other;
  other.start();
  const ScratchInstance instance;
  expect_codes(instance, {kNotRunning, kNotRunning}, {{"OCF_RESKEY_pghost", other.folder().path()}});
}

TEST(Monitor, AnswersAsBeforeWhereTheConfigurationIsBroken) {
  ScratchPair pair;
  for (const auto* const instance : {&pair.primary, &pair.standby}) instance->configure("work_mem = lots");
  expect_codes(pair.primary, {kRunningPromoted, kRunningPromoted});
  expect_codes(pair.standby, {kSuccess, kSuccess});
  pair.standby.kill_server();
  expect_codes(pair.standby, {kNotRunning, kErrGeneric});
}

TEST(Monitor, AnswersAsBeforeWhereTheCloneIsMisconfigured) {
  ScratchInstance instance;
  instance.start();
  expect_codes(instance, {kRunningPromoted, kRunningPromoted},
               {{"OCF_RESKEY_CRM_meta_notify", "false"},
                {"OCF_RESKEY_CRM_meta_promoted_max", "2"},
                {"OCF_RESKEY_crm_feature_set", "rubbish"}});
}

TEST(Monitor, DoesNotLetScoresThatCannotBeKeptChangeItsAnswer) {
  ScratchInstance instance;
  instance.start();
  const auto run =
      run_agent({"monitor"}, with(recurring(environment_for(instance)), {{"HA_SBIN_DIR", "/nonexistent"}}));
  EXPECT_EQ(run.code, kRunningPromoted);
  EXPECT_EQ(run.reason(), "");
}

TEST(Monitor, DoesNotLetAToolThatHangsTakeItsTime) {
  ScratchInstance instance;
  instance.start();
  make_folder(instance.folder() / "sbin");
  for (const auto* const tool : {"crm_mon", "cibadmin", "crm_attribute", "attrd_updater"}) {
    write_file(instance.folder() / "sbin/" + tool, "#!/bin/sh\nexec sleep 60\n", 0755);
  }
  const auto run = run_agent(
      {"monitor"}, with(recurring(environment_for(instance)),
                        {{"HA_SBIN_DIR", instance.folder() / "sbin"}, {"OCF_RESKEY_CRM_meta_timeout", "2000"}}));
  EXPECT_EQ(run.code, kRunningPromoted);
  EXPECT_LT(run.took, 2000ms);
}

}  // namespace
}  // namespace pgsqlms::test
