// SPDX-License-Identifier: PostgreSQL
// How the built agent finds and asks a server where something keeps it from doing so.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

/// What tests as an ordinary user cannot do.
constexpr const char* kNeedsRoot = "only root can take that away from the agent";

AgentRun run_through(std::vector<std::string> words, const std::string& action, const Variables& environment) {
  Conditions conditions;
  conditions.through = std::move(words);
  return run_agent({action}, environment, conditions);
}

std::vector<std::string> without_ptrace() { return {"/usr/bin/setpriv", "--bounding-set", "-sys_ptrace"}; }

std::vector<std::string> with_hidden_processes() {
  return {"/usr/bin/unshare", "-m", "/bin/sh", "-c",
          "mount -t proc -o hidepid=2 proc /proc && exec setpriv --bounding-set -sys_ptrace \"$0\" \"$@\""};
}

Variables briefly(Variables environment) {
  return with(std::move(environment), {{"OCF_RESKEY_CRM_meta_timeout", "4000"}});
}

/// A recurring monitor that writes its log into the instance's folder.
Variables logged(const ScratchInstance& instance) {
  return with(briefly(recurring(environment_for(instance))), {{"HA_LOGFILE", instance.folder() / "agent.log"}});
}

std::string log_of(const ScratchInstance& instance) { return contents_of(instance.folder() / "agent.log"); }

bool is_primary(const ScratchInstance& instance) { return instance.ask("SELECT pg_is_in_recovery()") == "f"; }

// ---- Without sight

TEST(Stop, EndsAServerWhoseProcessesRootCannotLookAt) {
  if (!is_root()) GTEST_SKIP() << kNeedsRoot;
  for (const auto& words : {without_ptrace(), with_hidden_processes()}) {
    ScratchInstance instance;
    instance.start();
    const auto postmaster = instance.postmaster();
    const auto run = run_through(words, "stop", environment_for(instance));
    EXPECT_EQ(run.code, kSuccess) << run.err;
    EXPECT_FALSE(is_alive(postmaster)) << words.front();
  }
}

TEST(Stop, FailsBesideAServerInAnotherNamespaceOfProcesses) {
  if (!is_root()) GTEST_SKIP() << kNeedsRoot;
  ScratchInstance instance;
  instance.start();
  for (const std::string proc : {"--kill-child", "--mount-proc"}) {
    const auto run =
        run_through({"/usr/bin/unshare", "--pid", "--fork", proc}, "stop", briefly(environment_for(instance)));
    EXPECT_EQ(run.code, kErrGeneric) << proc << run.err;
    EXPECT_EQ(run.reason().find("whether a server runs in \"" + instance.data() + "\" cannot be told: "), 0U)
        << run.err;
  }
  EXPECT_TRUE(is_primary(instance));
}

TEST(Stop, FailsWhereTheServersMemoryIsInUseThoughNobodyIsSeen) {
  if (!is_root()) GTEST_SKIP() << kNeedsRoot;
  ScratchInstance instance;
  instance.start();
  auto environment = briefly(environment_for(instance));
  environment["OCF_RESKEY_pgport"] = "5499";  // where it does not listen
  const auto run = run_through({"/usr/bin/unshare", "--pid", "--fork", "--mount-proc"}, "stop", environment);
  EXPECT_EQ(run.code, kErrGeneric) << run.err;
  EXPECT_NE(run.reason().find("processes that are not seen use the server's shared memory"), std::string::npos)
      << run.err;
}

TEST(Stop, SucceedsWithoutSightWhereNoServerRuns) {
  if (!is_root()) GTEST_SKIP() << kNeedsRoot;
  ScratchInstance instance;
  ScratchInstance other;
  other.start();
  for (const auto& words : {without_ptrace(), with_hidden_processes()}) {
    const auto run = run_through(words, "stop", environment_for(instance));
    EXPECT_EQ(run.code, kSuccess) << run.err;
  }
  EXPECT_TRUE(is_primary(other));
}

TEST(Monitor, KnowsAFullServerWhoseProcessesRootCannotLookAt) {
  if (!is_root()) GTEST_SKIP() << kNeedsRoot;
  ScratchInstance instance;
  const Saturation saturation(instance);
  for (const auto& words : {without_ptrace(), with_hidden_processes()}) {
    const auto run = run_through(words, "monitor", recurring(environment_for(instance)));
    EXPECT_EQ(run.code, kRunningPromoted) << words.front() << run.err;
  }
}

