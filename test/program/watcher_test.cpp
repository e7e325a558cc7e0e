// SPDX-License-Identifier: PostgreSQL
// The watcher as a process: the built agent with a real server, and stand-ins for crm_mon and crm_resource, which tell
// what is asked of them. With the real ones see test/cluster/watch_test.cpp.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "agent_run.hpp"
#include "pgsqlms/system/user.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManaged = R"(managed="true")";

/// A running primary that is watched, or to be watched.
class Watched : public ScratchInstance {
 public:
  explicit Watched(std::string resource = "pgsqld") : resource_(std::move(resource)) {
    make_folder(tools());
    write_file(record_file(), "", 0666);
    write_file(agent_log_file(), "", 0666);
    set_status(kManaged);
    write_file(tools() + "/crm_mon", "#!/bin/sh\ncat '" + tools() + "/status'\n", 0755);
    write_file(tools() + "/crm_resource", "#!/bin/sh\necho \"$*\" >> '" + record_file() + "'\n", 0755);
    start();
  }
  ~Watched() {
    if (const auto pid = watcher()) kill(pid, SIGKILL);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  /// What crm_mon says of the instance: its attributes beside `active`.
  void set_status(const std::string& attributes) const {
    write_file(tools() + "/status",
               R"(<crm_mon><nodes><node name="srv1" online="true"/></nodes><resources><clone><resource id=")" +
                   resource_ + R"(" active="true" )" + attributes +
                   R"(><node name="srv1"/></resource></clone></resources></crm_mon>)");
  }

  [[nodiscard]] Variables environment(const std::string& watch = "true") const {
    return with(environment_for(*this), {{"OCF_RESOURCE_INSTANCE", resource_},
                                         {"OCF_RESKEY_watch", watch},
                                         {"HA_SBIN_DIR", tools()},
                                         {"HA_LOGFILE", agent_log_file()}});
  }
  [[nodiscard]] AgentRun act(const std::string& action, const Conditions& conditions = {}) const {
    return run_agent({action}, environment(), conditions);
  }
  void monitor(const Conditions& conditions = {}, const std::string& watch = "true") const {
    const auto run = run_agent({"monitor"}, recurring(environment(watch)), conditions);
    EXPECT_EQ(run.code, kRunningPromoted) << run.err;
  }

  /// The watcher's pid; 0 if there is none.
  [[nodiscard]] pid_t watcher() const {
    const auto command = std::string("pgsqlms\0watch\0", 14) + data() + '\0';
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const auto pid = parse_number<pid_t>(entry.path().filename().string());
      if (pid && is_alive(*pid) && contents_of(entry.path().string() + "/cmdline") == command) return *pid;
    }
    return 0;
  }
  /// What was reported to the cluster, a line each.
  [[nodiscard]] std::string reports() const { return contents_of(record_file()); }
  [[nodiscard]] std::string agent_log() const { return contents_of(agent_log_file()); }
  [[nodiscard]] bool agent_has_logged(const std::string& text) const {
    return eventually([&] { return agent_log().find(text) != std::string::npos; });
  }

  [[nodiscard]] std::string report() const { return "--fail --resource " + resource_ + " --node srv1\n"; }

 private:
  [[nodiscard]] std::string tools() const { return folder() / "sbin"; }
  [[nodiscard]] std::string record_file() const { return folder() / "reports"; }
  [[nodiscard]] std::string agent_log_file() const { return folder() / "agent.log"; }

  std::string resource_;
};

std::string status_line(pid_t pid, const std::string& name) {
  const auto text = contents_of("/proc/" + std::to_string(pid) + "/status");
  for (const auto line : split(text, "\n")) {
    if (line.substr(0, name.size() + 1) == name + ":") return std::string(trimmed(line.substr(name.size() + 1)));
  }
  return "";
}

