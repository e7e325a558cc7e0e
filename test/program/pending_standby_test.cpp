// SPDX-License-Identifier: PostgreSQL
// A standby that takes no sessions: a transaction with more than 64 subtransactions was open on its primary.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "agent_run.hpp"
#include "deadlines.hpp"
#include "pgsqlms/system/local_instance.hpp"

namespace pgsqlms::test {
namespace {

/// Opens such a transaction for as long as the object lives.
class ManySubtransactions {
 public:
  explicit ManySubtransactions(const ScratchInstance& primary) : session_(primary.conninfo()) {
    session_.ask("BEGIN");
    session_.ask("CREATE TABLE uncommitted (n int)");
    session_.ask(
        "DO $$ BEGIN FOR i IN 1 .. 100 LOOP BEGIN INSERT INTO uncommitted VALUES (i); "
        "EXCEPTION WHEN others THEN NULL; END; END LOOP; END $$");
    // The running transactions that a standby begins with are written with a checkpoint.
    primary.ask("CHECKPOINT");
  }

 private:
  Session session_;
};

/// An instance for node srv1.
class PendingStandby : public testing::Test {
 protected:
  PendingStandby() { instance_.configure_recovery("primary_conninfo = 'host=/nowhere application_name=srv1'"); }

  /// The crash of a primary on which it is open; returns the end of its WAL.
  std::string crash_with_many_subtransactions() {
    instance_.start();
    const ManySubtransactions open(instance_);
    instance_.ask("CREATE TABLE committed AS SELECT 1 AS one");
    const auto end = instance_.ask("SELECT pg_current_wal_insert_lsn()");
    instance_.kill_server();
    return end;
  }

  /// Makes `standby` one of the instance whose recovery begins below the transaction.
  void begin_below_the_transaction(const ScratchInstance& standby, const Variables& environment) {
    ASSERT_EQ(run_agent({"start"}, environment).code, kSuccess);
    EXPECT_TRUE(eventually([&] { return standby.ask("SELECT count(*) FROM pg_stat_wal_receiver") == "1"; }));
    EXPECT_TRUE(eventually([&] {
      standby.ask("CHECKPOINT");
      return standby.control("Latest checkpoint location") == instance_.control("Latest checkpoint location");
    }));
    ASSERT_EQ(run_agent({"stop"}, environment).code, kSuccess);
  }

  [[nodiscard]] AgentRun run(const std::string& action, const Variables& more = {}) const {
    return run_agent({action}, with(with(environment_for(instance_), {{"HA_LOGFILE", log_}}), more));
  }