TEST(Monitor, CallsAFullServerInAnotherNamespaceOfProcessesNotCrashed) {
  if (!is_root()) GTEST_SKIP() << kNeedsRoot;
  ScratchInstance instance;
  const Saturation saturation(instance);
  const auto environment = briefly(recurring(environment_for(instance)));
  const auto run = run_through({"/usr/bin/unshare", "--pid", "--fork", "--mount-proc"}, "monitor", environment);
  EXPECT_EQ(run.code, kErrGeneric) << run.err;
  EXPECT_EQ(run.reason().find("whether a server runs cannot be told: "), 0U) << run.err;
}

TEST(Stop, EndsAServerWhoseProgramHasAnotherName) {
  if (server_programs().rfind("/usr/lib/", 0) != 0) {
    GTEST_SKIP() << "the program finds its files from where it stands, so it cannot be copied";
  }
  for (const std::string name : {"postgres.bin", "edb-postgres", "the-database"}) {
    const ScratchInstance instance;
    const ScratchFolder programs;
    fs::copy_file(server_programs() + "/postgres", programs / name);
    Start start;
    start.arguments = {programs / name, "-D", instance.data()};
    start.user = is_root() ? &scratch_user() : nullptr;
    start.output = instance.log_file();
    const Child server(start);
    ASSERT_TRUE(instance.has_logged("ready to accept connections"));
    const auto run = run_agent({"stop"}, environment_for(instance));
    EXPECT_EQ(run.code, kSuccess) << name << run.err;
    EXPECT_FALSE(is_alive(server.pid())) << name;
    EXPECT_EQ(instance.control("Database cluster state"), "shut down") << name;
  }
}

// ---- A single-user backend

