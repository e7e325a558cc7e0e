// SPDX-License-Identifier: PostgreSQL
// The same cluster with watch=true: a death that nobody ordered is known at once, all others are nobody's business; and
// whatever happens to a watcher, the cluster is no worse than without it.
#include <algorithm>
#include <chrono>
#include <sstream>

#include "scenario.hpp"

namespace pgsqlms::scenario {
namespace {

class WatchScenario : public ClusterScenario {
 protected:
  [[nodiscard]] bool is_watched() const override { return true; }

  void SetUp() override {
    ClusterScenario::SetUp();
    if (HasFatalFailure()) return;
    for (const auto& node : all_nodes()) reports_.emplace(node, LogMark(lab(), node, "pacemaker"));
  }

  /// Reports of watchers that have arrived on the node since the case began, as its controller logs them.
  [[nodiscard]] int reports_on(const NodeName& node) const { return reports_.at(node).count("Failing resource "); }
  /// Deaths that watchers have noticed. The monitor that would find one is up to 15 s away; or it is just under way,
  /// and then the cluster knows already.
  [[nodiscard]] int known_deaths_on(const NodeName& node) const {
    return reports_on(node) + syslog(node).count("not reported: the cluster knows already");
  }
  [[nodiscard]] int reports() const {
    int all = 0;
    for (const auto& node : all_nodes()) all += reports_on(node);
    return all;
  }

  static pid_t watcher_on(const NodeName& node) {
    const auto watchers = watchers_on(node);
    return watchers.size() == 1 ? watchers.front() : 0;
  }

  static void send(const NodeName& node, const std::string& signal, pid_t pid) {
    lab().exec(node, {"kill", "-" + signal, std::to_string(pid)});
  }

  static void restart_postgres_by_hand(const NodeName& node) {
    lab().exec(node, {"runuser", "-u", "postgres", "--", "/usr/lib/postgresql/15/bin/pg_ctl", "-D",
                      "/var/lib/postgresql/15/main", "-m", "fast", "-w", "-l", "/dev/null", "-o",
                      "-c config_file=/etc/postgresql/15/main/postgresql.conf", "restart"});
  }