  ScratchInstance instance_;
  const std::string log_ = instance_.folder() / "agent.log";
};

TEST_F(PendingStandby, IsStartedMonitoredAndPromoted) {
  crash_with_many_subtransactions();
  const auto start = run("start");
  EXPECT_EQ(start.code, kSuccess) << start.err;
  EXPECT_LT(start.took, 20s);
  EXPECT_FALSE(Session(instance_.conninfo()).is_open()) << "it takes sessions, so nothing is tried here";
  EXPECT_EQ(run("monitor").code, kSuccess);
  EXPECT_EQ(run("start").code, kSuccess);
  const auto promote = run("promote");
  EXPECT_EQ(promote.code, kSuccess) << promote.err;
  EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "f");
  EXPECT_EQ(instance_.ask("SELECT one FROM committed"), "1");
  EXPECT_EQ(instance_.ask("SELECT to_regclass('uncommitted') IS NULL"), "t");
}

TEST_F(PendingStandby, TellsToTheByteHowFarItIsOnceItIsStopped) {
  const auto end = crash_with_many_subtransactions();
  ASSERT_EQ(run("start").code, kSuccess);
  ASSERT_EQ(run("stop").code, kSuccess);
  EXPECT_EQ(instance_.control("Database cluster state"), "shut down in recovery");
  system::LocalInstance local(instance_.parameters());
  const auto control = local.control_data(in(20s));
  ASSERT_TRUE(control);
  EXPECT_EQ(to_string(control->minimum_recovery), end);
  EXPECT_EQ(control->minimum_recovery_timeline, 1U);
}

TEST_F(PendingStandby, HasNoWalBehindThatEnd) {
  if (const auto reason = reason_for_missing("pg_waldump")) GTEST_SKIP() << *reason;
  crash_with_many_subtransactions();
  ASSERT_EQ(run("start").code, kSuccess);
  ASSERT_EQ(run("stop").code, kSuccess);
  system::LocalInstance local(instance_.parameters());
  const auto control = local.control_data(in(20s));
  ASSERT_TRUE(control);
  EXPECT_FALSE(local.has_wal_after({1, control->minimum_recovery}, in(20s)));
  EXPECT_TRUE(local.has_wal_after({1, control->checkpoint}, in(20s)));
}

TEST_F(PendingStandby, TellsWhatItHasStreamedOnceItIsStopped) {
  ScratchInstance standby;
  standby.follow(instance_, "srv1");
  instance_.start();
  const auto environment = environment_for(standby);
  const ManySubtransactions open(instance_);
  begin_below_the_transaction(standby, environment);
  ASSERT_EQ(run_agent({"start"}, environment).code, kSuccess);
  EXPECT_FALSE(Session(standby.conninfo()).is_open());
  instance_.ask("SELECT pg_switch_wal()");
  instance_.ask("CREATE TABLE streamed AS SELECT generate_series(1, 1000)");
  const auto end = instance_.ask("SELECT pg_current_wal_flush_lsn()");
  EXPECT_TRUE(eventually([&] {
    return instance_.ask("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= '" + end + "'") == "1";
  }));
  instance_.kill_server();
  ASSERT_EQ(run_agent({"stop"}, environment).code, kSuccess);
  EXPECT_EQ(standby.control("Minimum recovery ending location"), end);
}

TEST_F(PendingStandby, IsStoppedAndDemoted) {
  crash_with_many_subtransactions();
  ASSERT_EQ(run("start").code, kSuccess);
  const auto demote = run("demote");
  EXPECT_EQ(demote.code, kSuccess) << demote.err;
  EXPECT_EQ(run("monitor").code, kSuccess);
  EXPECT_EQ(run("stop").code, kSuccess);
  EXPECT_EQ(instance_.control("Database cluster state"), "shut down in recovery");
}

TEST_F(PendingStandby, IsStartedBelowAPrimaryThatWritesAndTakesSessionsOnceTheTransactionHasEnded) {
  ScratchInstance standby;
  standby.follow(instance_, "srv1");
  instance_.start();
  const auto environment = environment_for(standby);
  auto open = std::make_unique<ManySubtransactions>(instance_);
  begin_below_the_transaction(standby, environment);
  instance_.ask("CREATE TABLE busy (n int)");
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    Session session(instance_.conninfo());
    for (int n = 0; !is_over; ++n) session.ask("INSERT INTO busy VALUES (" + std::to_string(n) + ")");
  });
  const auto start = run_agent({"start"}, environment);
  EXPECT_EQ(start.code, kSuccess) << start.err;
  EXPECT_FALSE(Session(standby.conninfo()).is_open());
  EXPECT_EQ(run_agent({"monitor"}, environment).code, kSuccess);
  is_over = true;
  writer.join();
  open.reset();
  instance_.ask("CHECKPOINT");
  EXPECT_TRUE(eventually([&] { return Session(standby.conninfo()).is_open(); }, 30s));
  EXPECT_EQ(run_agent({"monitor"}, environment).code, kSuccess);
}

TEST_F(PendingStandby, IsNoCopyThatLacksItsWal) {
  instance_.start();
  const auto next = instance_.ask("SELECT pg_walfile_name(pg_switch_wal())");
  instance_.stop();
  // As an unfinished base backup: backup_label says where it began, and the WAL that makes it whole is missing.
  write_file(instance_.data() + "/backup_label",
             "START WAL LOCATION: " + instance_.control("Latest checkpoint's REDO location") + " (file " + next +
                 ")\nCHECKPOINT LOCATION: " + instance_.control("Latest checkpoint location") +
                 "\nBACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-01-01 00:00:00 UTC\nLABEL: copy\n"
                 "START TIMELINE: 1\n");
  const auto start = run("start", {{"OCF_RESKEY_CRM_meta_timeout", "8000"}});
  EXPECT_EQ(start.code, kErrGeneric);
  EXPECT_NE(start.reason().find("start failed: "), std::string::npos) << start.reason();
}

}  // namespace
}  // namespace pgsqlms::test
