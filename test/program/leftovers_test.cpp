// SPDX-License-Identifier: PostgreSQL
// Settings that do nothing in a primary and come alive in a standby, such as those of a point-in-time restore.
#include <gtest/gtest.h>

#include <filesystem>

#include "agent_run.hpp"
#include "deadlines.hpp"
#include "pgsqlms/system/subprocess.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOnlyInPostgresqlConf = "before PostgreSQL 12 the settings are in the template only";

/// A primary whose WAL has a place between two rows that a recovery could end at, and a standby, for node srv1, that is
/// not started yet.
class Leftovers : public testing::Test {
 protected:
  Leftovers() {
    standby_.follow(primary_, "srv1");
    primary_.start();
    primary_.ask("CREATE TABLE kept AS SELECT 1 AS row");
    xid_ = primary_.ask("INSERT INTO kept VALUES (2) RETURNING txid_current()");
    lsn_ = primary_.ask("SELECT pg_create_restore_point('before_upgrade')");
    time_ = primary_.ask("SELECT clock_timestamp()");
    primary_.ask("INSERT INTO kept VALUES (3)");
    write_file(log_, "");
  }

  [[nodiscard]] Variables environment() const { return with(environment_for(standby_), {{"HA_LOGFILE", log_}}); }

  void start(const Variables& more = {}) const {
    const auto run = run_agent({"start"}, with(environment(), more));
    ASSERT_EQ(run.code, kSuccess) << run.err;
  }

  /// The standby has, within the deadline, everything that the primary has.
  void expect_all_rows() const {
    const auto end = primary_.ask("SELECT pg_current_wal_lsn()");
    EXPECT_TRUE(eventually([&] {
      return standby_.ask("SELECT pg_last_wal_replay_lsn() >= '" + end + "'::pg_lsn") == "t";
    })) << standby_.log();
    EXPECT_EQ(standby_.ask("SELECT count(*) FROM kept"), "3");
    EXPECT_EQ(standby_.ask("SELECT pg_is_in_recovery()"), "t");
  }

  /// Started by the agent it replays all of the primary's WAL, and loses nothing in a promotion.
  void expect_that_nothing_is_lost(const Variables& more = {}) {
    start(more);
    expect_all_rows();
    primary_.stop();
    const auto run = run_agent({"promote"}, with(environment(), more));
    EXPECT_EQ(run.code, kSuccess) << run.err;
    EXPECT_EQ(standby_.ask("SELECT count(*) FROM kept"), "3");
  }

  [[nodiscard]] bool has_warned(const std::string& words) const {
    return contents_of(log_).find("warning: " + words) != std::string::npos;
  }

  ScratchInstance primary_;
  ScratchInstance standby_;
  std::string xid_, lsn_, time_;
  const std::string log_ = standby_.folder() / "agent.log";
};

TEST_F(Leftovers, OfARecoveryToATimeLoseNothing) {
  standby_.configure_recovery("recovery_target_time = '" + time_ + "'");
  expect_that_nothing_is_lost();
  EXPECT_TRUE(has_warned("recovery_target_time is \"" + time_ + "\" in the configuration"));
}

TEST_F(Leftovers, OfARecoveryToANameLoseNothing) {
  standby_.configure_recovery("recovery_target_name = 'before_upgrade'");
  expect_that_nothing_is_lost();
}

TEST_F(Leftovers, OfARecoveryToATransactionLoseNothing) {
  standby_.configure_recovery("recovery_target_xid = '" + xid_ + "'");
  expect_that_nothing_is_lost();
}

TEST_F(Leftovers, OfARecoveryToAPositionLoseNothing) {
  standby_.configure_recovery("recovery_target_lsn = '" + lsn_ + "'");
  expect_that_nothing_is_lost();
}

TEST_F(Leftovers, ThatPromoteAtOnceMakeNoSecondPrimary) {
  standby_.configure_recovery("recovery_target = 'immediate'");
  standby_.configure_recovery("recovery_target_action = 'promote'");
  expect_that_nothing_is_lost();
}

TEST_F(Leftovers, ThatShutTheStandbyDownDoNot) {
  standby_.configure_recovery("recovery_target_lsn = '" + lsn_ + "'");
  standby_.configure_recovery("recovery_target_action = shutdown");
  standby_.configure_recovery("recovery_target_inclusive = off");
  expect_that_nothing_is_lost();
}

TEST_F(Leftovers, InAllFilesAtOnceAreNamedAndOverridden) {
  if (!has_standby_signal()) GTEST_SKIP() << kOnlyInPostgresqlConf;
  standby_.configure("include 'restore.conf'\nRecovery_Target_Xid = '" + xid_ + "'");
  write_file(standby_.data() + "/restore.conf", "recovery_target_time = '" + time_ + "'\n");
  append_to_file(standby_.data() + "/postgresql.auto.conf", "recovery_target_name = 'before_upgrade'\n");
  expect_that_nothing_is_lost();
  for (const auto* const name : {"time", "xid", "name"}) {
    EXPECT_TRUE(has_warned(std::string("recovery_target_") + name + " is \"")) << name;
  }
}