 private:
  std::map<NodeName, LogMark> reports_;
};

TEST_F(WatchScenario, AKilledStandbyAndAKilledPrimaryAreReportedAtOnceAndRecoveredInPlace) {
  // The second death of the same instance is reported while the first one still shows as a failed action. Pacemaker
  // 2.1.5 counts each twice, and once more if a monitor was just under way.
  const auto threshold = [&](const Command& change) {
    Command whole = {"crm_resource", "--resource", "pgsql-ha", "--meta"};
    whole.insert(whole.end(), change.begin(), change.end());
    lab().exec(primary(), whole);
  };
  threshold({"--set-parameter", "migration-threshold", "--parameter-value", "20"});
  std::map<NodeName, int> deaths;
  for (const auto& node : {standbys().front(), standbys().front(), primary()}) {
    SCOPED_TRACE(node);
    expect_failed_action(node, "asyncmon");
    expect_failed_action(node, "monitor");
    const auto before = started_at(node);
    ++deaths[node];
    kill_postmaster(node);
    EXPECT_TRUE(within(seconds(5), "the death is known", [&] { return known_deaths_on(node) == deaths[node]; }));
    EXPECT_TRUE(was_started_again(node, before, seconds(60)));
    EXPECT_TRUE(stable_with_primary(primary()));
    EXPECT_EQ(starts_of_postgres(node), deaths[node]);
    EXPECT_EQ(syslog(node).count("the server has ended, process "), deaths[node]);
    EXPECT_TRUE(within(seconds(20), "the new server is watched", [&] { return watcher_on(node) != 0; }));
  }
  threshold({"--delete-parameter", "migration-threshold"});
  EXPECT_LE(outages_longer_than(kLongestHiccup), 1);
}

TEST_F(WatchScenario, AnOrderedEndIsNotReportedInASwitchoverANodeStandbyAndAClusterStop) {
  const auto designated = standbys().front();
  move_primary_to(designated);
  EXPECT_TRUE(stable_with_primary(designated));
  clear_moves();

  lab().exec(designated, {"crm", "node", "standby", primary()});
  EXPECT_TRUE(within(seconds(60), primary() + " is stopped",
                     [&] { return lab().view().nodes.at(primary()).role == "stopped"; }));
  EXPECT_EQ(watchers_on(primary()), std::vector<pid_t>{});
  lab().exec(designated, {"crm", "node", "online", primary()});
  EXPECT_TRUE(stable_with_primary(designated));

  // Corosync and Pacemaker go, and with them the node's instance; nothing that is left holds them up.
  const auto began = std::chrono::steady_clock::now();
  lab().call({"cluster", "stop", primary()});
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(30));
  EXPECT_EQ(watchers_on(primary()), std::vector<pid_t>{});
  lab().call({"cluster", "start", primary()});
  EXPECT_TRUE(
      within(seconds(60), primary() + " is a member again", [&] { return lab().view().nodes.at(primary()).online; }));
  EXPECT_TRUE(stable_with_primary(designated));
  EXPECT_EQ(reports(), 0);
}

TEST_F(WatchScenario, AServerRestartedByHandIsNotReportedInMaintenanceNorWhereItIsNotManaged) {
  const auto standby = standbys().front();

  set_maintenance(true);
  stop_postgres_by_hand(standby);
  EXPECT_TRUE(within(seconds(20), "the watcher has gone", [&] { return watchers_on(standby).empty(); }));
  EXPECT_EQ(syslog(standby).count("not reported: this node is in maintenance mode") +
                syslog(standby).count("not reported: the resource is not managed"),
            1);
  lab().exec(standby, {"crm_resource", "--resource", "pgsqld", "--force-start", "--force"});
  restart_postgres_by_hand(primary());
  set_maintenance(false);
  EXPECT_TRUE(stable_with_primary(primary()));
  EXPECT_EQ(reports(), 0);
  for (const auto& node : {standby, primary()}) {
    EXPECT_TRUE(
        within(seconds(30), "the new server of " + node + " is watched", [&] { return watcher_on(node) != 0; }));
  }

  lab().exec(primary(), {"crm_resource", "--resource", "pgsql-ha", "--meta", "--set-parameter", "is-managed",
                         "--parameter-value", "false"});
  order({"crm_resource", "--wait", "--timeout", "30"});
  restart_postgres_by_hand(standby);
  EXPECT_TRUE(within(seconds(30), "the next monitor has it watched", [&] { return watcher_on(standby) != 0; }));
  lab().exec(primary(), {"crm_resource", "--resource", "pgsql-ha", "--meta", "--delete-parameter", "is-managed"});
  EXPECT_TRUE(stable_with_primary(primary()));
  EXPECT_EQ(reports(), 0);
}

TEST_F(WatchScenario, AWatcherThatIsKilledFrozenReplacedOrStartedTwiceHarmsNothing) {
  const auto killed = standbys().front();
  const auto upgraded = standbys().back();
  const auto of_killed = watcher_on(killed);
  const auto of_upgraded = watcher_on(upgraded);
  const auto of_primary = watcher_on(primary());
  ASSERT_NE(of_primary, 0);

  // A second one, with all that the first was told, does not stay.
  const auto environment =
      lab().exec(primary(), {"sh", "-c", "tr '\\0' '\\n' < /proc/" + std::to_string(of_primary) + "/environ"});
  Command again = {"env", "-i"};
  std::istringstream lines(environment);
  for (std::string line; std::getline(lines, line);) again.push_back(line);
  again.insert(again.end(), {"/usr/lib/ocf/resource.d/heartbeat/pgsqlms", "watch"});
  EXPECT_EQ(lab().try_exec(primary(), again, seconds(10)).code, 0);
  EXPECT_EQ(watcher_on(primary()), of_primary);

  send(killed, "KILL", of_killed);
  lab().call({"agent", PGSQLMS_AGENT_DEFAULT, upgraded});
  EXPECT_TRUE(within(seconds(40), "the next monitor replaces the killed watcher and that of the former agent", [&] {
    const auto now = watcher_on(killed);
    const auto then = watcher_on(upgraded);
    return now != 0 && now != of_killed && then != 0 && then != of_upgraded;
  }));
  EXPECT_TRUE(lab().view().failed_actions.empty());

  // While it is frozen the monitors do what they do without it; the recovery ends it, so that it wakes up no more.
  send(primary(), "STOP", of_primary);
  expect_failed_action(primary(), "monitor");
  expect_failed_action(primary(), "asyncmon");  // a monitor may have replaced it before the kill
  const auto before = started_at(primary());
  kill_postmaster(primary());
  EXPECT_TRUE(was_started_again(primary(), before, seconds(90)));
  EXPECT_TRUE(stable_with_primary(primary()));
  EXPECT_EQ(starts_of_postgres(primary()), 1);
  EXPECT_NE(watcher_on(primary()), of_primary);
  EXPECT_LE(reports_on(primary()), 1);
  EXPECT_EQ(reports_on(killed) + reports_on(upgraded), 0);
}

/// A second instance beside the first on one node, as a resource of its own; gone with the object.
class SecondInstance {
 public:
  SecondInstance(const Lab& lab, NodeName node) : lab_(lab), node_(std::move(node)) {
    as_postgres({kBin + "/initdb", "-D", kData, "-A", "trust", "--no-sync", "--no-instructions"});
    lab_.exec(node_, {"sh", "-c",
                      "printf '%s\\n' \"port = 5433\" \"unix_socket_directories = '/run/postgresql'\" "
                      "\"listen_addresses = ''\" \"shared_buffers = 16MB\" "
                      "\"primary_conninfo = 'host=/run/postgresql port=5433 application_name=" +
                          node_ + "'\" >> " + kData + "/postgresql.conf"});
    // In one piece: half of it would be started elsewhere.
    const std::string configuration =
        "primitive second ocf:heartbeat:pgsqlms params bindir=" + kBin + " pgdata=" + kData +
        " pghost=/run/postgresql pgport=5433 watch=true op monitor interval=15s timeout=10s role=Promoted op monitor "
        "interval=16s timeout=10s role=Unpromoted op start timeout=60s op stop timeout=60s op promote timeout=30s op "
        "demote timeout=120s op notify timeout=60s\n"
        "clone second-ha second meta promotable=true promoted-max=1 notify=true clone-max=1\n"
        "location second-here second-ha inf: " +
        node_ + "\n";
    lab_.exec(node_, {"sh", "-c", "printf '%s' \"$1\" > /tmp/second.crm && crm configure load update /tmp/second.crm",
                      "sh", configuration});
  }
  ~SecondInstance() {
    static_cast<void>(lab_.try_exec(node_, kRemoval));
    static_cast<void>(lab_.try_exec(node_, {"sh", "-c", "kill -9 $(head -n 1 " + kData + "/postmaster.pid)"}));
    static_cast<void>(lab_.try_exec(node_, {"rm", "-rf", kData}));
    // Nobody was promoted after the last demotion who would have taken it back.
    static_cast<void>(lab_.try_exec(node_, {"attrd_updater", "--name", "shutdown_checkpoint-second", "--delete"}));
  }
  SecondInstance(const SecondInstance&) = delete;
  SecondInstance& operator=(const SecondInstance&) = delete;