/// The tests themselves run as root, else nobody can become the cluster's user.
class Watcher : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(Watcher, SleepsInASessionOfItsOwnAsTheClustersUserWithNothingOfTheAgents) {
  const Watched instance;
  instance.monitor();
  const auto pid = instance.watcher();
  ASSERT_NE(pid, 0);
  const auto user = system::find_user("hacluster").value();
  const auto id = std::to_string(user.uid);
  EXPECT_EQ(status_line(pid, "Uid"), id + "\t" + id + "\t" + id + "\t" + id);
  EXPECT_EQ(status_line(pid, "CapEff"), "0000000000000000");
  EXPECT_EQ(status_line(pid, "NoNewPrivs"), "1");
  EXPECT_EQ(status_line(pid, "SigBlk"), "0000000000000000");
  EXPECT_TRUE(eventually([&] { return status_line(pid, "State") == "S (sleeping)"; }));
  EXPECT_EQ(getsid(pid), pid);
  const auto process = "/proc/" + std::to_string(pid);
  EXPECT_EQ(fs::read_symlink(process + "/cwd"), "/");
  int others = 0;
  for (const auto& entry : fs::directory_iterator(process + "/fd")) {
    const auto target = fs::read_symlink(entry.path()).string();
    if (target != "/dev/null") ++others;
    EXPECT_TRUE(target == "/dev/null" || target.find("pidfd") != std::string::npos ||
                target.compare(0, 13, "/run/pgsqlms/") == 0)
        << target;
  }
  EXPECT_EQ(others, 2) << "its lock and the server's pidfd";
}

TEST_F(Watcher, ReportsAKilledServerAtOnceAndOnceAndEnds) {
  Watched instance;
  instance.monitor();
  instance.kill_server();
  EXPECT_TRUE(eventually([&] { return instance.watcher() == 0; }));
  EXPECT_EQ(instance.reports(), instance.report());
  EXPECT_NE(instance.agent_log().find("reported to the cluster as a failure"), std::string::npos)
      << instance.agent_log();
  EXPECT_EQ(instance.postmaster() == 0 || !is_alive(instance.postmaster()), true) << "it restarts nothing";
}

TEST_F(Watcher, ReportsAKilledServerOnAKernelWithoutPidfdToo) {
  Watched instance;
  Conditions old_kernel;
  old_kernel.through = {PGSQLMS_WITHOUT_PIDFD};
  instance.monitor(old_kernel);
  const auto pid = instance.watcher();
  ASSERT_NE(pid, 0);
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    EXPECT_EQ(fs::read_symlink(entry.path()).string().find("pidfd"), std::string::npos);
  }
  instance.monitor(old_kernel);
  EXPECT_EQ(instance.watcher(), pid);
  instance.kill_server();
  EXPECT_TRUE(eventually([&] { return instance.watcher() == 0; }));
  EXPECT_EQ(instance.reports(), instance.report());
}

TEST_F(Watcher, IsEndedByAStopWhichItNeitherDelaysNorReports) {
  Watched instance;
  for (const bool frozen : {false, true}) {
    SCOPED_TRACE(frozen ? "frozen" : "awake");
    instance.monitor();
    if (frozen) kill(instance.watcher(), SIGSTOP);
    const auto run = run_agent({"stop"}, instance.environment("false"));
    EXPECT_EQ(run.code, kSuccess) << run.err;
    EXPECT_EQ(instance.watcher(), 0);
    EXPECT_EQ(instance.reports(), "");
    instance.start();
  }
}

TEST_F(Watcher, IsOneHoweverOftenItIsStarted) {
  const Watched instance;
  instance.monitor();
  const auto pid = instance.watcher();
  ASSERT_NE(pid, 0);
  instance.monitor();
  EXPECT_EQ(instance.watcher(), pid);
  const auto second = instance.act("watch");
  EXPECT_EQ(second.code, kSuccess);
  EXPECT_LT(second.took, 5s) << "it does not stay";
  EXPECT_EQ(instance.watcher(), pid);
}

TEST_F(Watcher, IsReplacedByTheNextMonitorWhenItWasKilledOrFrozen) {
  const Watched instance;
  for (const int signal : {SIGKILL, SIGTERM, SIGSTOP}) {
    SCOPED_TRACE(signal);
    instance.monitor();
    const auto former = instance.watcher();
    ASSERT_NE(former, 0);
    kill(former, signal);
    if (signal != SIGSTOP) {
      ASSERT_TRUE(eventually([&] { return !is_alive(former); }));
    }
    instance.monitor();
    EXPECT_NE(instance.watcher(), 0);
    EXPECT_NE(instance.watcher(), former);
    EXPECT_FALSE(is_alive(former));
  }
  EXPECT_EQ(instance.reports(), "");
}

