// SPDX-License-Identifier: PostgreSQL
// Settings that a standby must have at least as high as the primary had them.
#include <gtest/gtest.h>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

/// An instance for node srv1 that was a primary with high settings.
class LowSettings : public testing::Test {
 protected:
  LowSettings() {
    instance_.configure_recovery("primary_conninfo = 'application_name=srv1'");
    write_file(log_, "");
  }

  void run_as_primary_with(const std::string& settings) {
    instance_.configure(settings);
    instance_.start();
    instance_.stop();
  }

  void expect_start(const std::string& options = "") const {
    const auto run = run_agent(
        {"start"}, with(environment_for(instance_), {{"HA_LOGFILE", log_}, {"OCF_RESKEY_start_opts", options}}));
    ASSERT_EQ(run.code, kSuccess) << run.err;
    EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "t");
  }

  /// The instance as a primary, and a standby of it by the agent.
  void start_with_standby(const ScratchInstance& standby, const std::string& settings, const Variables& environment) {
    standby.follow(instance_, "srv1");
    standby.configure(settings);
    instance_.start();
    ASSERT_EQ(run_agent({"start"}, environment).code, kSuccess);
  }

  [[nodiscard]] bool has_warned(const std::string& words) const {
    return contents_of(log_).find("warning: " + words) != std::string::npos;
  }

  ScratchInstance instance_;
  const std::string log_ = instance_.folder() / "agent.log";
};

TEST_F(LowSettings, DoNotKeepAnInstanceFromItsStart) {
  run_as_primary_with(
      "max_connections = 30\nmax_worker_processes = 5\nmax_wal_senders = 6\nmax_prepared_transactions = 7\n"
      "max_locks_per_transaction = 80");
  instance_.configure(
      "max_connections = 20\nmax_worker_processes = 2\nmax_wal_senders = 3\nmax_prepared_transactions = 0\n"
      "max_locks_per_transaction = 64");
  expect_start();
  EXPECT_EQ(instance_.ask("SHOW max_connections"), "30");
  EXPECT_EQ(instance_.ask("SHOW max_worker_processes"), "5");
  EXPECT_EQ(instance_.ask("SHOW max_prepared_transactions"), "7");
  EXPECT_EQ(instance_.ask("SHOW max_locks_per_transaction"), "80");
  // Before PostgreSQL 12 they are connections like any other.
  EXPECT_EQ(instance_.ask("SHOW max_wal_senders"), server_major() >= 12 ? "6" : "3");
  EXPECT_TRUE(has_warned("max_connections is 20 in the configuration, the primary had 30")) << contents_of(log_);
}

TEST_F(LowSettings, OfTheOptionsOfTheStartDoNotEither) {
  run_as_primary_with("max_connections = 30");
  expect_start("-c max_connections=20 -c work_mem=7MB");
  EXPECT_EQ(instance_.ask("SHOW max_connections"), "30");
  EXPECT_EQ(instance_.ask("SHOW work_mem"), "7MB");
  EXPECT_FALSE(has_warned("work_mem")) << contents_of(log_);
}

TEST_F(LowSettings, AreRaisedNoLongerThanThePrimaryHasThem) {
  ScratchInstance& primary = instance_;
  run_as_primary_with("max_connections = 30");
  const ScratchInstance standby;
  const auto environment = environment_for(standby);
  start_with_standby(standby, "max_connections = 30", environment);
  // As docs/administration.md has it: the lower value everywhere, then the primary alone is restarted with it.
  primary.configure("max_connections = 25");
  standby.configure("max_connections = 25");
  primary.stop();
  primary.start();
  EXPECT_EQ(primary.ask("SHOW max_connections"), "25");
  const auto end = primary.ask("SELECT pg_current_wal_lsn()");
  ASSERT_TRUE(
      eventually([&] { return standby.ask("SELECT pg_last_wal_replay_lsn() >= '" + end + "'::pg_lsn") == "t"; }));
  ASSERT_EQ(run_agent({"stop"}, environment).code, kSuccess);
  ASSERT_EQ(run_agent({"start"}, environment).code, kSuccess);
  EXPECT_EQ(standby.ask("SHOW max_connections"), "25");
}

TEST_F(LowSettings, OfAStandbyAreRaisedBeforeItIsPromoted) {
  ScratchInstance& primary = instance_;
  run_as_primary_with("max_connections = 20");
  const ScratchInstance standby;
  const auto environment = with(environment_for(standby), {{"HA_LOGFILE", log_}});
  start_with_standby(standby, "max_connections = 20", environment);
  primary.configure("max_connections = 25");
  primary.stop();
  primary.start();
  primary.ask("CREATE TABLE acknowledged AS SELECT 1");
  const auto end = primary.ask("SELECT pg_current_wal_lsn()");
  // Before PostgreSQL 14 a standby ends when it meets the new value, and is started again with enough.
  if (server_major() < 14) {
    ASSERT_TRUE(eventually([&] { return run_agent({"monitor"}, environment).code != kSuccess; }));
    ASSERT_EQ(run_agent({"start"}, environment).code, kSuccess);
  }
  // What was received before a restart is only counted as replayed.
  const auto has_got_all =
      "SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) >= '" + end + "'::pg_lsn";
  ASSERT_TRUE(eventually([&] { return standby.ask(has_got_all) == "t"; })) << contents_of(log_);
  primary.stop();
  const auto run = run_agent({"promote"}, environment);
  ASSERT_EQ(run.code, kSuccess) << run.err << contents_of(log_);
  EXPECT_EQ(standby.ask("SELECT count(*) FROM acknowledged"), "1");
}

TEST_F(LowSettings, AreNotSpokenOfWhereTheyAreHighEnough) {
  run_as_primary_with("max_connections = 20");
  instance_.configure("max_connections = 30");
  expect_start();
  EXPECT_EQ(instance_.ask("SHOW max_connections"), "30");
  EXPECT_FALSE(has_warned("max_connections")) << contents_of(log_);
}

}  // namespace
}  // namespace pgsqlms::test
