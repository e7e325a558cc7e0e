// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "agent_run.hpp"
#include "pgsqlms/system/server_processes.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

bool has_processes(const ScratchInstance& instance) { return !system::find_server_processes(instance.data()).empty(); }

/// A stop succeeds, in time, without a word, and leaves no process of the server.
void expect_stop(const ScratchInstance& instance, const Variables& more = {}) {
  const auto run = run_agent({"stop"}, with(environment_for(instance), more));
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(run.out + run.err, "");
  EXPECT_FALSE(has_processes(instance));
}

TEST(Stop, EndsAPrimaryCleanly) {
  ScratchInstance instance;
  instance.start();
  expect_stop(instance);
  EXPECT_EQ(instance.control("Database cluster state"), "shut down");
}

TEST(Stop, EndsAStandbyCleanly) {
  const ScratchPair pair;
  expect_stop(pair.standby);
  EXPECT_EQ(pair.standby.control("Database cluster state"), "shut down in recovery");
}

TEST(Stop, EndsAPrimaryThatIsInUse) {
  ScratchInstance instance;
  instance.start();
  Session session(instance.conninfo());
  session.ask("BEGIN; CREATE TABLE t (n int)");
  expect_stop(instance);
  EXPECT_EQ(instance.control("Database cluster state"), "shut down");
}

TEST(Stop, SucceedsForAStoppedInstance) {
  const ScratchInstance instance;
  expect_stop(instance);
}

TEST(Stop, SucceedsForAKilledPrimaryAndAKilledStandby) {
  ScratchPair pair;
  pair.primary.kill_server();
  pair.standby.kill_server();
  expect_stop(pair.primary);
  expect_stop(pair.standby);
  EXPECT_EQ(pair.primary.control("Database cluster state"), "in production") << "nothing was started";
}

TEST(Stop, EndsTheOrphansOfAKilledPrimary) {
  ScratchInstance instance;
  instance.start();
  const Session session(instance.conninfo());
  const Frozen backend(session.backend());
  instance.kill_postmaster();
  expect_stop(instance);
}

TEST(Stop, EndsTheStartupProcessOfAPrimaryKilledInCrashRecovery) {
  ScratchInstance instance;
  const BlockedRecovery blocked(instance);
  instance.launch();
  ASSERT_TRUE(instance.has_logged("redo starts"));
  instance.kill_postmaster();
  EXPECT_TRUE(has_processes(instance));  // it waits in the kernel and does not see that it is alone
  expect_stop(instance);
}

TEST(Stop, EndsAServerInCrashRecovery) {
  ScratchInstance instance;
  auto blocked = std::make_unique<BlockedRecovery>(instance);
  instance.launch();
  ASSERT_TRUE(instance.has_logged("redo starts"));
  // The startup process leaves when its wait in the kernel ends.
  blocked.reset();
  expect_stop(instance);
}

TEST(Stop, EndsASaturatedServer) {
  ScratchInstance instance;
  const Saturation saturation(instance);
  expect_stop(instance);
}

TEST(Stop, FailsWithinItsTimeForAFrozenServerAndDoesNotKillIt) {
  ScratchInstance instance;
  instance.start();
  const auto postmaster = instance.postmaster();
  {
    const Frozen frozen(postmaster);
    const auto run = run_agent({"stop"}, with(environment_for(instance), {{"OCF_RESKEY_CRM_meta_timeout", "1500"}}));
    EXPECT_EQ(run.code, kErrGeneric);
    EXPECT_EQ(run.reason(), "the server did not stop in time (fast shutdown)");
    EXPECT_LT(run.took, 1500ms);
    EXPECT_TRUE(is_alive(postmaster));
  }
  EXPECT_TRUE(wait_until_gone(postmaster)) << "it was asked to stop";
}

TEST(Stop, WorksWithABrokenConfiguration) {
  ScratchInstance instance;
  instance.start();
  instance.configure("work_mem = lots");
  expect_stop(instance);
}

TEST(Stop, WorksWithAMisconfiguredClone) {
  ScratchInstance instance;
  instance.start();
  expect_stop(instance, {{"OCF_RESKEY_CRM_meta_notify", "false"}, {"OCF_RESKEY_crm_feature_set", "1.0"}});
}

TEST(Stop, WorksWithoutThePidFile) {
  ScratchInstance instance;
  instance.start();
  fs::remove(instance.data() + "/postmaster.pid");
  expect_stop(instance);
}

TEST(Stop, WorksWithoutThePrograms) {
  ScratchInstance instance;
  instance.start();
  expect_stop(instance, {{"OCF_RESKEY_bindir", "/nonexistent"}});
}

TEST(Stop, SucceedsWhereTheDataDirectoryIsMissing) {
  const ScratchInstance instance;
  expect_stop(instance, {{"OCF_RESKEY_pgdata", instance.data() + "x"}});
}

TEST(Stop, LeavesAnotherInstanceAtTheSameAddressAlone) {
  ScratchInstance other;
  other.start();
  const ScratchInstance instance;
  expect_stop(instance, {{"OCF_RESKEY_pghost", other.folder().path()}});
  EXPECT_EQ(other.ask("SELECT pg_is_in_recovery()"), "f");
}

class StartOf : public testing::Test {
 protected:
  StartOf() { instance_.configure_recovery("primary_conninfo = 'application_name=srv1'"); }

  [[nodiscard]] AgentRun start(const Variables& more = {}) const {
    return run_agent({"start"}, with(environment_for(instance_), more));
  }

  /// The instance is started as a standby.
  void expect_start() const {
    const auto run = start();
    EXPECT_EQ(run.code, kSuccess) << run.err;
    EXPECT_EQ(run.out + run.err, "");
    EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "t");
  }

  ScratchInstance instance_;
};

