// SPDX-License-Identifier: PostgreSQL
// A shutdown that is held up by what is not the instance's data.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "agent_run.hpp"
#include "deadlines.hpp"

namespace pgsqlms::test {
namespace {

/// A primary for node srv1. What holds its shutdown up may do so for a quarter of five seconds.
class HeldUpShutdown : public testing::Test {
 protected:
  HeldUpShutdown() {
    instance_.configure_recovery("primary_conninfo = 'application_name=srv1'");
    instance_.configure("wal_level = logical\nmax_replication_slots = 4");
  }

  [[nodiscard]] AgentRun run(const std::string& action) const {
    return run_agent({action},
                     with(environment_for(instance_), {{"HA_LOGFILE", log_}, {"OCF_RESKEY_CRM_meta_timeout", "8000"}}));
  }

  /// A consumer that takes all and confirms nothing: it is stopped.
  void consume() {
    instance_.ask("SELECT pg_create_logical_replication_slot('shop', 'test_decoding')");
    consumer_ = std::make_unique<Session>(instance_.conninfo() + " replication=database application_name=shop_sync");
    ASSERT_TRUE(consumer_->is_open()) << consumer_->error();
    consumer_->begin("START_REPLICATION SLOT shop LOGICAL 0/0");
    ASSERT_TRUE(eventually([&] { return instance_.ask("SELECT active FROM pg_replication_slots") == "t"; }));
    instance_.ask("CREATE TABLE unconfirmed AS SELECT generate_series(1, 100)");
  }

  [[nodiscard]] bool has_warned(const std::string& words) const {
    return contents_of(log_).find("warning: " + words) != std::string::npos;
  }

  ScratchInstance instance_;
  std::unique_ptr<Session> consumer_;
  const std::string log_ = instance_.folder() / "agent.log";
};

TEST_F(HeldUpShutdown, ByALogicalConsumerIsHelpedOnByDemote) {
  instance_.start();
  consume();
  const auto demote = run("demote");
  EXPECT_EQ(demote.code, kSuccess) << demote.err;
  EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "t");
  EXPECT_EQ(instance_.ask("SELECT count(*) FROM unconfirmed"), "100");
  EXPECT_TRUE(has_warned("the shutdown waits for a logical consumer that does not confirm")) << contents_of(log_);
  EXPECT_NE(contents_of(log_).find("application shop_sync, slot shop"), std::string::npos) << contents_of(log_);
}

TEST_F(HeldUpShutdown, ByALogicalConsumerIsHelpedOnByStop) {
  instance_.start();
  consume();
  const auto stop = run("stop");
  EXPECT_EQ(stop.code, kSuccess) << stop.err;
  EXPECT_EQ(instance_.control("Database cluster state"), "shut down");
}

TEST_F(HeldUpShutdown, ByAnArchiveBacklogIsHelpedOnOnceAllIsWritten) {
  instance_.configure("archive_mode = on\narchive_command = 'sleep 60'");
  instance_.start();
  instance_.ask("CREATE TABLE kept AS SELECT generate_series(1, 100)");
  for (int segment = 0; segment < 3; ++segment) {
    instance_.ask("SELECT pg_switch_wal()");
    instance_.ask("SELECT txid_current()");
  }
  const auto demote = run("demote");
  EXPECT_EQ(demote.code, kSuccess) << demote.err;
  EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "t");
  EXPECT_EQ(instance_.ask("SELECT count(*) FROM kept"), "100");
  EXPECT_TRUE(has_warned("the instance is shut down and archiving holds up its end")) << contents_of(log_);
}

TEST_F(HeldUpShutdown, ByAnArchiveBacklogLeavesTheCommandThatRunsItsTime) {
  const auto archive = instance_.folder() / "archive";
  std::filesystem::create_directory(archive);
  if (is_root()) {
    ASSERT_EQ(chown(archive.c_str(), scratch_user().uid, scratch_user().gid), 0);
  }
  instance_.configure("archive_mode = on\narchive_command = 'sleep 1; cp %p " + archive + "/%f'");
  instance_.start();
  for (int segment = 0; segment < 9; ++segment) {
    instance_.ask("SELECT txid_current()");
    instance_.ask("SELECT pg_switch_wal()");
  }
  const auto demote = run("demote");
  EXPECT_EQ(demote.code, kSuccess) << demote.err;
  std::size_t archived = 0;
  for (const auto& file : std::filesystem::directory_iterator(archive)) {
    EXPECT_EQ(file.file_size(), 16U << 20) << file.path();
    ++archived;
  }
  EXPECT_GT(archived, 0U);
  EXPECT_EQ(contents_of(log_).find("archive_command does not end"), std::string::npos) << contents_of(log_);
}

TEST_F(HeldUpShutdown, ByAFrozenStandbyIsWaitedFor) {
  ScratchInstance standby;
  standby.follow(instance_, "srv2");
  instance_.start();
  standby.start();
  ASSERT_TRUE(eventually([&] { return instance_.ask("SELECT state FROM pg_stat_replication") == "streaming"; }));
  const Frozen frozen(standby.process("walreceiver"));
  instance_.ask("CREATE TABLE kept AS SELECT generate_series(1, 100)");
  const auto demote = run("demote");
  EXPECT_EQ(demote.code, kErrGeneric);
  EXPECT_NE(demote.reason().find("did not stop in time (fast shutdown), it waits for walsender"), std::string::npos)
      << demote.reason();
}

}  // namespace
}  // namespace pgsqlms::test
