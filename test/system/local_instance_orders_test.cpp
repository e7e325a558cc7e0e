// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "deadlines.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/local_instance.hpp"
#include "pgsqlms/system/server_processes.hpp"
#include "scratch_instance.hpp"

namespace pgsqlms::system {
namespace {

namespace fs = std::filesystem;

using test::BlockedRecovery;
using test::eventually;
using test::Frozen;
using test::in;
using test::kTemplateNames;
using test::scratch_user;
using test::ScratchInstance;
using test::ScratchPair;
using test::Session;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// The reason for which a start fails; empty if it does not.
std::string failure_of_start(const ocf::ResourceParameters& parameters, Duration limit = 20s) {
  try {
    LocalInstance(parameters).start({}, in(limit));
  } catch (const ocf::Failure& failure) {
    EXPECT_EQ(std::string(failure.what()).find('\n'), std::string::npos);
    return failure.what();
  }
  return "";
}

std::string failure_of_start(const ScratchInstance& instance) { return failure_of_start(instance.parameters()); }

bool has_processes(const ScratchInstance& instance) { return !find_server_processes(instance.data()).empty(); }

TEST(Start, BringsUpAPrimary) {
  const ScratchInstance instance;
  LocalInstance(instance.parameters()).start({}, in(20s));
  EXPECT_EQ(instance.ask("SELECT pg_is_in_recovery()"), "f");
}

TEST(Start, DoesNotWaitForPgCtlToNoticeThatTheServerIsUp) {
  const ScratchInstance instance;
  auto parameters = instance.parameters();
  const test::ScratchFolder programs;
  test::write_file(programs / "pg_ctl", "#!/bin/sh\n" + parameters.bindir + "/pg_ctl \"$@\"\nsleep 60\n", 0755);
  parameters.bindir = programs.path();
  const auto began = std::chrono::steady_clock::now();
  LocalInstance(parameters).start({}, in(50s));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
  EXPECT_EQ(instance.ask("SELECT pg_is_in_recovery()"), "f");
}

TEST(Start, IsNotDeceivedByThePidFileOfAKilledServer) {
  ScratchInstance instance;
  instance.start();
  instance.kill_server();
  ASSERT_NE(test::contents_of(instance.data() + "/postmaster.pid").find("ready"), std::string::npos);
  test::write_file(instance.data() + "/postgresql.conf", "port = nowhere\n", 0600);
  EXPECT_NE(failure_of_start(instance), "");
}

TEST(Start, BringsUpAStandbyWithoutAPrimary) {
  const ScratchInstance primary;
  const ScratchInstance standby;
  standby.follow(primary);
  LocalInstance(standby.parameters()).start({}, in(20s));
  EXPECT_EQ(standby.ask("SELECT pg_is_in_recovery()"), "t");
}

TEST(Start, RecoversAKilledPrimary) {
  ScratchInstance instance;
  instance.start();
  instance.ask("CREATE TABLE kept AS SELECT 42 AS answer");
  instance.kill_server();
  LocalInstance(instance.parameters()).start({}, in(20s));
  EXPECT_EQ(instance.ask("SELECT answer FROM kept"), "42");
}

TEST(Start, LeavesAServerThatOutlivesTheAgent) {
  const ScratchInstance instance;
  const auto told = test::told_by_child([&]() -> std::string {
    LocalInstance(instance.parameters()).start({}, in(20s));
    return "started";
  });
  ASSERT_EQ(told, "started");
  EXPECT_EQ(instance.ask("SELECT pg_is_in_recovery()"), "f");
}

TEST(Start, GivesTheServerTheLocaleOfTheEnvironment) {
  const ScratchInstance instance;
  setenv("LC_MESSAGES", "C.UTF-8", 1);
  unsetenv("LC_ALL");
  LocalInstance(instance.parameters()).start({}, in(20s));
  const auto environment = test::contents_of("/proc/" + std::to_string(instance.postmaster()) + "/environ");
  EXPECT_NE(environment.find("LC_MESSAGES=C.UTF-8"), std::string::npos);
  EXPECT_EQ(environment.find("LC_ALL="), std::string::npos);
}

std::string oom_score_of(pid_t pid) {
  std::string score;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/oom_score_adj"), score);
  return score;
}

/// What a process of this one's rights has after it has asked for that score.
std::string attainable_oom_score(const std::string& score) {
  return test::told_by_child([&] {
    std::ofstream("/proc/self/oom_score_adj") << score << std::flush;
    return oom_score_of(getpid());
  });
}

TEST(Start, ShieldsThePostmasterAndNoBackendFromTheOutOfMemoryKiller) {
  ScratchInstance instance;
  LocalInstance(instance.parameters()).start({}, in(20s));
  EXPECT_EQ(oom_score_of(instance.postmaster()), attainable_oom_score("-900"));
  EXPECT_EQ(oom_score_of(Session(instance.conninfo()).backend()), "0");
  const auto environment = test::contents_of("/proc/" + std::to_string(instance.postmaster()) + "/environ");
  EXPECT_NE(environment.find("PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj"), std::string::npos);
}

TEST(Start, HandsOverOptionsWithQuotesBlanksAndSemicolonsWithoutAShell) {
  const ScratchInstance instance;
  const auto trap = instance.folder() / "trap";
  auto parameters = instance.parameters();
  parameters.start_opts = "-c cluster_name=\"a b; touch " + trap +
                          "\"  -c 'work_mem=7MB' -c application_name=$(touch${IFS}" + trap +
                          ") --log_line_prefix=it\\'s`touch\\ " + trap + "`%m";
  ASSERT_EQ(failure_of_start(parameters), "");
  EXPECT_EQ(instance.ask("SHOW cluster_name"), "a b; touch " + trap);
  EXPECT_EQ(instance.ask("SHOW work_mem"), "7MB");
  EXPECT_EQ(instance.ask("SHOW log_line_prefix"), "it's`touch " + trap + "`%m");
  EXPECT_FALSE(fs::exists(trap));
}

TEST(Start, NamesOptionsThatCannotBeRead) {
  const ScratchInstance instance;
  auto parameters = instance.parameters();
  parameters.start_opts = "-c cluster_name=trailing\\";
  const auto reason = failure_of_start(parameters);
  EXPECT_NE(reason.find("start_opts=\"-c cluster_name=trailing\\\""), std::string::npos) << reason;
  EXPECT_FALSE(has_processes(instance));
}

TEST(Start, FailsWithTheServersLastWordsWhereAnotherServerHasTheAddress) {
  ScratchInstance other;
  other.start();
  const ScratchInstance instance;
  instance.configure("unix_socket_directories = '" + other.folder().path() + "'");
  const auto reason = failure_of_start(instance);
  EXPECT_EQ(reason.compare(0, 40, "start failed: lock file \"" + other.folder().path(), 0, 40), 0) << reason;
  EXPECT_NE(reason.find("already exists"), std::string::npos) << reason;
}

TEST(Start, FailsWithTheServersLastWordsWhereItsConfigurationIsBroken) {
  const ScratchInstance instance;
  instance.configure("work_mem = lots");
  const auto reason = failure_of_start(instance);
  EXPECT_EQ(reason, "start failed: invalid value for parameter \"work_mem\": \"lots\"");
}

TEST(Start, FailsWithTheServersLastWordsWhereItPanics) {
  ScratchInstance instance;
  const auto segment = instance.data() + "/pg_wal/" + instance.control("Latest checkpoint's REDO WAL file");
  test::write_file(segment, std::string(16 << 20, '\0'), 0600);
  const auto reason = failure_of_start(instance);
  // Since PostgreSQL 18 it says where, too.
  EXPECT_EQ(reason.find("start failed: could not locate a valid checkpoint record"), 0U) << reason;
}

TEST(Start, FailsWithTheLastWordsInTheCollectorsLog) {
  const ScratchInstance instance;
  instance.configure("logging_collector = on\nlog_directory = 'log'");
  const auto segment = instance.data() + "/pg_wal/" + instance.control("Latest checkpoint's REDO WAL file");
  test::write_file(segment, std::string(16 << 20, '\0'), 0600);
  const auto reason = failure_of_start(instance);
  EXPECT_EQ(reason.find("start failed: could not locate a valid checkpoint record"), 0U) << reason;
}

TEST(Start, DoesNotBlameAFormerServersLastWords) {
  ScratchInstance instance;
  instance.configure(
      "logging_collector = on\nlog_directory = 'log'\nlog_filename = 'one.log'\nlog_destination = stderr");
  LocalInstance local(instance.parameters());
  local.start({}, in(20s));
  EXPECT_FALSE(Session(instance.conninfo() + " password=x options='-c no_such=1'").is_open());  // a FATAL in the log
  instance.stop();
  fs::remove(instance.data() + "/global/pg_control");
  const auto reason = failure_of_start(instance);
  EXPECT_EQ(reason.find("no_such"), std::string::npos) << reason;
}

TEST(Start, FailsWhereTheServerDoesNotAcceptConnectionsInTime) {
  ScratchInstance instance;
  const BlockedRecovery blocked(instance);
  instance.configure("hot_standby = on");
  const auto began = std::chrono::steady_clock::now();
  const auto reason = failure_of_start(instance.parameters(), 1500ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  EXPECT_EQ(reason.compare(0, 14, "start failed: "), 0) << reason;
}

TEST(RequestStop, EndsTheServerCleanlyWithoutWaiting) {
  ScratchInstance instance;
  instance.start();
  const auto postmaster = instance.postmaster();
  LocalInstance(instance.parameters()).request_stop(in(10s));
  ASSERT_TRUE(test::wait_until_gone(postmaster));
  EXPECT_EQ(instance.control("Database cluster state"), "shut down");
}

TEST(RequestStop, EndsAServerWhosePidFileIsGone) {
  ScratchInstance instance;
  instance.start();
  const auto postmaster = instance.postmaster();
  fs::remove(instance.data() + "/postmaster.pid");
  LocalInstance(instance.parameters()).request_stop(in(10s));
  ASSERT_TRUE(test::wait_until_gone(postmaster));
  EXPECT_EQ(instance.control("Database cluster state"), "shut down");
}

TEST(RequestStop, EndsTheServerAndNobodyElseWhomThePidFileNames) {
  ScratchInstance instance;
  instance.start();
  const auto postmaster = instance.postmaster();
  test::Start start;
  start.arguments = {"/bin/sleep", "60"};
  start.user = test::is_root() ? &test::scratch_user() : nullptr;
  const test::Child other(start);
  test::write_file(instance.data() + "/postmaster.pid", std::to_string(other.pid()) + "\n" + instance.data() + "\n",
                   0600);
  LocalInstance(instance.parameters()).request_stop(in(10s));
  EXPECT_TRUE(test::wait_until_gone(postmaster));
  EXPECT_TRUE(test::is_alive(other.pid()));
}

TEST(RequestStop, EndsAServerWithABrokenConfiguration) {
  ScratchInstance instance;
  instance.start();
  const auto postmaster = instance.postmaster();
  instance.configure("work_mem = lots");
  LocalInstance(instance.parameters()).request_stop(in(10s));
  EXPECT_TRUE(test::wait_until_gone(postmaster));
}

TEST(RequestStop, DoesNothingToAStoppedInstance) {
  const ScratchInstance instance;
  LocalInstance(instance.parameters()).request_stop(in(10s));
  EXPECT_EQ(instance.control("Database cluster state"), "shut down");
}

TEST(RequestPromotion, MakesAStandbyAPrimary) {
  const ScratchPair pair;
  LocalInstance(pair.standby.parameters()).request_promotion(in(10s));
  EXPECT_TRUE(eventually([&] { return pair.standby.ask("SELECT pg_is_in_recovery()") == "f"; }));
}

TEST(RequestPromotion, FailsForAPrimary) {
  ScratchInstance instance;
  instance.start();
  try {
    LocalInstance(instance.parameters()).request_promotion(in(10s));
    FAIL() << "no failure";
  } catch (const ocf::Failure& failure) {
    EXPECT_STREQ(failure.what(), "there is no standby to promote, pg_control says: in production");
  }
  EXPECT_FALSE(fs::exists(instance.data() + "/promote"));
}

TEST(RequestPromotion, MeetsTheStandbyAndNobodyElseWhomThePidFileNames) {
  const ScratchPair pair;
  test::Start start;
  start.arguments = {"/bin/sleep", "60"};
  start.user = test::is_root() ? &test::scratch_user() : nullptr;
  const test::Child other(start);
  const auto pid_file = pair.standby.data() + "/postmaster.pid";
  const auto kept = test::contents_of(pid_file);
  // The standby looks once a minute whether the file is still its own, and ends if it is not.
  test::write_file(pid_file, std::to_string(other.pid()) + kept.substr(kept.find('\n')), 0600);
  LocalInstance(pair.standby.parameters()).request_promotion(in(10s));
  EXPECT_TRUE(eventually([&] { return pair.standby.ask("SELECT pg_is_in_recovery()") == "f"; }));
  EXPECT_TRUE(test::is_alive(other.pid()));
  test::write_file(pid_file, kept, 0600);
}

TEST(RequestPromotion, ResumesAPausedReplay) {
  const ScratchPair pair;
  pair.standby.ask("SELECT pg_wal_replay_pause()");
  // Replay pauses before the next record.
  pair.primary.ask("CREATE TABLE not_replayed AS SELECT 1 AS one");
  ASSERT_TRUE(eventually(
      [&] { return pair.standby.ask("SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()") == "t"; }));
  LocalInstance local(pair.standby.parameters());
  ASSERT_EQ(local.probe(in(10s)).contact, pg::Contact::Accepted);
  local.request_promotion(in(10s));
  EXPECT_TRUE(eventually([&] { return pair.standby.ask("SELECT pg_is_in_recovery()") == "f"; }));
}

TEST(EndOrphans, EndsAFrozenBackendOfAKilledPostmaster) {
  ScratchInstance instance;
  instance.start();
  const Session session(instance.conninfo());
  const Frozen backend(session.backend());
  instance.kill_postmaster();
  LocalInstance(instance.parameters()).end_orphans(in(10s));
  EXPECT_FALSE(has_processes(instance));
}

/// What comes of it where the agent may have no descriptor of that number.
std::string end_orphans_below(rlim_t descriptor, const ScratchInstance& instance) {
  return test::told_by_child([&]() -> std::string {
    LocalInstance local(instance.parameters());
    static_cast<void>(local.installation());
    const rlimit limit{descriptor, descriptor};
    setrlimit(RLIMIT_NOFILE, &limit);
    try {
      local.end_orphans(in(100ms));
      return "none is left";
    } catch (const ocf::Failure& failure) {
      return failure.what();
    }
  });
}

TEST(EndOrphans, FailsWhereProcCannotBeReadForWantOfDescriptors) {
  ScratchInstance instance;
  instance.start();
  EXPECT_EQ(end_orphans_below(3, instance), "whether a server runs in \"" + instance.data() +
                                                "\" cannot be told: /proc cannot be read: Too many open files");
}

TEST(EndOrphans, TouchesNothingWhereItCannotTellChildrenFromOrphans) {
  ScratchInstance instance;
  instance.start();
  Session session(instance.conninfo());
  const auto answer = end_orphans_below(4, instance);  // one to read /proc, none to read what is in it
  EXPECT_NE(answer.find("Too many open files"), std::string::npos) << answer;
  EXPECT_EQ(session.ask("SELECT 1"), "1");
}

TEST(EndOrphans, DoesNothingWhereThereAreNone) {
  const ScratchInstance instance;
  LocalInstance(instance.parameters()).end_orphans(in(0s));
  EXPECT_FALSE(has_processes(instance));
}

TEST(EndOrphans, SaysWhoIsLeftWhenTimeIsOver) {
  ScratchInstance instance;
  instance.start();
  const Session session(instance.conninfo());
  const Frozen backend(session.backend());
  instance.kill_postmaster();
  ASSERT_TRUE(eventually([&] { return find_server_processes(instance.data()).size() == 1; }));
  try {
    LocalInstance(instance.parameters()).end_orphans(in(100ms));
    FAIL() << "no failure";
  } catch (const ocf::Failure& failure) {
    EXPECT_EQ(failure.what(), "1 orphaned server processes, pid " + std::to_string(session.backend()));
  }
}

TEST(EndOrphans, TouchesNothingOfAServerThatRuns) {
  ScratchInstance instance;
  instance.start();
  Session session(instance.conninfo());
  try {
    LocalInstance(instance.parameters()).end_orphans(in(300ms));
    FAIL() << "no failure";
  } catch (const ocf::Failure& failure) {
    const std::string reason = failure.what();
    EXPECT_EQ(reason.compare(0, 18, "a server runs in \""), 0) << reason;
  }
  EXPECT_EQ(session.ask("SELECT 1"), "1");
}

TEST(EndOrphans, SparesTheShellOfTheAdministrator) {
  ScratchInstance instance;
  instance.start();
  test::Start start;
  start.arguments = {"/bin/sleep", "60"};
  start.user = test::is_root() ? &scratch_user() : nullptr;
  start.folder = instance.data();
  const test::Child shell(start);
  const Session session(instance.conninfo());
  const Frozen backend(session.backend());
  instance.kill_postmaster();
  LocalInstance(instance.parameters()).end_orphans(in(10s));
  EXPECT_TRUE(test::is_alive(shell.pid()));
}

TEST(ConfigureAsStandby, WritesAFileOfTheInstancesUserWithMode0600) {
  const ScratchInstance instance;
  instance.configure_recovery("");
  LocalInstance(instance.parameters()).configure_as_standby(kTemplateNames);
  struct stat status {};
  ASSERT_EQ(lstat(instance.recovery_file().c_str(), &status), 0);
  EXPECT_TRUE(S_ISREG(status.st_mode));
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(status.st_uid, scratch_user().uid);
  EXPECT_EQ(status.st_size == 0, test::has_standby_signal());
}

TEST(ConfigureAsStandby, FollowsNoLinkInTheDataDirectory) {
  const ScratchInstance instance;
  instance.configure_recovery("");
  test::write_file(instance.folder() / "precious", "kept");
  fs::create_symlink(instance.folder() / "precious", instance.recovery_file());
  LocalInstance(instance.parameters()).configure_as_standby(kTemplateNames);
  EXPECT_EQ(test::contents_of(instance.folder() / "precious"), "kept");
  EXPECT_FALSE(fs::is_symlink(instance.recovery_file()));
}

TEST(ConfigureAsStandby, WritesRecoveryConfFromTheTemplateForPostgreSQL11) {
  const ScratchInstance instance;
  test::write_file(instance.data() + "/PG_VERSION", "11\n");
  test::write_file(instance.data() + "/recovery.conf.pcmk",
                   "standby_mode = on\nprimary_conninfo = 'host=vip application_name={{node}}' # $(hostname -s)\n");
  LocalInstance(instance.parameters()).configure_as_standby(kTemplateNames);
  EXPECT_EQ(test::contents_of(instance.data() + "/recovery.conf"),
            "standby_mode = on\nprimary_conninfo = 'host=vip application_name=srv1' # host1\n");
  struct stat status {};
  ASSERT_EQ(lstat((instance.data() + "/recovery.conf").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_FALSE(fs::exists(instance.data() + "/standby.signal"));
}

TEST(ConfigureAsStandby, NamesATemplateThatTheUserCannotRead) {
  const ScratchInstance instance;
  test::write_file(instance.data() + "/PG_VERSION", "11\n");
  fs::create_symlink("/etc/shadow", instance.data() + "/recovery.conf.pcmk");
  try {
    LocalInstance(instance.parameters()).configure_as_standby(kTemplateNames);
    FAIL() << "no failure";
  } catch (const ocf::Failure& failure) {
    EXPECT_EQ(failure.answer().code, ocf::ReturnCode::ErrArgs);
    EXPECT_EQ(failure.what(), "recovery template \"" + instance.data() + "/recovery.conf.pcmk\" cannot be read by \"" +
                                  scratch_user().name + "\"");
  }
  EXPECT_FALSE(fs::exists(instance.data() + "/recovery.conf"));
}

TEST(Checkpoint, MovesTheLatestCheckpointOfThePrimary) {
  ScratchInstance instance;
  instance.start();
  const auto before = instance.control("Latest checkpoint location");
  instance.ask("CREATE TABLE t AS SELECT 1 AS one");
  LocalInstance local(instance.parameters());
  local.checkpoint(in(10s));
  EXPECT_NE(instance.control("Latest checkpoint location"), before);
}

}  // namespace
}  // namespace pgsqlms::system