TEST_F(Watcher, IsReplacedByThatOfANewAgentOrOfOtherParameters) {
  const Watched instance;
  instance.monitor();
  const auto first = instance.watcher();
  const auto copy = instance.folder() / "pgsqlms";
  fs::copy_file(agent_program(), copy);
  Conditions upgraded;
  upgraded.program = copy;
  instance.monitor(upgraded);
  const auto second = instance.watcher();
  EXPECT_NE(second, 0);
  EXPECT_NE(second, first);
  EXPECT_FALSE(is_alive(first));
  instance.monitor(upgraded);
  EXPECT_EQ(instance.watcher(), second);
  instance.monitor(upgraded, "yes");
  EXPECT_NE(instance.watcher(), second);
  instance.monitor(upgraded, "no");
  EXPECT_EQ(instance.watcher(), 0);
  EXPECT_EQ(instance.reports(), "");
}

TEST_F(Watcher, IsSilentWhereTheResourceIsNotManagedAndWatchesTheServerThatIsStartedByHand) {
  Watched instance;
  instance.monitor();
  const auto former = instance.watcher();
  instance.set_status(R"(managed="false")");
  instance.stop();
  EXPECT_TRUE(instance.agent_has_logged("not reported: the resource is not managed")) << instance.agent_log();
  EXPECT_TRUE(eventually([&] { return !is_alive(former); }));
  instance.start();
  instance.set_status(kManaged);
  instance.monitor();
  EXPECT_NE(instance.watcher(), 0);
  EXPECT_EQ(instance.reports(), "");
  instance.kill_server();
  EXPECT_TRUE(eventually([&] { return instance.reports() == instance.report(); })) << instance.agent_log();
}

TEST_F(Watcher, IsSilentWhenItWakesUpTooLateAndAServerAnswersAgain) {
  Watched instance;
  instance.monitor();
  const auto late = instance.watcher();
  kill(late, SIGSTOP);
  instance.stop();
  instance.start();
  kill(late, SIGCONT);
  EXPECT_TRUE(instance.agent_has_logged("not reported: a server answers again")) << instance.agent_log();
  EXPECT_EQ(instance.reports(), "");
}

TEST_F(Watcher, OfOneInstanceHasNothingToDoWithThatOfAnother) {
  Watched one("one");
  const Watched other("other");
  one.monitor();
  other.monitor();
  const auto pid = other.watcher();
  ASSERT_NE(pid, 0);
  ASSERT_NE(one.watcher(), pid);
  one.kill_server();
  EXPECT_TRUE(eventually([&] { return one.reports() == one.report(); })) << one.agent_log();
  EXPECT_EQ(other.watcher(), pid);
  EXPECT_EQ(run_agent({"stop"}, one.environment()).code, kSuccess);
  EXPECT_EQ(other.watcher(), pid);
  EXPECT_EQ(other.reports(), "");
}

TEST_F(Watcher, CostsARecurringMonitorNoProcessAndNoFile) {
  const Watched instance;
  const auto without = effort_of("monitor", recurring(instance.environment("false")));
  instance.monitor();
  const auto with_watcher = effort_of("monitor", recurring(instance.environment()));
  EXPECT_EQ(with_watcher.run.code, kRunningPromoted);
  EXPECT_EQ(with_watcher.processes, without.processes);
  EXPECT_EQ(with_watcher.addresses, without.addresses);
  EXPECT_EQ(with_watcher.created, without.created);
}

TEST_F(Watcher, ThatCannotBeginIsAWarningAndNoFailure) {
  const Watched instance;
  Conditions unprivileged;
  unprivileged.user = &scratch_user();
  instance.monitor(unprivileged);
  EXPECT_EQ(instance.watcher(), 0);
  EXPECT_TRUE(instance.agent_has_logged("the server is not watched, only monitored")) << instance.agent_log();
}

}  // namespace
}  // namespace pgsqlms::test