  [[nodiscard]] std::string started_at() const {
    return lab_
        .try_exec(node_, {kBin + "/psql", "-XAtq", "-h", "/run/postgresql", "-p", "5433", "-U", "postgres", "-c",
                          "select pg_postmaster_start_time() where not pg_is_in_recovery()"})
        .output;
  }
  void kill_postmaster() const { lab_.exec(node_, {"sh", "-c", "kill -9 $(head -n 1 " + kData + "/postmaster.pid)"}); }
  void remove() const { lab_.exec(node_, kRemoval); }

 private:
  void as_postgres(const Command& command) const {
    Command whole = {"runuser", "-u", "postgres", "--"};
    whole.insert(whole.end(), command.begin(), command.end());
    lab_.exec(node_, whole);
  }

  const Command kRemoval = {"crm", "--force", "configure", "delete", "second-here", "second-ha", "second"};
  const std::string kBin = "/usr/lib/postgresql/15/bin";
  const std::string kData = "/var/lib/postgresql/15/second";
  const Lab& lab_;
  NodeName node_;
};

TEST_F(WatchScenario, TwoInstancesOnANodeKeepApartAndARemovedResourceIsNotReported) {
  const auto node = standbys().front();
  const auto of_first = watcher_on(node);
  const auto first_was_started = started_at(node);
  const SecondInstance second(lab(), node);
  ASSERT_TRUE(within(seconds(90), "the second instance is a primary and watched",
                     [&] { return !second.started_at().empty() && watchers_on(node).size() == 2; }));

  const auto before = second.started_at();
  second.kill_postmaster();
  EXPECT_TRUE(within(seconds(60), "the second instance is a primary again", [&] {
    const auto now = second.started_at();
    return !now.empty() && now != before && watchers_on(node).size() == 2;
  }));
  EXPECT_EQ(known_deaths_on(node), 1);
  EXPECT_EQ(syslog(node).count("the server has ended, process "), 1) << "the first one sleeps on";
  EXPECT_EQ(started_at(node), first_was_started);

  lab().exec(node, {"crm_resource", "--wait", "--timeout", "60"});
  second.remove();
  EXPECT_TRUE(within(seconds(60), "the second instance and its watcher are gone, the first one is watched",
                     [&] { return second.started_at().empty() && watchers_on(node) == std::vector<pid_t>{of_first}; }));
  EXPECT_EQ(known_deaths_on(node), 1);
  EXPECT_EQ(started_at(node), first_was_started);
  lab().exec(node, {"crm_resource", "--cleanup"});
}

}  // namespace
}  // namespace pgsqlms::scenario