TEST_F(StartOf, AStoppedPrimaryMakesItAStandby) {
  expect_start();
  struct stat status {};
  ASSERT_EQ(lstat(instance_.recovery_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(status.st_uid, scratch_user().uid);
}

TEST_F(StartOf, ARunningStandbyChangesNothing) {
  expect_start();
  const auto postmaster = instance_.postmaster();
  expect_start();
  EXPECT_EQ(instance_.postmaster(), postmaster);
}

TEST_F(StartOf, AKilledPrimaryRecoversItAsAStandby) {
  instance_.start();
  instance_.ask("CREATE TABLE kept AS SELECT 42 AS answer");
  instance_.kill_server();
  expect_start();
  EXPECT_EQ(instance_.ask("SELECT answer FROM kept"), "42");
}

TEST_F(StartOf, AKilledPrimaryWithAFrozenBackendEndsThatFirst) {
  instance_.start();
  const Session session(instance_.conninfo());
  const Frozen backend(session.backend());
  instance_.kill_postmaster();
  expect_start();
  EXPECT_FALSE(is_alive(session.backend()));
}

TEST_F(StartOf, ARunningPrimaryIsRefused) {
  instance_.start();
  const auto run = start();
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_EQ(run.reason(), "start refused: the instance is primary");
  EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "f");
  EXPECT_FALSE(fs::exists(instance_.recovery_file()));
}

TEST_F(StartOf, AServerWhoseAddressIsTakenTellsItsLastWords) {
  ScratchInstance other;
  other.start();
  instance_.configure("unix_socket_directories = '" + other.folder().path() + "'");
  const auto run = start();
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_NE(run.reason().find("start failed: lock file"), std::string::npos) << run.err;
}

TEST_F(StartOf, AnInstanceWithOptionsUsesNoShell) {
  const auto trap = instance_.folder() / "trap";
  const auto run = start({{"OCF_RESKEY_start_opts", "-c cluster_name='a b; touch " + trap + "' -c work_mem=7MB"}});
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(instance_.ask("SHOW cluster_name"), "a b; touch " + trap);
  EXPECT_EQ(instance_.ask("SHOW work_mem"), "7MB");
  EXPECT_FALSE(fs::exists(trap));
}

TEST_F(StartOf, AnInstanceLeavesNoProcessOfTheAgentAndNoOpenStream) {
  expect_start();
  const auto descriptors = "/proc/" + std::to_string(instance_.postmaster()) + "/fd";
  for (const auto& descriptor : fs::directory_iterator(descriptors)) {
    std::error_code gone;
    const auto target = fs::read_symlink(descriptor, gone).string();
    EXPECT_EQ(target.find("/out"), std::string::npos) << target;
    EXPECT_EQ(target.find("/err"), std::string::npos) << target;
  }
}

// ---- A promotion that is still to come

/// A standby of node srv1 whose server has been asked to become a primary and cannot begin: the startup process, which
/// takes the request, is frozen until thaw().
struct PendingPromotion : ScratchPair {
  PendingPromotion() : ScratchPair("srv1"), frozen(std::in_place, standby.process("startup")) {
    const auto run = act("promote", "3000");
    if (run.code != kErrGeneric || run.reason().find("out of time while it was promoted") != 0) {
      throw std::runtime_error("the promotion is not pending: " + run.err);
    }
  }
  [[nodiscard]] AgentRun act(const std::string& action, const std::string& timeout = "60000") const {
    return run_agent({action}, with(environment_for(standby), {{"OCF_RESKEY_CRM_meta_timeout", timeout}}));
  }
  [[nodiscard]] bool is_asked_for() const { return fs::exists(standby.data() + "/promote"); }
  void thaw() { frozen.reset(); }

  std::optional<Frozen> frozen;
};

TEST(Demote, DoesNotSucceedBeforeAPendingPromotionIsOver) {
  PendingPromotion pending;
  EXPECT_TRUE(pending.is_asked_for());
  const auto too_early = pending.act("demote", "3000");
  EXPECT_EQ(too_early.code, kErrGeneric);
  EXPECT_EQ(too_early.reason(), "the server did not stop in time (fast shutdown)");
  pending.thaw();
  const auto demotion = pending.act("demote");
  EXPECT_EQ(demotion.code, kSuccess) << demotion.err;
  EXPECT_FALSE(pending.is_asked_for());
  EXPECT_EQ(pending.standby.ask("SELECT pg_is_in_recovery()"), "t");
  EXPECT_EQ(pending.standby.control("Latest checkpoint's TimeLineID"), "1") << "it never was a primary";
}

TEST(PendingPromotion, IsTakenBackByADemotionAndByAStart) {
  for (const auto* action : {"demote", "start"}) {
    SCOPED_TRACE(action);
    ScratchPair pair("srv1");
    // Nobody has looked at the request yet; the postmaster does so with the next signal of any kind.
    write_file(pair.standby.data() + "/promote", "");
    const auto former = pair.standby.postmaster();
    const auto run = run_agent({action}, environment_for(pair.standby));
    EXPECT_EQ(run.code, kSuccess) << run.err;
    EXPECT_NE(pair.standby.postmaster(), former);
    EXPECT_FALSE(fs::exists(pair.standby.data() + "/promote"));
    EXPECT_EQ(pair.standby.ask("SELECT pg_is_in_recovery()"), "t");
  }
}

TEST(Start, LeavesARunningStandbyAlone) {
  const ScratchPair pair("srv1");
  const auto former = pair.standby.postmaster();
  const auto run = run_agent({"start"}, environment_for(pair.standby));
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(pair.standby.postmaster(), former);
}

}  // namespace
}  // namespace pgsqlms::test