/// postgres --single, waiting for a command.
class SingleUserBackend {
 public:
  explicit SingleUserBackend(const ScratchInstance& instance) {
    Start start;
    start.arguments = {
        "/bin/sh", "-c",
        "sleep 600 | exec " + server_programs() + "/postgres --single -D " + instance.data() + " postgres"};
    start.user = is_root() ? &scratch_user() : nullptr;
    start.output = instance.log_file();
    shell_ = std::make_unique<Child>(start);
    if (!eventually([&] { return contents_of(instance.log_file()).find("backend>") != std::string::npos; })) {
      throw std::runtime_error("no single-user backend: " + instance.log());
    }
    pid_ = instance.postmaster() < 0 ? -instance.postmaster() : instance.postmaster();  // its file has a minus sign
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  std::unique_ptr<Child> shell_;
  pid_t pid_ = 0;
};

TEST(Monitor, NamesASingleUserBackend) {
  const ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = 'application_name=srv1'");
  const SingleUserBackend backend(instance);
  const auto environment = briefly(environment_for(instance));
  EXPECT_EQ(run_agent({"monitor"}, environment).code, kNotRunning);
  for (const std::string action : {"monitor", "start"}) {
    const auto run = run_agent({action}, action == "monitor" ? recurring(environment) : environment);
    EXPECT_EQ(run.code, kErrGeneric) << run.err;
    EXPECT_NE(
        run.reason().find("a single-user backend works in the data directory: pid " + std::to_string(backend.pid())),
        std::string::npos)
        << run.err;
  }
  EXPECT_TRUE(is_alive(backend.pid()));
}

TEST(Stop, EndsASingleUserBackend) {
  const ScratchInstance instance;
  const SingleUserBackend backend(instance);
  const auto run = run_agent({"stop"}, briefly(environment_for(instance)));
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_FALSE(is_alive(backend.pid()));
  EXPECT_EQ(instance.control("Database cluster state"), "shut down");
}

// ---- A server that is there, and does not answer as it should

TEST(Monitor, FailsAPrimaryWhoseDatabasesAreGone) {
  ScratchInstance instance;
  instance.start();
  fs::rename(instance.data() + "/base", instance.folder() / "base");
  const auto run = run_agent({"monitor"}, briefly(recurring(environment_for(instance))));
  fs::rename(instance.folder() / "base", instance.data() + "/base");
  EXPECT_EQ(run.code, kErrGeneric) << run.err;
  EXPECT_EQ(run.reason().find("the server runs but is broken inside: FATAL:  3D000: "), 0U) << run.err;
}

TEST(Monitor, FailsAPrimaryThatLacksAFileForEverySession) {
  ScratchInstance instance;
  instance.start();
  const auto file = instance.data() + "/base/" +
                    instance.ask("SELECT oid FROM pg_database WHERE datname = 'postgres'") + "/pg_filenode.map";
  fs::rename(file, instance.folder() / "kept");
  const auto run = run_agent({"monitor"}, briefly(recurring(environment_for(instance))));
  EXPECT_EQ(run.code, kErrGeneric) << run.err;
  EXPECT_EQ(run.reason().find("the server runs but is broken inside: FATAL:  58P01: "), 0U) << run.err;
}

TEST(Monitor, IsPatientWithATroubleInsideThatPasses) {
  ScratchInstance instance;
  instance.start();
  const auto base = instance.data() + "/base";
  fs::rename(base, instance.folder() / "base");
  Start start;
  start.arguments = {"/bin/sh", "-c", "sleep 1; mv " + instance.folder() / "base" + " " + base};
  const Child repair(start);
  const auto run = run_agent({"monitor"}, recurring(environment_for(instance)));
  EXPECT_EQ(run.code, kRunningPromoted) << run.err;
}

TEST(Monitor, DoesNotFailAPrimaryForALibraryThatSessionsCannotLoad) {
  ScratchInstance instance;
  instance.configure("session_preload_libraries = 'no_such_library'");
  instance.launch();
  ASSERT_TRUE(instance.has_logged("ready to accept connections"));
  const auto run = run_agent({"monitor"}, briefly(recurring(environment_for(instance))));
  EXPECT_EQ(run.code, kRunningPromoted) << run.err;
}

TEST(Monitor, DoesNotFailAPrimaryThatCannotForkForAWhile) {
  if (!is_root()) GTEST_SKIP() << kNeedsRoot;
  ScratchInstance instance;
  instance.start();
  const auto told = told_by_child(
      [&]() -> std::string {
        const rlimit none{1, 1};
        return prlimit(instance.postmaster(), RLIMIT_NPROC, &none, nullptr) == 0 ? "limited" : std::strerror(errno);
      },
      &scratch_user());
  ASSERT_EQ(told, "limited");
  const auto run = run_agent({"monitor"}, logged(instance));
  EXPECT_EQ(run.code, kRunningPromoted) << run.err;
  EXPECT_NE(log_of(instance).find("could not fork new process for connection"), std::string::npos) << log_of(instance);
}

// ---- What others set

TEST(Monitor, TakesNothingForItsSessionFromTheEnvironment) {
  ScratchInstance instance;
  instance.start();
  for (const auto& [name, value] : Variables{{"PGHOSTADDR", "127.0.0.1"},
                                             {"PGSERVICE", "no_such_service"},
                                             {"PGSYSCONFDIR", "/no/such/folder"},
                                             {"PGTARGETSESSIONATTRS", "standby"},
                                             {"PGREQUIREPEER", "nobody"},
                                             {"PGCHANNELBINDING", "require"},
                                             {"PGSSLMODE", "nonsense"},
                                             {"PGCLIENTENCODING", "nonsense"},
                                             {"PGDATESTYLE", "nonsense"},
                                             {"PGTZ", "nonsense"},
                                             {"PGOPTIONS", "-c no_such=1"}}) {
    const auto run = run_agent({"monitor"}, with(logged(instance), {{name, value}}));
    EXPECT_EQ(run.code, kRunningPromoted) << name << run.err;
    EXPECT_EQ(log_of(instance).find("lets the agent not in"), std::string::npos) << name << log_of(instance);
  }
}

TEST(Start, GivesTheServerNothingThatIsMeantForClients) {
  const ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = 'application_name=srv1'");
  const auto run = run_agent({"start"}, with(environment_for(instance), {{"PGHOSTADDR", "127.0.0.1"},
                                                                         {"PGOPTIONS", "-c no_such=1"},
                                                                         {"PGSSLMODE", "verify-full"},
                                                                         {"PGPASSFILE", "/kept"}}));
  EXPECT_EQ(run.code, kSuccess) << run.err;
  const auto environment = contents_of("/proc/" + std::to_string(instance.postmaster()) + "/environ");
  EXPECT_EQ(environment.find("PGHOSTADDR="), std::string::npos);
  EXPECT_EQ(environment.find("PGOPTIONS="), std::string::npos);
  EXPECT_NE(environment.find("PGSSLMODE=verify-full"), std::string::npos) << "the walreceiver's safety was taken away";
  EXPECT_NE(environment.find("PGPASSFILE=/kept"), std::string::npos);
}

TEST(Monitor, AsksAStandbyWhereTransactionsAreSerializable) {
  const ScratchPair pair;
  pair.standby.configure("default_transaction_isolation = serializable");
  kill(pair.standby.postmaster(), SIGHUP);
  ASSERT_TRUE(pair.standby.has_logged("parameter \"default_transaction_isolation\" changed"));
  const auto run = run_agent({"monitor"}, logged(pair.standby));
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(log_of(pair.standby).find("lets the agent not in"), std::string::npos) << log_of(pair.standby);
}

}  // namespace
}  // namespace pgsqlms::test
