// SPDX-License-Identifier: PostgreSQL
// Starts of an instance whose last server left its lock files behind.
#include <gtest/gtest.h>

#include <filesystem>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

/// A process of the servers' user that is none of them, such as a pooler.
Start pooler() {
  Start start;
  start.arguments = {"/bin/sleep", "60"};
  start.user = is_root() ? &scratch_user() : nullptr;
  return start;
}

/// A crashed primary for node srv1, whose lock files are both there.
class LockFiles : public testing::Test {
 protected:
  LockFiles() {
    instance_.configure_recovery("primary_conninfo = 'application_name=srv1'");
    instance_.start();
    instance_.kill_server();
    write_file(log_, "");
  }

  [[nodiscard]] AgentRun start() const {
    return run_agent({"start"}, with(environment_for(instance_), {{"HA_LOGFILE", log_}}));
  }

  void expect_start() const {
    const auto run = start();
    ASSERT_EQ(run.code, kSuccess) << run.err;
    EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "t");
  }

  /// Puts another pid into the first line.
  void name_in(const std::string& path, pid_t pid) const {
    const auto text = contents_of(path);
    write_file(path, std::to_string(pid) + text.substr(text.find('\n')), 0600);
  }

  [[nodiscard]] bool has_logged(const std::string& words) const {
    return contents_of(log_).find(words) != std::string::npos;
  }

  ScratchInstance instance_;
  const std::string pid_file_ = instance_.data() + "/postmaster.pid";
  const std::string socket_lock_ = instance_.folder() / ".s.PGSQL.5432.lock";
  const std::string log_ = instance_.folder() / "agent.log";
};

TEST_F(LockFiles, AreLeftToPostgreSQLWhereItRemovesThem) {
  expect_start();
  EXPECT_FALSE(has_logged("lock file"));
}

TEST_F(LockFiles, ThatNameAPoolerDoNotKeepAnInstanceFromItsStart) {
  const Child other(pooler());
  name_in(pid_file_, other.pid());
  name_in(socket_lock_, other.pid());
  expect_start();
  for (const auto& path : {pid_file_, socket_lock_}) {
    EXPECT_TRUE(has_logged("removing the lock file \"" + path + "\" that a crash has left: process " +
                           std::to_string(other.pid()) + " is no server of this instance"))
        << contents_of(log_);
  }
  EXPECT_TRUE(is_alive(other.pid()));
}

TEST_F(LockFiles, ThatNameAnotherInstanceDoNotEither) {
  ScratchInstance other;
  other.configure("port = 5433");
  other.launch();
  ASSERT_TRUE(
      eventually([&] { return contents_of(other.data() + "/postmaster.pid").find("ready") != std::string::npos; }));
  const auto postmaster = other.postmaster();
  name_in(pid_file_, postmaster);
  name_in(socket_lock_, postmaster);
  expect_start();
  EXPECT_TRUE(is_alive(postmaster));
}

TEST_F(LockFiles, ThatNameNobodyDoNotEither) {
  for (const auto& content : {std::string(), std::string("0\n"), std::string(4096, '\0'), std::string("rubbish\n")}) {
    write_file(pid_file_, content, 0600);
    write_file(socket_lock_, content, 0600);
    expect_start();
    if (HasFatalFailure()) return;
    instance_.kill_server();
  }
  EXPECT_TRUE(has_logged("no process is named in it"));
}

TEST_F(LockFiles, OfASocketInAFurtherDirectoryDoNotEither) {
  const Child other(pooler());
  const ScratchFolder further;
  instance_.configure("unix_socket_directories = '" + instance_.folder().path() + ", " + further.path() + "'");
  write_file(further / ".s.PGSQL.5432.lock", std::to_string(other.pid()) + "\n", 0600);
  expect_start();
}

TEST_F(LockFiles, StayWhereAServerAnswersAtTheSocket) {
  ScratchInstance other;
  other.start();
  instance_.configure("unix_socket_directories = '" + other.folder().path() + "'");
  const auto lock = other.folder() / ".s.PGSQL.5432.lock";
  write_file(lock, "", 0600);
  EXPECT_EQ(start().code, kErrGeneric);
  EXPECT_TRUE(fs::exists(lock));
  EXPECT_EQ(other.ask("SELECT 1"), "1");
  EXPECT_TRUE(has_logged("the lock file \"" + lock + "\" is left, it may be a living server's")) << contents_of(log_);
}

TEST_F(LockFiles, ThatAreEmptyStayWhereSomebodyListensAtTheInstancesSocket) {
  ScratchInstance other;
  other.start();
  write_file(pid_file_, "", 0600);
  const auto environment = with(environment_for(instance_), {{"OCF_RESKEY_pghost", other.folder().path()}});
  EXPECT_EQ(run_agent({"start"}, with(environment, {{"HA_LOGFILE", log_}})).code, kErrGeneric);
  EXPECT_TRUE(fs::exists(pid_file_));
  EXPECT_TRUE(has_logged("its socket is in use")) << contents_of(log_);
}

TEST_F(LockFiles, DoNotStayForTheSharedMemoryOfAnotherServer) {
  ScratchInstance other;
  other.start();
  // After a reboot the other server was started first, and got the key and the id that the file of this one names.
  const auto lines = contents_of(other.data() + "/postmaster.pid");
  write_file(pid_file_, "4194000" + lines.substr(lines.find('\n')), 0600);
  EXPECT_EQ(start().code, kSuccess) << contents_of(log_);
}

TEST_F(LockFiles, StayWhereTheirSharedMemoryIsInUse) {
  ScratchInstance other;
  other.start();
  // As that of a server in another pid namespace: its processes are not seen, its memory is.
  const auto lines = contents_of(other.data() + "/postmaster.pid");
  write_file(pid_file_, "rubbish" + lines.substr(lines.find('\n')), 0600);
  fs::remove(other.folder() / ".s.PGSQL.5432");
  EXPECT_EQ(start().code, kErrGeneric);
  EXPECT_TRUE(fs::exists(pid_file_));
  EXPECT_TRUE(has_logged("processes that are not seen use the server's shared memory")) << contents_of(log_);
}

}  // namespace
}  // namespace pgsqlms::test
