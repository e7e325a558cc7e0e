// SPDX-License-Identifier: PostgreSQL
// What a server that the agent has started writes to its standard streams.
#include "pgsqlms/system/server_output.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "agent_run.hpp"
#include "deadlines.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

/// An instance for node srv1 without a logging collector, as Debian has it.
class ServerOutput : public testing::Test {
 protected:
  ServerOutput() { instance_.configure_recovery("primary_conninfo = 'application_name=srv1'"); }

  void expect_start() const {
    const auto run = run_agent({"start"}, with(environment_for(instance_), {{"HA_LOGFILE", log_}}));
    ASSERT_EQ(run.code, kSuccess) << run.err;
  }

  /// By hand, so that nobody votes.
  void promote() const {
    auto environment = environment_for(instance_);
    ASSERT_EQ(run_agent({"promote"}, environment).code, kSuccess);
  }

  [[nodiscard]] bool is_kept(const std::string& text) const {
    return eventually([&] { return contents_of(file_).find(text) != std::string::npos; });
  }

  void expect_it_archives() const {
    instance_.ask("CREATE TABLE t AS SELECT 1 AS one");
    instance_.ask("SELECT pg_switch_wal()");
    EXPECT_TRUE(eventually([&] { return instance_.ask("SELECT archived_count > 0 FROM pg_stat_archiver") == "t"; }))
        << contents_of(file_);
    EXPECT_EQ(instance_.ask("SELECT failed_count FROM pg_stat_archiver"), "0");
  }

  ScratchInstance instance_;
  const std::string log_ = instance_.folder() / "agent.log";
  const std::string file_ = system::output_file_of(instance_.data(), instance_.data());
};

TEST_F(ServerOutput, IsKeptWhereTheServerHasNoCollector) {
  expect_start();
  instance_.ask("DO $$ BEGIN RAISE LOG 'said after the start'; END $$");
  EXPECT_TRUE(is_kept("said after the start")) << contents_of(file_);
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
}

TEST_F(ServerOutput, OfArchiveCommandFailsNoArchiving) {
  instance_.configure("archive_mode = on\narchive_command = 'echo archiving %f && echo and more >&2'");
  expect_start();
  promote();
  expect_it_archives();
  EXPECT_TRUE(is_kept("archiving 0000")) << contents_of(file_);
}

TEST_F(ServerOutput, OfRestoreCommandFailsNoRecovery) {
  instance_.configure_recovery("restore_command = 'echo looking for %f && false'");
  expect_start();
  EXPECT_TRUE(is_kept("looking for 0000")) << contents_of(file_);
}

TEST_F(ServerOutput, IsAddedToWhatEarlierServersWrote) {
  expect_start();
  ASSERT_EQ(run_agent({"stop"}, environment_for(instance_)).code, kSuccess);
  const auto former = contents_of(file_);
  expect_start();
  EXPECT_EQ(contents_of(file_).compare(0, former.size(), former), 0);
  EXPECT_GT(contents_of(file_).size(), former.size());
}

TEST_F(ServerOutput, MayGoToAFullDisk) {
  instance_.configure("archive_mode = on\narchive_command = 'true'");
  fs::create_directories(fs::path(file_).parent_path());
  fs::create_symlink("/dev/full", file_);
  expect_start();
  promote();
  expect_it_archives();
}

TEST_F(ServerOutput, ThatCannotBeKeptThereIsKeptWithTheData) {
  fs::create_directories(file_);
  expect_start();
  const auto substitute = instance_.data() + "/pgsqlms.log";
  EXPECT_NE(contents_of(log_).find("warning: the server's output goes to \"" + substitute + "\", as \"" + file_ + "\""),
            std::string::npos)
      << contents_of(log_);
  EXPECT_NE(contents_of(substitute).find("LOG:"), std::string::npos) << contents_of(substitute);
}

TEST_F(ServerOutput, OfAnEarlierServerIsNoReason) {
  write_file(file_, "FATAL:  said by an earlier server\n");
  instance_.configure("shared_preload_libraries = 'no_such_library'");
  const auto run = run_agent({"start"}, environment_for(instance_));
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_NE(run.reason().find("no_such_library"), std::string::npos) << run.reason();
}

}  // namespace
}  // namespace pgsqlms::test
