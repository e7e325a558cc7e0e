// SPDX-License-Identifier: PostgreSQL
#include <algorithm>

#include "fault_means.hpp"
#include "faults.hpp"

namespace pgsqlms::scenario {
namespace {

using F = FaultScenario;

constexpr char kFileSystem[] = "/var/lib/postgresql";

/// The postmaster: its children have titles.
const std::string kPostmaster = "^" + kPrograms + "postgres ";

void set_maxlag(const std::string& bytes) {
  F::order({"crm_resource", "--resource", "pgsqld", "--set-parameter", "maxlag", "--parameter-value", bytes});
}
void unset_maxlag() { F::order({"crm_resource", "--resource", "pgsqld", "--delete-parameter", "maxlag"}); }

/// The cluster has lost the node, and goes on with the same primary.
void expect_out(const F& f, const NodeName& standby) {
  EXPECT_TRUE(within(seconds(60), standby + " is out", [&] { return !F::lab().view().nodes.at(standby).online; }));
  EXPECT_EQ(F::lab().view().primary(), f.primary());
}

/// Pacemaker was told that the instance is stopped.
void expect_no_server(const NodeName& node) {
  EXPECT_TRUE(within(seconds(20), "no server runs on " + node, [&] {
    return F::lab().try_exec(node, {"pgrep", "-f", kPostmaster}).code == 1;
  }));
}

// ---- processes

void kill_primary(F& f) {
  const auto before = F::started_at(f.primary());
  f.expect_failed_action(f.primary(), "monitor");
  F::kill_postmaster(f.primary());
  f.expect_started_again(f.primary(), before);
  f.expect_same_primary();
  f.expect_outage_of_at_most(25);
}

void kill_primary_at_the_threshold(F& f) {
  f.expect_failed_action(f.primary(), "monitor");
  f.expect_loss_of_the_last_second();
  F::set_meta("migration-threshold", "1");
  F::kill_postmaster(f.primary());
  f.expect_other_primary();
  EXPECT_TRUE(within(seconds(60), "the instance of the old primary is stopped",
                     [&] { return F::lab().view().nodes.at(f.primary()).role == "stopped"; }));
  F::delete_meta("migration-threshold");
  F::order({"crm_resource", "--cleanup"});
  f.expect_outage_of_at_most(25);
}

void kill_primary_twice(F& f) {
  const auto before = F::started_at(f.primary());
  f.expect_failed_action(f.primary(), "monitor");
  f.expect_loss_of_the_last_second();
  F::set_meta("migration-threshold", "2");
  F::kill_postmaster(f.primary());
  f.expect_started_again(f.primary(), before);
  f.expect_same_primary();
  F::kill_postmaster(f.primary());
  f.expect_other_primary();
  F::delete_meta("migration-threshold");
  F::order({"crm_resource", "--cleanup"});
  f.expect_outage_of_at_most(25);
}

void kill_primary_and_keep_an_orphan(F& f) {
  const auto before = F::started_at(f.primary());
  f.expect_failures_of(f.primary());
  f.expect_loss_of_the_last_second();
  EXPECT_EQ(F::signal(f.primary(), "STOP", F::server_process(f.primary(), "checkpointer")), 1);
  F::kill_postmaster(f.primary());
  f.expect_started_again(f.primary(), before);
}

void freeze_primarys_postmaster(F& f) {
  f.expect_failures_of(f.primary());
  f.expect_fencing_of(f.primary());
  f.expect_loss_of_the_last_second();
  F::signal_postmaster(f.primary(), "STOP");
  // It cannot be shut down: the demotion has 120 s for that, the stop 60 s. Its sessions go on meanwhile.
  f.expect_other_primary(seconds(250));
  f.expect_outage_of_at_most(15);
}

void freeze_standbys_startup_process(F& f) {
  const auto standby = f.any_standby();
  EXPECT_EQ(F::signal(standby, "STOP", F::server_process(standby, "startup")), 1);
  f.expect_nothing_for(seconds(20));
  EXPECT_EQ(F::signal(standby, "CONT", F::server_process(standby, "startup")), 1);
  f.expect_same_primary();
  f.expect_outage_of_at_most(2);
}

/// A server that ends itself when one of its processes crashes, as restart_after_crash = off says.
void kill_process_of_the_primary(F& f, const std::string& title) {
  const auto before = F::started_at(f.primary());
  f.expect_failed_action(f.primary(), "monitor");
  EXPECT_GE(F::signal(f.primary(), "KILL", F::server_process(f.primary(), title)), 1);
  f.expect_started_again(f.primary(), before);
  f.expect_same_primary();
  f.expect_outage_of_at_most(25);
}

void kill_a_backend(F& f) { kill_process_of_the_primary(f, "postgres postgres 192"); }
void kill_the_checkpointer(F& f) { kill_process_of_the_primary(f, "checkpointer"); }
void kill_the_walwriter(F& f) { kill_process_of_the_primary(f, "walwriter"); }

/// As restart_after_crash = on, PostgreSQL's default, has it: the postmaster lives on.
void let_the_primary_restart_itself(F& f) {
  const auto set = [&](const std::string& setting) {
    F::lab().sql(f.primary(), setting);
    F::lab().sql(f.primary(), "select pg_reload_conf()");
  };
  set("alter system set restart_after_crash = on");
  EXPECT_TRUE(within(seconds(10), "the setting is in force",
                     [&] { return F::lab().try_sql(f.primary(), "show restart_after_crash") == "on"; }));
  const auto before = F::started_at(f.primary());
  EXPECT_EQ(F::signal(f.primary(), "KILL", F::server_process(f.primary(), "walwriter")), 1);
  f.expect_nothing_for(seconds(20));
  EXPECT_EQ(F::started_at(f.primary()), before);
  set("alter system reset restart_after_crash");
  f.expect_same_primary();
  f.expect_outage_of_at_most(8);
}

void kill_standby(F& f) {
  const auto standby = f.any_standby();
  const auto before = F::started_at(standby);
  f.expect_failed_action(standby, "monitor");
  F::kill_postmaster(standby);
  f.expect_started_again(standby, before);
  f.expect_same_primary();
  f.expect_outage_of_at_most(2);
}

void kill_walreceiver(F& f) {
  const auto standby = f.any_standby();
  EXPECT_EQ(F::signal(standby, "KILL", F::server_process(standby, "walreceiver")), 1);
  f.expect_same_primary();
  f.expect_failed_action(standby, "monitor");
  f.expect_outage_of_at_most(2);
}

void kill_both_standbys(F& f) {
  std::map<NodeName, std::string> before;
  for (const auto& standby : f.standbys()) {
    before[standby] = F::started_at(standby);
    f.expect_failed_action(standby, "monitor");
  }
  for (const auto& standby : f.standbys()) F::kill_postmaster(standby);
  for (const auto& standby : f.standbys()) f.expect_started_again(standby, before[standby]);
  f.expect_same_primary();
  f.expect_outage_of_at_most(f.is_synchronous() ? 30 : 2);
}

void stop_primary_by_hand(F& f) {
  f.expect_failed_action(f.primary(), "monitor");
  F::stop_postgres_by_hand(f.primary());
  EXPECT_TRUE(within(seconds(60), "the cluster has noticed it",
                     [&] { return !f.events(" pgsqld +(start|promote) ").empty(); }));
  f.expect_outage_of_at_most(25);
}

// ---- the agent, killed in the middle of an action that something holds up

void kill_agent_in_monitor(F& f, const NodeName& node) {
  f.expect_failures_of(node);
  F::signal_postmaster(node, "STOP");
  F::kill_agent_during("monitor", node);
  F::signal_postmaster(node, "CONT");
  EXPECT_TRUE(within(seconds(60), "the cluster recovers the instance",
                     [&] { return !f.events(" " + node + " +pgsqld +start ").empty(); }));
}

void kill_agent_in_monitor_of_a_standby(F& f) {
  kill_agent_in_monitor(f, f.any_standby());
  f.expect_same_primary();
  f.expect_outage_of_at_most(2);
}

void kill_agent_in_monitor_of_the_primary(F& f) {
  kill_agent_in_monitor(f, f.primary());
  f.expect_outage_of_at_most(15);
}

void kill_agent_in_demote(F& f) {
  f.expect_failures_of(f.primary());
  EXPECT_EQ(F::signal(f.primary(), "STOP", F::server_process(f.primary(), "checkpointer")), 1);
  F::move_primary_to(f.any_standby());
  F::kill_agent_during("demote", f.primary());
  EXPECT_EQ(F::signal(f.primary(), "CONT", F::server_process(f.primary(), "checkpointer")), 1);
  EXPECT_TRUE(
      within(seconds(90), "there is a primary again", [&] { return !f.events(" pgsqld +promote +rc=0").empty(); }));
  F::clear_moves();
}

void kill_agent_in_promote(F& f) {
  const auto designated = f.any_standby();
  f.expect_failures_of(designated);
  EXPECT_EQ(F::signal(designated, "STOP", F::server_process(designated, "startup")), 1);
  F::move_primary_to(designated);
  F::kill_agent_during("promote", designated);
  F::signal(designated, "CONT", F::server_process(designated, "startup"));
  EXPECT_TRUE(
      within(seconds(90), "there is a primary again", [&] { return !f.events(" pgsqld +promote +rc=0").empty(); }));
  F::clear_moves();
}

void kill_agent_in_stop(F& f) {
  const auto standby = f.any_standby();
  f.expect_fencing_of(standby);
  EXPECT_EQ(F::signal(standby, "STOP", F::server_process(standby, "checkpointer")), 1);
  put_into_standby(standby);
  F::kill_agent_during("stop", standby);
  EXPECT_TRUE(within(seconds(60), standby + " is fenced, as after each stop that fails",
                     [&] { return !F::lab().view().nodes.at(standby).online; }));
  take_out_of_standby(standby);
  f.expect_outage_of_at_most(2);
}

// ---- configuration and files

void break_the_configuration_of_a_standby(F& f) {
  const auto standby = f.any_standby();
  f.expect_failures_of(standby);
  break_the_configuration(standby);
  F::kill_postmaster(standby);
  EXPECT_TRUE(within(seconds(60), "the start is refused",
                     [&] { return !f.events(standby + " +pgsqld +start +rc=[1-9]").empty(); }));
  EXPECT_EQ(F::lab().view().primary(), f.primary());
  mend_the_configuration(standby);
  F::order({"crm_resource", "--cleanup"});
  f.expect_same_primary();
  f.expect_outage_of_at_most(f.is_synchronous() ? 3 : 2);
}

/// An empty file system over that of the data, as after a boot at which it was not mounted.
void unmount_the_data_of_a_standby(F& f) {
  const auto standby = f.any_standby();
  f.expect_failures_of(standby);
  F::lab().exec(standby, {"sh", "-ec",
                          "postmaster=$(head -n 1 $0/postmaster.pid); mount -t tmpfs tmpfs $1; kill -KILL $postmaster",
                          kData, kFileSystem});
  EXPECT_TRUE(within(seconds(60), "the cluster has noticed it",
                     [&] { return F::lab().view().nodes.at(standby).role != "unpromoted"; }));
  EXPECT_EQ(F::lab().view().primary(), f.primary());
  F::lab().exec(standby, {"umount", kFileSystem});
  F::order({"crm_resource", "--cleanup"});
  f.expect_same_primary();
  f.expect_outage_of_at_most(f.is_synchronous() ? 3 : 2);
}

/// Puts a node's WAL on a file system of its own that has little room left.
void give_a_small_wal(const NodeName& node) {
  stop_on_node(node);
  F::lab().exec(node, {"sh", "-ec",
                       "cd $0; mv pg_wal pg_wal.whole; mkdir -m 700 pg_wal; "
                       "size=$(($(du -sm pg_wal.whole | cut -f 1) + 100))m; "
                       "mount -t tmpfs -o size=$size,mode=700 tmpfs pg_wal; cp -a pg_wal.whole/. pg_wal; chown "
                       "postgres:postgres pg_wal; rm -r pg_wal.whole; "
                       "room=$(df --output=avail -B1M pg_wal | tail -n 1); "
                       "fallocate -l $((room - 40))M pg_wal/ballast",
                       kData});
  take_out_of_standby(node);
}

/// The node's WAL has gone with its file system, or is on it: it is made anew.
void take_the_small_wal_back(const NodeName& node) {
  stop_on_node(node);
  F::lab().exec(node, {"umount", kData + "/pg_wal"});
  F::rebuild(node, [&] { take_out_of_standby(node); });
}

void fill_the_wal_of(const NodeName& node, const NodeName& primary) {
  F::lab().exec(node, {"sh", "-c", "dd if=/dev/zero of=$0/pg_wal/more bs=1M 2>/dev/null; true", kData});
  // Without the rule of synchronous replication, which a standby in trouble may not fulfil.
  for (int segment = 0; segment < 4; ++segment) {
    static_cast<void>(F::lab().try_sql(primary,
                                       "set synchronous_commit = local; "
                                       "create table if not exists ballast (x text); "
                                       "insert into ballast select repeat('x', 1000) from "
                                       "generate_series(1, 20000); drop table ballast"));
  }
}

void fill_the_wal_of_the_primary(F& f) {
  const auto full = f.any_standby();
  for (const auto& node : all_nodes()) f.expect_failures_of(node);
  f.expect_fencing_of(full);
  f.expect_loss_of_the_last_second();
  give_a_small_wal(full);
  EXPECT_TRUE(F::stable_with_primary(f.primary()));
  F::move_primary_to(full);
  EXPECT_TRUE(F::stable_with_primary(full));
  F::clear_moves();
  fill_the_wal_of(full, full);
  EXPECT_TRUE(within(seconds(120), "another node is promoted", [&] {
    const auto now = F::lab().view().primary();
    return !now.empty() && now != full;
  }));
  F::order({"crm_resource", "--cleanup"});
  take_the_small_wal_back(full);
}

void fill_the_wal_of_a_standby(F& f) {
  const auto full = f.any_standby();
  f.expect_failures_of(full);
  give_a_small_wal(full);
  f.expect_same_primary();
  fill_the_wal_of(full, f.primary());
  EXPECT_TRUE(within(seconds(60), full + " is out of the race or out of service", [&] {
    const auto view = F::lab().view();
    return view.nodes.at(full).role != "unpromoted" || view.nodes.at(full).score.value_or(-1) < 0;
  }));
  EXPECT_EQ(F::lab().view().primary(), f.primary());
  take_the_small_wal_back(full);
  F::order({"crm_resource", "--cleanup"});
  f.expect_same_primary();
  f.expect_outage_of_at_most(f.is_synchronous() ? 8 : 2);
}

// ---- connections

void saturate(F& f, const NodeName& node) {
  const auto before = F::started_at(node);
  {
    const Background sessions(
        F::lab().exec_command(node, {"sh", "-c",
                                     "for n in $(seq 60); do " + kPrograms +
                                         "psql -U postgres -h /run/postgresql -XAtqc 'select pg_sleep(60)' "
                                         ">/dev/null 2>&1 & done; wait"}),
        F::kept_file("sessions.out"));
    EXPECT_TRUE(within(seconds(20), "the server has no place for one more session",
                       [&] { return !F::lab().try_sql(node, "select 1"); }));
    f.expect_nothing_for(seconds(35));
  }
  F::signal(node, "TERM", F::server_process(node, "postgres postgres .local. SELECT"));
  EXPECT_TRUE(within(seconds(20), "the server answers again", [&] { return F::started_at(node) == before; }));
  f.expect_same_primary();
}

void saturate_the_primary(F& f) { saturate(f, f.primary()); }
void saturate_a_standby(F& f) {
  saturate(f, f.any_standby());
  f.expect_outage_of_at_most(2);
}

/// More work than there are processors, on all nodes, for they share the machine.
void keep_the_machine_busy(F& f) {
  const Background work(
      F::lab().exec_command(f.primary(), {"sh", "-c", "for n in $(seq 8); do (while :; do :; done) & done; wait"}),
      F::kept_file("work.out"));
  f.expect_nothing_for(seconds(40));
}

// ---- network

void isolate_the_primary(F& f) {
  f.expect_fencing_of(f.primary());
  f.expect_loss_of_the_last_second();
  F::lab().call({"partition", f.primary()});
  f.expect_other_primary();
  f.expect_outage_of_at_most(15);
}

void isolate_a_standby(F& f) {
  const auto standby = f.any_standby();
  f.expect_fencing_of(standby);
  F::lab().call({"partition", standby});
  expect_out(f, standby);
  f.expect_outage_of_at_most(f.is_synchronous() ? 3 : 2);
}

void isolate_the_primary_while_fencing_fails(F& f) {
  f.expect_fencing_of(f.primary());
  f.expect_loss_of_the_last_second();
  F::lab().call({"fencing", "fail"});
  F::lab().call({"partition", f.primary()});
  EXPECT_TRUE(holds_for(seconds(20), "nobody is promoted", [&] { return f.events(" promote ").empty(); }));
  F::lab().call({"fencing", "ok"});
  f.expect_other_primary(seconds(180));
}

void cut_replication(F& f) {
  for (const auto& standby : f.standbys()) F::lab().call({"cut", f.primary(), standby, "--only", "postgres"});
  EXPECT_TRUE(within(seconds(60), "the standbys are worth nothing", [&] {
    const auto view = F::lab().view();
    return view.nodes.at(f.standbys().front()).score.value_or(0) < 0 &&
           view.nodes.at(f.standbys().back()).score.value_or(0) < 0;
  }));
  EXPECT_TRUE(f.events(" pgsqld +(start|stop|promote|demote) ").empty());
  F::lab().call({"heal"});
  f.expect_same_primary();
  f.expect_outage_of_at_most(2);
}

/// Where each node hears others than the next one does, Corosync may form one membership after the other, and nothing
/// is decided until the network is whole.
void wait_for_a_fencing_that_may_not_come() {
  static_cast<void>(within(seconds(40), "somebody is out", [] {
    const auto view = F::lab().view();
    return std::any_of(all_nodes().begin(), all_nodes().end(),
                       [&](const auto& node) { return !view.nodes.at(node).online; });
  }));
}

void cut_one_pair(F& f) {
  const auto standby = f.any_standby();
  f.expect_fencing_of(f.primary());
  f.expect_fencing_of(standby);
  f.expect_loss_of_the_last_second();
  F::lab().call({"cut", f.primary(), standby});
  wait_for_a_fencing_that_may_not_come();
}

void make_the_primary_deaf(F& f) {
  f.expect_fencing_of(f.primary());
  f.expect_loss_of_the_last_second();
  f.expect_loss_from_now_on();
  for (const auto& standby : f.standbys()) {
    f.expect_fencing_of(standby);
    F::lab().call({"cut", standby, f.primary(), "--one-way"});
  }
  wait_for_a_fencing_that_may_not_come();
}

void let_the_network_flap(F& f) {
  for (const auto& node : all_nodes()) f.expect_fencing_of(node);
  f.expect_loss_of_the_last_second();
  const auto standby = f.any_standby();
  for (int round = 0; round < 5; ++round) {
    F::lab().call({"cut", f.primary(), standby});
    F::lab().call({"heal"});
  }
}

// ---- nodes

void power_off_the_primary(F& f) {
  f.expect_loss_of_the_last_second();
  f.power_off(f.primary());
  f.expect_other_primary();
  f.expect_outage_of_at_most(15);
}

void power_cycle_the_primary(F& f) {
  f.expect_loss_of_the_last_second();
  f.expect_fencing_of(f.primary());
  f.expect_failures_of(f.primary());
  F::lab().call({"power", "cycle", f.primary()});
}

void power_off_a_standby(F& f) {
  const auto standby = f.any_standby();
  f.power_off(standby);
  expect_out(f, standby);
  f.expect_outage_of_at_most(f.is_synchronous() ? 3 : 2);
}

void power_off_both_standbys(F& f) {
  f.expect_failures_of(f.primary());
  for (const auto& standby : f.standbys()) f.power_off(standby);
  EXPECT_TRUE(
      within(seconds(60), "the primary is stopped without quorum", [&] { return F::lab().view().primary().empty(); }));
}

void power_off_the_primary_and_the_candidate(F& f) {
  f.expect_loss_of_the_last_second();
  f.power_off(f.primary());
  EXPECT_TRUE(within(seconds(30), "the standbys elect",
                     [&] { return !f.events(f.standbys().front() + " +pgsqld +notify ").empty(); }));
  f.power_off(f.standbys().front());
  for (const auto& node : all_nodes()) f.expect_fencing_of(node);
  // It may have been promoted already.
  for (const auto& node : all_nodes()) f.expect_failed_action(node, "promote");
}

/// Then the old primary has WAL that no standby has, and its successor a timeline that nobody follows. The successor's
/// controller is frozen at the promotion, so that nothing is made of it: no score tells who streamed from whom.
void power_off_the_primary_and_its_successor_unscored(F& f) {
  const auto& successor = f.standbys().front();
  f.expect_loss_of_the_last_second();
  f.expect_loss_from_now_on();
  for (const auto& node : all_nodes()) f.expect_fencing_of(node);
  for (const auto& node : all_nodes()) f.expect_failed_action(node, "promote");
  freeze_the_wal_sender_to(f, f.standbys().back());
  EXPECT_TRUE(has_more_wal_than(successor, f.standbys().back()));
  freeze_the_wal_sender_to(f, successor);
  EXPECT_TRUE(has_more_wal_than(f.primary(), successor));
  const Background moment(
      F::lab().exec_command(successor, {"bash", "-c",
                                        "grep -q -m 1 'selected new timeline ID' "
                                        "< <(tail -s 0.01 -n 0 -F /var/log/postgresql/postgresql.log) && "
                                        "kill -STOP $(pgrep -f pacemaker/[p]acemaker-controld)"}),
      F::kept_file("moment.out"));
  f.power_off(f.primary());
  EXPECT_TRUE(within(seconds(30), successor + " is promoted",
                     [&] { return f.postgres_log(successor).count("archive recovery complete") > 0; }));
  f.power_off(successor);
  // With whoever comes back first the third node would be a quorum.
  for (const auto& node : {f.primary(), successor}) F::lab().call({"cut", f.standbys().back(), node});
  for (const auto& node : {f.primary(), successor}) F::lab().call({"power", "on", node});
  // With the virtual IP the promotion is over: Pacemaker drops what is left of it when the third node joins meanwhile.
  EXPECT_TRUE(within(seconds(120), "one of both is promoted and has the virtual IP", [&] {
    const auto view = F::lab().view();
    return !view.primary().empty() && view.vip == view.primary();
  }));
  EXPECT_FALSE(f.events(" pgsqld +promote +rc=1 .* have diverged").empty());
}

void power_off_all(F& f) {
  f.expect_loss_of_the_last_second();
  for (const auto& node : all_nodes()) f.power_off(node);
  for (const auto& node : all_nodes()) f.expect_failures_of(node);
  for (const auto& node : f.nodes_in_any_order()) F::lab().call({"power", "on", node});
}

void freeze_the_primarys_node(F& f) {
  f.expect_fencing_of(f.primary());
  f.expect_loss_of_the_last_second();
  F::lab().call({"freeze", f.primary()});
  f.expect_other_primary();
  f.expect_outage_of_at_most(15);
}

void freeze_a_standbys_node(F& f) {
  const auto standby = f.any_standby();
  f.expect_fencing_of(standby);
  F::lab().call({"freeze", standby});
  expect_out(f, standby);
  f.expect_outage_of_at_most(f.is_synchronous() ? 8 : 2);
}

/// The old primary's node comes back, and its WAL is no more what counts, when the new one is lost.
void power_off_the_primary_and_its_successor_when_it_is_back(F& f) {
  f.expect_loss_of_the_last_second();
  f.power_off(f.primary());
  f.expect_other_primary();
  const auto successor = F::lab().view().primary();
  F::lab().call({"power", "on", f.primary()});
  EXPECT_TRUE(within(seconds(120), f.primary() + " is a member again",
                     [&] { return F::lab().view().nodes.at(f.primary()).online; }));
  f.power_off(successor);
  const auto last = f.the_other_standby(successor);
  EXPECT_TRUE(within(seconds(120), last + " is promoted", [&] { return F::lab().view().primary() == last; }));
}

// ---- the cluster's daemons

/// Kills it on any node, and waits until that has been noticed.
void kill_daemon(F& f, const std::string& daemon, const std::function<void(const NodeName&)>& then = {}) {
  const auto node = f.any_node();
  f.expect_fencing_of(node);
  f.expect_loss_of_the_last_second();
  for (const auto& each : all_nodes()) f.expect_failures_of(each);
  const auto pattern = "^([^ ]*/)?" + daemon + "( |$)";
  EXPECT_GE(F::signal(node, "KILL", pattern), 1) << daemon << " on " << node;
  if (then) then(node);
  EXPECT_TRUE(within(seconds(60), daemon + " on " + node + " is there again, or the node is out", [&] {
    return F::lab().try_exec(node, {"pgrep", "-f", pattern}).code == 0 || !F::lab().view().nodes.at(node).online;
  }));
}

void kill_corosync(F& f) { kill_daemon(f, "corosync"); }
void kill_pacemakerd(F& f) {
  // As systemd would, which is not there.
  kill_daemon(f, "pacemakerd", [](const NodeName& node) { F::lab().call({"cluster", "start", node}); });
}
void kill_controld(F& f) { kill_daemon(f, "pacemaker-controld"); }
void kill_attrd(F& f) { kill_daemon(f, "pacemaker-attrd"); }
void kill_based(F& f) { kill_daemon(f, "pacemaker-based"); }
void kill_execd(F& f) { kill_daemon(f, "pacemaker-execd"); }
void kill_schedulerd(F& f) { kill_daemon(f, "pacemaker-schedulerd"); }
void kill_fenced(F& f) { kill_daemon(f, "pacemaker-fenced"); }

void freeze_attrd_of_the_primary(F& f) {
  const std::string attrd = "^([^ ]*/)?pacemaker-attrd";
  f.expect_failures_of(f.primary());
  EXPECT_EQ(F::signal(f.primary(), "STOP", attrd), 1);
  f.expect_nothing_for(seconds(35));
  EXPECT_EQ(F::signal(f.primary(), "CONT", attrd), 1);
  f.expect_same_primary();
  f.expect_outage_of_at_most(2);
}

// ---- administrators

void move_to_a_standby_within(F& f, double seconds_without_commits) {
  const auto designated = f.any_standby();
  F::move_primary_to(designated);
  EXPECT_TRUE(F::stable_with_primary(designated));
  F::clear_moves();
  f.expect_outage_of_at_most(seconds_without_commits);
}

void move_to_a_standby(F& f) { move_to_a_standby_within(f, 5); }

constexpr double kHeldUp = 30;  ///< seconds that a switchover may take in spite of who holds the shutdown up

void set_archive_command(const NodeName& node, const std::string& assignment) {
  F::lab().sql(node, "alter system " + assignment);
  F::lab().sql(node, "select pg_reload_conf()");
}

void move_from_an_archive_backlog(F& f) {
  set_archive_command(f.primary(), "set archive_command = 'sleep 600'");
  for (int segment = 0; segment < 5; ++segment) {
    F::lab().sql(f.primary(), "select pg_switch_wal()");
    EXPECT_TRUE(f.acknowledges_more(5));
  }
  move_to_a_standby_within(f, kHeldUp);
  set_archive_command(f.primary(), "reset archive_command");
}

/// Of the consumer, in its node.
constexpr const char* kConsumerPid = "/tmp/consumer.pid";

void signal_consumer(const NodeName& node, const std::string& signal) {
  F::lab().exec(node, {"sh", "-c", "kill -" + signal + " $(cat " + kConsumerPid + ")"});
}

void move_from_a_logical_consumer(F& f) {
  const auto consume = kPrograms +
                       "pg_recvlogical -h 127.0.0.1 -U postgres -S held -P test_decoding "
                       "-d \"dbname=postgres options='-c wal_sender_timeout=0'\" ";
  const Background consumer(F::lab().exec_command(f.primary(), {"sh", "-c",
                                                                consume + "--create-slot && echo $$ > " + kConsumerPid +
                                                                    " && exec " + consume + "--start -f /dev/null"}),
                            F::kept_file("consumer.out"));
  EXPECT_TRUE(within(seconds(30), "the consumer is connected", [&] {
    return F::lab().try_sql(f.primary(), "select active from pg_replication_slots where slot_name = 'held'") == "t";
  }));
  signal_consumer(f.primary(), "STOP");
  EXPECT_TRUE(f.acknowledges_more(50));
  move_to_a_standby_within(f, kHeldUp);
  signal_consumer(f.primary(), "KILL");
  F::lab().sql(f.primary(), "select pg_drop_replication_slot('held')");
}

void move_to_and_fro(F& f) {
  for (int round = 0; round < 2; ++round) {
    for (const auto& node : f.nodes_in_any_order()) {
      if (F::lab().view().primary() == node) continue;
      F::move_primary_to(node);
      EXPECT_TRUE(F::stable_with_primary(node));
      F::clear_moves();
    }
  }
  f.expect_outage_of_at_most(8);
}

void node_standby(F& f) {
  const auto standby = f.any_standby();
  put_into_standby(standby);
  EXPECT_TRUE(F::stable_with_primary(f.primary(), 1));
  expect_no_server(standby);
  take_out_of_standby(standby);
  f.expect_same_primary();
  f.expect_outage_of_at_most(f.is_synchronous() ? 3 : 2);
}

void put_the_primarys_node_into_standby(F& f) {
  put_into_standby(f.primary());
  f.expect_other_primary();
  expect_no_server(f.primary());
  take_out_of_standby(f.primary());
  f.expect_outage_of_at_most(5);
}

void take_the_virtual_ip_away(F& f) {
  f.expect_failed_action(f.primary(), "monitor");
  F::lab().exec(f.primary(),
                {"sh", "-c", "set -- $(ip -o -4 address show | grep -w 192.0.2.10); ip address delete $4 dev $2"});
  f.expect_nothing_for(seconds(20));
  f.expect_same_primary();
  f.expect_outage_of_at_most(15);
}

void kill_primary_in_maintenance(F& f) {
  const auto before = F::started_at(f.primary());
  f.expect_failed_action(f.primary(), "monitor");
  F::set_maintenance(true);
  F::kill_postmaster(f.primary());
  f.expect_nothing_for(seconds(10));
  F::set_maintenance(false);
  f.expect_started_again(f.primary(), before);
}

void promote_a_standby_by_force(F& f) {
  const auto standby = f.any_standby();
  f.expect_a_primary_made_by_hand();
  f.expect_failed_action(standby, "monitor");
  F::lab().exec(standby, {"crm_resource", "--resource", "pgsqld", "--force-promote", "--force"});
  EXPECT_TRUE(within(seconds(60), standby + " is a standby again, and out of the race", [&] {
    return F::lab().try_sql(standby, "select pg_is_in_recovery()") == "t" &&
           F::lab().view().nodes.at(standby).score.value_or(0) < 0;
  }));
  EXPECT_EQ(F::lab().view().primary(), f.primary());
  F::rebuild(standby);
  f.expect_outage_of_at_most(f.is_synchronous() ? 8 : 2);
}

/// A running primary may be promoted once more: see below.
void expect_that_a_parameter_restarts_nothing() {
  std::map<NodeName, std::string> before;
  for (const auto& node : all_nodes()) before[node] = F::started_at(node);
  const auto is_none_restarted = [&] {
    return std::all_of(before.begin(), before.end(),
                       [](const auto& server) { return F::started_at(server.first) == server.second; });
  };
  set_maxlag("100000000");
  EXPECT_TRUE(holds_for(seconds(10), "no server is restarted", is_none_restarted));
  unset_maxlag();
  EXPECT_TRUE(holds_for(seconds(5), "no server is restarted", is_none_restarted));
}

void change_a_parameter(F& f) {
  expect_that_a_parameter_restarts_nothing();
  EXPECT_TRUE(f.events(" pgsqld +(start|stop|demote) ").empty());
  f.expect_same_primary();
  f.expect_outage_of_at_most(2);
}

/// Pacemaker forgets the failure because of the change, and computes anew while the instances are reloaded: the monitor
/// that told that this is the primary has been cancelled, so it orders to promote it.
void change_a_parameter_after_a_crash(F& f) {
  const auto before = F::started_at(f.primary());
  f.expect_failures_of(f.primary());
  f.kill_postmaster(f.primary());
  F::expect_started_again(f.primary(), before);
  f.expect_same_primary();
  expect_that_a_parameter_restarts_nothing();
  f.expect_same_primary();
}

void clean_up_during_a_switchover(F& f) {
  const auto designated = f.any_standby();
  F::move_primary_to(designated);
  F::order({"crm_resource", "--cleanup"});
  F::order({"crm_resource", "--refresh"});
  EXPECT_TRUE(F::stable_with_primary(designated));
  F::clear_moves();
}

// ---- replication

void pause_replay_and_power_off_the_primary(F& f) {
  f.expect_loss_of_the_last_second();
  for (const auto& standby : f.standbys()) F::lab().sql(standby, "select pg_wal_replay_pause()");
  f.power_off(f.primary());
  f.expect_other_primary();
  for (const auto& standby : f.standbys()) {
    static_cast<void>(F::lab().try_sql(standby, "select pg_wal_replay_resume()"));
  }
}

void archive_from_the_primary(F& f) {
  const Background archiver(
      F::lab().exec_command(f.primary(), {"runuser", "-u", "postgres", "--", "sh", "-c",
                                          "mkdir -p /tmp/archive && exec " + kPrograms +
                                              "pg_receivewal -D /tmp/archive -h 127.0.0.1 -U postgres"}),
      F::kept_file("archiver.out"));
  f.expect_nothing_for(seconds(20));
  f.expect_same_primary();
  f.expect_outage_of_at_most(2);
}

void power_off_the_primary_with_one_standby_behind(F& f) {
  const auto behind = f.standbys().front();
  f.expect_loss_of_the_last_second();
  set_maxlag("1000000");
  EXPECT_EQ(F::signal(behind, "STOP", F::server_process(behind, "walreceiver")), 1);
  F::lab().sql(f.primary(),
               "create table ballast as select repeat('x', 1000) from generate_series(1, 5000); drop table ballast");
  EXPECT_TRUE(within(seconds(45), behind + " is out of the race",
                     [&] { return F::lab().view().nodes.at(behind).score.value_or(-1) < 0; }));
  f.power_off(f.primary());
  EXPECT_TRUE(within(seconds(90), "the other standby is promoted",
                     [&] { return F::lab().view().primary() == f.the_other_standby(behind); }));
  F::signal(behind, "CONT", F::server_process(behind, "walreceiver"));
  unset_maxlag();
}

void kill_a_standby_and_power_off_the_primary(F& f) {
  const auto standby = f.any_standby();
  f.expect_failures_of(standby);
  // Until the next monitor the cluster believes that the dead one runs, and its vote is missed.
  f.expect_failed_action(f.the_other_standby(standby), "promote");
  f.expect_loss_of_the_last_second();
  F::kill_postmaster(standby);
  f.power_off(f.primary());
  EXPECT_TRUE(within(seconds(90), "the standby that lives is promoted",
                     [&] { return F::lab().view().primary() == f.the_other_standby(standby); }));
}

std::vector<Fault> common_faults() {
  return {
      {"APrimaryThatIsKilledIsRecoveredInPlace", "SIGKILL to the primary's postmaster", "recovered in place",
       kill_primary},
      {"APrimaryThatIsKilledAtTheThresholdIsReplaced", "SIGKILL to the primary's postmaster, migration-threshold 1",
       "failover, nobody is fenced", kill_primary_at_the_threshold},
      {"APrimaryThatIsKilledTwiceIsReplaced", "SIGKILL to the primary's postmaster twice, migration-threshold 2",
       "recovered in place, then failover", kill_primary_twice},
      {"AnOrphanOfAKilledPrimaryIsInNobodysWay", "SIGKILL to the primary's postmaster while a process of it is frozen",
       "recovered in place", kill_primary_and_keep_an_orphan},
      {"APrimaryThatIsFrozenIsFencedAndReplaced", "SIGSTOP to the primary's postmaster",
       "fenced once demote and stop have had their time, failover", freeze_primarys_postmaster},
      {"AStandbyThatReplaysNothingIsLeftAlone", "SIGSTOP to a standby's startup process", "nothing",
       freeze_standbys_startup_process},
      {"APrimaryThatLosesABackendIsRecoveredInPlace", "SIGKILL to a backend, restart_after_crash = off",
       "recovered in place", kill_a_backend},
      {"APrimaryThatLosesItsCheckpointerIsRecoveredInPlace", "SIGKILL to the checkpointer", "recovered in place",
       kill_the_checkpointer},
      {"APrimaryThatLosesItsWalWriterIsRecoveredInPlace", "SIGKILL to the WAL writer", "recovered in place",
       kill_the_walwriter},
      {"APrimaryThatRestartsItselfIsLeftAlone", "SIGKILL to the WAL writer, restart_after_crash = on", "nothing",
       let_the_primary_restart_itself},
      {"AStandbyThatIsKilledIsRecoveredInPlace", "SIGKILL to a standby's postmaster", "recovered in place",
       kill_standby},
      {"AStandbyThatLosesItsWalReceiverStreamsAgain", "SIGKILL to the WAL receiver", "the primary is untouched",
       kill_walreceiver},
      {"TheDeathOfBothStandbysLeavesThePrimaryAlone", "SIGKILL to both standbys' postmasters",
       "the primary is untouched", kill_both_standbys},
      {"APrimaryThatAnAdministratorStopsIsStartedAgain", "pg_ctl stop on the primary", "a primary without loss",
       stop_primary_by_hand},
      {"AMonitorOfAStandbyThatIsKilledTouchesNoPrimary", "SIGKILL to the agent during the monitor of a standby",
       "the standby is recovered", kill_agent_in_monitor_of_a_standby},
      {"AMonitorOfThePrimaryThatIsKilledIsRecoveredFrom", "SIGKILL to the agent during the primary's monitor",
       "a primary without loss", kill_agent_in_monitor_of_the_primary},
      {"ADemotionThatIsKilledIsRecoveredFrom", "SIGKILL to the agent during demote", "a primary without loss",
       kill_agent_in_demote},
      {"APromotionThatIsKilledIsRecoveredFrom", "SIGKILL to the agent during promote", "a primary without loss",
       kill_agent_in_promote},
      {"AStopThatIsKilledIsFenced", "SIGKILL to the agent during the stop of a standby", "the standby is fenced",
       kill_agent_in_stop},
      {"ABrokenConfigurationConcernsItsStandbyOnly", "a standby with a broken postgresql.conf is killed",
       "refused there, the primary is untouched", break_the_configuration_of_a_standby},
      {"AFileSystemThatIsNotMountedConcernsItsStandbyOnly", "a standby is killed and its file system gone",
       "refused there, the primary is untouched", unmount_the_data_of_a_standby},
      {"APrimaryWithoutRoomForWalIsReplaced", "the primary's pg_wal full", "failover", fill_the_wal_of_the_primary},
      {"AStandbyWithoutRoomForWalIsNotMissed", "a standby's pg_wal full",
       "no score above 0 for it, the primary is untouched", fill_the_wal_of_a_standby},
      {"ASaturatedPrimaryIsAlive", "all connections of the primary taken for 35 s", "nothing", saturate_the_primary},
      {"ASaturatedStandbyIsAlive", "all connections of a standby taken for 35 s", "nothing", saturate_a_standby},
      {"ABusyMachineFailsNoMonitor", "8 busy loops on 2 processors for 40 s", "nothing", keep_the_machine_busy},
      {"AnIsolatedPrimaryIsFencedAndReplaced", "the primary's node cut off from all", "fenced, failover",
       isolate_the_primary},
      {"AnIsolatedStandbyIsFenced", "a standby's node cut off from all", "fenced, the primary is untouched",
       isolate_a_standby},
      {"NobodyIsPromotedBeforeThePrimaryIsFenced", "the primary's node cut off while fencing fails for 20 s",
       "no promotion until it is fenced", isolate_the_primary_while_fencing_fails},
      {"APrimaryWithoutReplicationGoesOn", "replication cut, the cluster's network whole",
       "scores below 0, no failover", cut_replication, true},
      {"ACutBetweenTwoNodesLeavesOnePrimary", "all traffic cut between the primary and one standby",
       "one of the two is fenced, or nothing is decided until the network is whole", cut_one_pair},
      {"APrimaryThatHearsNobodyLeavesOnePrimary", "all traffic from the standbys' nodes to the primary's cut, one way",
       "fenced, or nothing is decided until the network is whole", make_the_primary_deaf},
      {"AFlappingNetworkLeavesOnePrimary",
       "all traffic cut between the primary and one standby, and healed at once, five times", "a primary without loss",
       let_the_network_flap},
      {"APrimaryWithoutPowerIsReplaced", "the primary's node powered off", "fenced, failover", power_off_the_primary},
      {"APrimaryThatLosesItsPowerForAMomentLeavesOnePrimary", "the primary's node powered off and on at once",
       "a primary without loss", power_cycle_the_primary},
      {"AStandbyWithoutPowerIsNotMissed", "a standby's node powered off", "fenced, the primary is untouched",
       power_off_a_standby},
      {"APrimaryWithoutQuorumIsStopped", "both standbys' nodes powered off", "the primary is stopped until they return",
       power_off_both_standbys},
      {"ACandidateThatLosesItsPowerLeavesNoSecondPrimary",
       "the primary's node powered off, and the first standby's during the election", "a primary once there is quorum",
       power_off_the_primary_and_the_candidate},
      {"TwoDivergedNodesAreRefusedUntilOneHasFailedTooOften",
       "the primary's WAL senders frozen, its node powered off, and its successor's before the promotion is scored",
       "both have diverged and are refused until one has failed too often: then the other is the primary",
       power_off_the_primary_and_its_successor_unscored, true},
      {"AfterAPowerLossOfAllTheMostWalWins", "all nodes powered off and on again in any order",
       "a primary without loss", power_off_all},
      {"AnOldPrimaryThatIsBackIsNotPromotedAgain",
       "the primary's node powered off and on, its successor's powered off as soon as the former is back",
       "the third node is promoted", power_off_the_primary_and_its_successor_when_it_is_back},
      {"AFrozenPrimarysNodeIsFencedAndReplaced", "the primary's node frozen", "fenced, failover",
       freeze_the_primarys_node},
      {"AFrozenStandbysNodeIsFenced", "a standby's node frozen", "fenced, the primary is untouched",
       freeze_a_standbys_node},
      {"AKilledCorosyncIsSurvived", "SIGKILL to corosync on any node", "fenced, one primary", kill_corosync},
      {"AKilledPacemakerdIsSurvived", "SIGKILL to pacemakerd on any node", "one primary", kill_pacemakerd},
      {"AKilledControllerIsSurvived", "SIGKILL to pacemaker-controld on any node", "respawned or fenced, one primary",
       kill_controld},
      {"AKilledAttributeManagerIsSurvived", "SIGKILL to pacemaker-attrd on any node",
       "respawned or fenced, one primary", kill_attrd},
      {"AKilledCibManagerIsSurvived", "SIGKILL to pacemaker-based on any node", "respawned or fenced, one primary",
       kill_based},
      {"AKilledExecutorIsSurvived", "SIGKILL to pacemaker-execd on any node", "respawned or fenced, one primary",
       kill_execd},
      {"AKilledSchedulerIsSurvived", "SIGKILL to pacemaker-schedulerd on any node", "respawned or fenced, one primary",
       kill_schedulerd},
      {"AKilledFencerIsSurvived", "SIGKILL to pacemaker-fenced on any node", "respawned or fenced, one primary",
       kill_fenced},
      {"AFrozenAttributeManagerFailsNoMonitor", "SIGSTOP to the primary's pacemaker-attrd for 35 s", "nothing",
       freeze_attrd_of_the_primary},
      {"ASwitchoverLosesNothing", "the primary moved to a standby", "switchover", move_to_a_standby},
      {"AnArchiveBacklogHoldsUpNoSwitchover", "archive_command hangs, and the primary moved to a standby",
       "switchover within 30 s, nobody is fenced", move_from_an_archive_backlog},
      {"ALogicalConsumerHoldsUpNoSwitchover",
       "a logical consumer that confirms nothing on the primary, which is moved to a standby",
       "switchover within 30 s, nobody is fenced", move_from_a_logical_consumer},
      {"SwitchoversToAndFroLoseNothing", "the primary moved around twice", "switchovers", move_to_and_fro},
      {"AStandbysNodeInStandbyIsNotMissed", "a standby's node put into standby and back", "the primary is untouched",
       node_standby},
      {"ThePrimarysNodeInStandbyIsASwitchover", "the primary's node put into standby and back", "switchover",
       put_the_primarys_node_into_standby},
      {"AVirtualIpThatIsTakenAwayConcernsNoServer", "the virtual IP deleted from the primary's node",
       "it is put back, the primary is untouched", take_the_virtual_ip_away},
      {"InMaintenanceNothingHappensUntilItEnds", "the primary killed in maintenance mode", "recovered afterwards",
       kill_primary_in_maintenance},
      {"APromotionByForceIsTakenBack", "crm_resource --force-promote on a standby",
       "the standby is demoted by the next monitor, the primary is untouched", promote_a_standby_by_force},
      {"AChangedParameterRestartsNothing", "maxlag set and unset", "nothing is restarted", change_a_parameter},
      {"AParameterChangedAfterACrashRestartsNothing",
       "the primary's postmaster killed; once it is back, maxlag set and unset",
       "recovered in place, then nothing is restarted", change_a_parameter_after_a_crash},
      {"ACleanupDuringASwitchoverHarmsNothing", "cleanup and refresh in the middle of a switchover", "switchover",
       clean_up_during_a_switchover},
      {"AnArchiverIsNoStandby", "pg_receivewal connected to the primary", "nothing", archive_from_the_primary},
      {"AStandbyWhoseReplayIsPausedCanBePromoted", "replay paused on both standbys, the primary's node powered off",
       "failover", pause_replay_and_power_off_the_primary},
      {"TheStandbyThatLivesIsPromoted", "a standby killed and the primary's node powered off", "failover to the other",
       kill_a_standby_and_power_off_the_primary},
      {"AStandbyBehindMaxlagIsNotPromoted",
       "a standby's WAL receiver frozen, more written than maxlag allows, the primary's node powered off",
       "failover to the other", power_off_the_primary_with_one_standby_behind},
  };
}

}  // namespace

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> faults = [] {
    auto all = common_faults();
    for (const auto& more : {election_faults(), five_node_faults(), remote_faults()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return faults;
}

}  // namespace pgsqlms::scenario