TEST_F(Leftovers, InStartOptsAreNamedAndOverridden) {
  if (!has_standby_signal()) GTEST_SKIP() << kOnlyInPostgresqlConf;
  expect_that_nothing_is_lost({{"OCF_RESKEY_start_opts", "-c recovery_target_lsn=" + lsn_ +
                                                             " --recovery-target-action=promote -c work_mem=7MB"}});
  EXPECT_TRUE(has_warned("recovery_target_lsn is \"" + lsn_ + "\""));
  EXPECT_EQ(standby_.ask("SHOW work_mem"), "7MB");
}

TEST_F(Leftovers, InATemplateAreLeftOutOfRecoveryConf) {
  if (has_standby_signal()) GTEST_SKIP() << "since PostgreSQL 12 there is none";
  standby_.configure_recovery("Recovery_Target_Name 'before_upgrade'");
  standby_.configure_recovery("trigger_file = '/nowhere'");
  standby_.configure_recovery("restore_command = 'false'");
  start();
  const auto written = contents_of(standby_.recovery_file());
  EXPECT_EQ(written.find("before_upgrade"), std::string::npos) << written;
  EXPECT_EQ(written.find("trigger_file"), std::string::npos) << written;
  EXPECT_NE(written.find("recovery_target_timeline = 'latest'"), std::string::npos) << written;
  EXPECT_NE(written.find("restore_command = 'false'"), std::string::npos) << written;
  EXPECT_TRUE(has_warned("recovery_target_name is \"before_upgrade\""));
}

TEST_F(Leftovers, StayOverriddenInAReloadAndARestartByHand) {
  if (!has_standby_signal()) GTEST_SKIP() << kOnlyInPostgresqlConf;
  standby_.configure("recovery_target_name = 'before_upgrade'");
  start();
  standby_.configure("recovery_target_lsn = '" + lsn_ + "'");
  standby_.ask("SELECT pg_reload_conf()");
  expect_all_rows();
  system::Command restart;
  restart.arguments = {server_programs() + "/pg_ctl", "--pgdata=" + standby_.data(), "--log=" + standby_.log_file(),
                       "-w", "restart"};
  restart.user = is_root() ? &scratch_user() : nullptr;
  const auto outcome = system::run(restart, in(60s));
  ASSERT_TRUE(outcome.succeeded()) << system::describe(outcome);
  primary_.ask("INSERT INTO kept VALUES (4)");
  EXPECT_TRUE(eventually([&] { return standby_.ask("SELECT count(*) FROM kept") == "4"; }));
}

TEST_F(Leftovers, OfAnotherClusterManagerThatTriggerAPromotionMakeNoSecondPrimary) {
  if (server_major() > 15) GTEST_SKIP() << "PostgreSQL 16 and newer have no trigger file";
  const auto trigger = standby_.folder() / "trigger";
  write_file(trigger, "");
  const auto line =
      std::string(has_standby_signal() ? "promote_trigger_file" : "trigger_file") + " = '" + trigger + "'";
  standby_.configure_recovery(line);
  start();
  expect_all_rows();
  standby_.ask("SELECT pg_reload_conf()");
  primary_.ask("INSERT INTO kept VALUES (4)");
  EXPECT_TRUE(eventually([&] { return standby_.ask("SELECT count(*) FROM kept") == "4"; }));
  EXPECT_EQ(standby_.ask("SELECT pg_is_in_recovery()"), "t");
  EXPECT_TRUE(has_warned(has_standby_signal() ? "promote_trigger_file is \"" : "trigger_file is \""));
}

TEST_F(Leftovers, ThatKeepAllSessionsOutDoNot) {
  standby_.configure("hot_standby = off");
  expect_that_nothing_is_lost();
  EXPECT_TRUE(has_warned("hot_standby is \"off\" in the configuration"));
}

TEST_F(Leftovers, DoNotMakeACrashOfTheNextPrimaryLookLikeAStop) {
  if (!has_standby_signal()) GTEST_SKIP() << "before PostgreSQL 12 there is no recovery.signal";
  write_file(standby_.data() + "/recovery.signal", "", 0600);
  expect_that_nothing_is_lost();
  standby_.kill_server();
  EXPECT_EQ(run_agent({"monitor"}, recurring(environment())).code, kFailedPromoted);
}

TEST_F(Leftovers, AreNamedByValidateAllOfAStoppedAndOfARunningInstance) {
  standby_.configure_recovery("recovery_target_name = 'before_upgrade'");
  for (const auto* const state : {"stopped", "running"}) {
    write_file(log_, "");
    const auto run = run_agent({"validate-all"}, environment());
    EXPECT_EQ(run.code, kSuccess) << state << ": " << run.err;
    EXPECT_TRUE(has_warned("recovery_target_name is \"before_upgrade\"")) << state << ": " << contents_of(log_);
    start();
  }
}

TEST_F(Leftovers, AreNotNamedWhereThereAreNone) {
  standby_.configure("hot_standby = on");
  if (has_standby_signal()) standby_.configure("recovery_target_name = 'x'\nrecovery_target_name = ''");
  start();
  EXPECT_EQ(run_agent({"validate-all"}, environment()).code, kSuccess);
  EXPECT_FALSE(has_warned("")) << contents_of(log_);
}

}  // namespace
}  // namespace pgsqlms::test
