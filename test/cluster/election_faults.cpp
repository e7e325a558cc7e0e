// SPDX-License-Identifier: PostgreSQL
// Faults that ask who may become the primary, and whether a healthy one is left alone: each gives the wrong node a
// reason to be chosen.
#include <algorithm>

#include "fault_means.hpp"
#include "faults.hpp"

namespace pgsqlms::scenario {
namespace {

using F = FaultScenario;

constexpr int kNever = -1000000;

int score_of(const NodeName& node) { return F::lab().view().nodes.at(node).score.value_or(0); }

// ---- a primary that nobody has asked for

/// The old primary's node is on again, and its PostgreSQL up as it was, as by a unit that nobody has disabled.
void boot_as_a_primary(const NodeName& node) {
  F::lab().call({"power", "on", node, "--no-cluster"});
  F::lab().exec(node, {"runuser", "-u", "postgres", "--", kPrograms + "pg_ctl", "-D", kData, "-w", "-l",
                       "/var/log/postgresql/startup.log", "-o", "-c config_file=" + kConfiguration, "start"});
  EXPECT_EQ(F::lab().try_sql(node, "select pg_is_in_recovery()"), "f");
}

::testing::AssertionResult is_no_primary_any_more(const NodeName& node) {
  return within(seconds(60), "the instance that came up as a primary on " + node + " is stopped or demoted", [&] {
    return F::lab().view().nodes.at(node).role != "promoted" &&
           F::lab().try_sql(node, "select pg_is_in_recovery()") != "f";
  });
}

/// It has written what no other node has, and is made anew once its server has said so: mend() sees to that.
void start_as_a_diverged_standby(const NodeName& node) {
  EXPECT_LE(score_of(node), 0);
  F::order({"crm_resource", "--cleanup", "--node", node});
}

/// Fails over, so that the node that was the primary is off, and tells the new one.
NodeName lose_the_primary(F& f) {
  f.expect_loss_of_the_last_second();
  f.power_off(f.primary());
  f.expect_other_primary();
  const auto successor = F::lab().view().primary();
  EXPECT_TRUE(F::stable_with_primary(successor, 1));
  return successor;
}

void boot_the_old_primary_as_a_primary(F& f) {
  const auto rogue = f.primary();
  const auto successor = lose_the_primary(f);
  const auto before = F::started_at(successor);
  const LogMark rogues_log(F::lab(), rogue, "syslog");
  f.expect_a_primary_made_by_hand();
  f.expect_failures_of(rogue);
  boot_as_a_primary(rogue);
  F::lab().call({"cluster", "start", rogue});
  EXPECT_TRUE(
      within(seconds(60), rogue + " is a member again", [&] { return F::lab().view().nodes.at(rogue).online; }));
  ASSERT_TRUE(is_no_primary_any_more(rogue));
  ASSERT_EQ(F::lab().view().primary(), successor);
  EXPECT_EQ(F::started_at(successor), before);
  EXPECT_TRUE(f.events(successor + " +pgsqld +(demote|stop) ").empty());
  EXPECT_FALSE(rogues_log.lines_with(rogue + " ran as a primary").empty()) << "the agent does not name it";
  start_as_a_diverged_standby(rogue);
  f.expect_outage_of_at_most(15);
}

/// Only who has followed the primary that is lost may come after it. Until that one is fenced, nobody does.
void boot_the_old_primary_as_a_primary_while_the_new_one_is_lost(F& f) {
  const auto rogue = f.primary();
  const auto successor = lose_the_primary(f);
  const auto last = f.the_other_standby(successor);
  f.expect_a_primary_made_by_hand();
  f.expect_failures_of(rogue);
  f.expect_failures_of(last);
  f.expect_fencing_of(successor);
  boot_as_a_primary(rogue);
  F::lab().call({"fencing", "fail"});
  F::lab().call({"partition", successor});
  F::lab().call({"cluster", "start", rogue});
  EXPECT_TRUE(
      within(seconds(60), rogue + " is a member again", [&] { return F::lab().view().nodes.at(rogue).online; }));
  EXPECT_TRUE(holds_for(seconds(20), "nobody is promoted", [&] {
    return f.events(rogue + " +pgsqld +promote ").empty() && f.events(last + " +pgsqld +promote ").empty();
  }));
  F::lab().call({"fencing", "ok"});
  ASSERT_TRUE(within(seconds(180), last + " is promoted", [&] { return F::lab().view().primary() == last; }));
  ASSERT_TRUE(is_no_primary_any_more(rogue));
  start_as_a_diverged_standby(rogue);
}

/// It has more WAL than anybody, but of its own.
void promote_a_standby_by_hand_and_power_off_the_primary(F& f) {
  const auto rogue = f.standbys().front();
  const auto follower = f.standbys().back();
  f.acknowledge_only_what_one_standby_has();
  f.expect_a_primary_made_by_hand();
  for (const auto& standby : f.standbys()) f.expect_failures_of(standby);
  // At once: its next monitor takes it down.
  F::lab().exec(rogue, {"runuser", "-u", "postgres", "--", "psql", "-Xv", "ON_ERROR_STOP=1", "-c",
                        "select pg_promote()", "-c", "set synchronous_commit = local", "-c",
                        "create table only_here as select repeat('x', 1000) from generate_series(1, 2000)"});
  EXPECT_TRUE(f.acknowledges_more(50));
  const auto former = f.primary();
  f.power_off(former);
  ASSERT_TRUE(within(seconds(120), follower + " is promoted", [&] { return F::lab().view().primary() == follower; }));
  ASSERT_TRUE(is_no_primary_any_more(rogue));
  f.bring_back(former);  // the quorum needs it while the next one is made anew
  // Both timelines have one number, so that PostgreSQL lets it stream what does not continue its own.
  F::rebuild(rogue);
}

// ---- a standby that lacks acknowledged commits

void expect_a_primary_after_a_cleanup() {
  F::lab().call({"heal"});
  F::order({"crm_resource", "--cleanup"});
  EXPECT_TRUE(within(seconds(120), "there is a primary again", [] { return !F::lab().view().primary().empty(); }));
}

/// A standby comes back after an absence and has not got a byte yet.
void bring_back_without_replication(const F& f, const NodeName& standby) {
  F::lab().call({"cut", f.primary(), standby, "--only", "postgres"});
  F::lab().call({"power", "on", standby});
  EXPECT_TRUE(within(seconds(60), standby + " is there again", [&] {
    return F::lab().view().nodes.at(standby).role == "unpromoted" &&
           F::lab().try_sql(standby, "select pg_is_in_recovery()") == "t";
  }));
}

void leave_for_a_while(F& f, const NodeName& standby) {
  f.power_off(standby);
  EXPECT_TRUE(within(seconds(60), standby + " is out", [&] { return !F::lab().view().nodes.at(standby).online; }));
  EXPECT_TRUE(f.acknowledges_more(50));
}

/// PostgreSQL ends there and cannot be started again, so that sooner or later nobody counts with it any more.
void lose_the_server_for_good(const NodeName& node) {
  break_the_configuration(node);
  F::kill_postmaster(node);
}

/// The node of the acknowledging standby is lost, and the primary's server.
void lose_the_acknowledging_standbys_node(F& f) {
  const auto back = f.standbys().front();
  const auto acknowledging = f.standbys().back();
  f.acknowledge_only_what_one_standby_has();
  f.expect_failures_of(f.primary());
  f.expect_failures_of(back);
  leave_for_a_while(f, back);
  bring_back_without_replication(f, back);
  f.power_off(acknowledging);
  lose_the_server_for_good(f.primary());
  ASSERT_TRUE(is_nobody_promoted(f, "without the commits that " + back + " has not got"));
  F::lab().call({"power", "on", acknowledging});
  mend_the_configuration(f.primary());
  expect_a_primary_after_a_cleanup();
}

/// The other way round.
void lose_the_acknowledging_standbys_server(F& f) {
  const auto back = f.standbys().front();
  const auto acknowledging = f.standbys().back();
  f.acknowledge_only_what_one_standby_has();
  f.expect_failures_of(acknowledging);
  f.expect_failures_of(back);
  leave_for_a_while(f, back);
  bring_back_without_replication(f, back);
  lose_the_server_for_good(acknowledging);
  f.power_off(f.primary());
  ASSERT_TRUE(is_nobody_promoted(f, "without the commits that " + back + " has not got"));
  mend_the_configuration(acknowledging);
  expect_a_primary_after_a_cleanup();
}

/// No standby gets what the primary acknowledges from now on. That they lack it must be known to each of them, however
/// often one was refused.
void keep_commits_from_the_standbys(F& f) {
  for (const auto& standby : f.standbys()) f.expect_failures_of(standby);
  for (const auto& standby : f.standbys()) F::lab().call({"cut", f.primary(), standby, "--only", "postgres"});
  for (const auto& standby : f.standbys()) EXPECT_TRUE(has_more_wal_than(f.primary(), standby));
}

void stop_the_primary_with_commits_of_its_own(F& f) {
  keep_commits_from_the_standbys(f);
  put_into_standby(f.primary());
  EXPECT_TRUE(within(seconds(90), "PostgreSQL is stopped on " + f.primary(),
                     [&] { return F::lab().view().nodes.at(f.primary()).role == "stopped"; }));
  ASSERT_TRUE(is_nobody_promoted(f, "without the end of " + f.primary()));
  take_out_of_standby(f.primary());
  expect_a_primary_after_a_cleanup();
}

/// Past Pacemaker, which finds it stopped and has nothing to demote.
void stop_the_primary_by_hand_with_commits_of_its_own(F& f) {
  f.expect_failures_of(f.primary());
  F::set_meta("migration-threshold", "1");
  keep_commits_from_the_standbys(f);
  F::stop_postgres_by_hand(f.primary());
  EXPECT_TRUE(within(seconds(60), "the cluster has noticed it",
                     [&] { return F::lab().view().nodes.at(f.primary()).role == "stopped"; }));
  ASSERT_TRUE(is_nobody_promoted(f, "without the end of " + f.primary()));
  F::delete_meta("migration-threshold");
  expect_a_primary_after_a_cleanup();
}

// ---- commits that were received and cannot be replayed

void remove_setting(const NodeName& node, const std::string& name) {
  F::lab().exec(node, {"sed", "-i", "/^" + name + " *=/d", kConfiguration});
}

void set_setting(const NodeName& node, const std::string& name, const std::string& value) {
  remove_setting(node, name);
  F::lab().exec(node, {"sh", "-c", "echo \"$1\" >> \"$0\"", kConfiguration, name + " = " + value});
}

/// As it is left behind by who has restored one day, and copied from node to node.
void leave_a_recovery_target_behind(F& f) {
  f.acknowledge_only_what_one_standby_has();
  for (const auto& standby : f.standbys()) stop_on_node(standby);
  const auto past = F::lab().sql(f.primary(), "select now()");
  for (const auto& node : all_nodes()) set_setting(node, "recovery_target_time", "'" + past + "'");
  for (const auto& standby : f.standbys()) take_out_of_standby(standby);
  // Before the primary has counted them, nobody would follow it.
  for (const auto& standby : f.standbys()) {
    EXPECT_TRUE(within(seconds(60), standby + " streams and may be promoted", [&] {
      return F::streams(standby, f.primary()) && F::lab().view().nodes.at(standby).score.value_or(-1) > 0;
    }));
  }
  EXPECT_TRUE(f.acknowledges_more(100));
  f.power_off(f.primary());
  f.expect_other_primary();
  F::lab().call({"power", "on", f.primary(), "--no-cluster"});
  for (const auto& node : all_nodes()) remove_setting(node, "recovery_target_time");
  F::lab().call({"cluster", "start", f.primary()});
}

/// The standby has received what was acknowledged, and its tables lack it.
void pause_replay_of_the_best_standby(F& f) {
  const auto paused = f.standbys().front();
  f.acknowledge_only_what_one_standby_has();
  F::lab().sql(paused, "select pg_wal_replay_pause()");
  freeze_the_wal_sender_to(f, f.standbys().back());
  EXPECT_TRUE(has_more_wal_than(paused, f.standbys().back()));
  EXPECT_TRUE(f.acknowledges_more(50));
  f.power_off(f.primary());
  EXPECT_TRUE(within(seconds(90), paused + " is promoted", [&] { return F::lab().view().primary() == paused; }));
}

/// The standbys stop their replay at the primary's new setting, and cannot be promoted below it.
void raise_a_setting_on_the_primary_only(F& f) {
  const std::string setting = "max_locks_per_transaction";
  const auto raised = std::to_string(std::stoi(F::lab().sql(f.primary(), "show " + setting)) + 1);
  f.acknowledge_only_what_one_standby_has();
  const auto before = F::started_at(f.primary());
  for (const auto& node : all_nodes()) f.expect_failures_of(node);
  set_setting(f.primary(), setting, raised);
  F::kill_postmaster(f.primary());
  f.expect_started_again(f.primary(), before);
  f.expect_same_primary();
  for (const auto& standby : f.standbys()) {
    EXPECT_TRUE(within(seconds(30), standby + " replays nothing more",
                       [&] { return F::lab().try_sql(standby, "select pg_is_wal_replay_paused()") == "t"; }));
  }
  EXPECT_TRUE(f.acknowledges_more(50));
  F::set_meta("migration-threshold", "1");
  f.power_off(f.primary());
  f.expect_other_primary();
  F::delete_meta("migration-threshold");
  // The other one goes on with its WAL when it is started anew with enough.
  const auto other = f.the_other_standby(F::lab().view().primary());
  set_setting(other, setting, raised);
  stop_on_node(other);
  take_out_of_standby(other);
  set_setting(F::lab().view().primary(), setting, raised);
}

/// PostgreSQL takes no sessions on a standby below it, and after a crash nobody ends it.
void power_off_all_below_many_subtransactions(F& f) {
  F::lab().sql(f.primary(), "create table uncommitted (n int)");
  const Background open(
      F::lab().exec_command(f.primary(),
                            {"runuser", "-u", "postgres", "--", "psql", "-Xc",
                             "begin; do $$ begin for i in 1 .. 100 loop begin insert into uncommitted values (i); "
                             "exception when others then null; end; end loop; end $$; select pg_sleep(600)"}),
      F::kept_file("open.out"));
  EXPECT_TRUE(within(seconds(30), "the transaction is open", [&] {
    return F::lab().try_sql(f.primary(),
                            "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and "
                            "wait_event = 'PgSleep'") == "1";
  }));
  // So that the recovery of each begins below it.
  F::lab().sql(f.primary(), "checkpoint");
  const auto end = F::lab().sql(f.primary(), "select pg_current_wal_flush_lsn()");
  for (const auto& node : f.standbys()) {
    EXPECT_TRUE(within(seconds(10), node + " has replayed the checkpoint", [&] {
      return F::lab().try_sql(node, "select pg_last_wal_replay_lsn() >= '" + end + "'") == "t";
    }));
    F::lab().sql(node, "checkpoint");
  }
  std::vector<LogMark> logs;
  for (const auto& node : all_nodes()) logs.emplace_back(F::lab(), node, "syslog");
  EXPECT_TRUE(f.acknowledges_more(50));
  f.expect_loss_of_the_last_second();
  for (const auto& node : all_nodes()) {
    f.power_off(node);
    f.expect_failures_of(node);
  }
  for (const auto& node : all_nodes()) F::lab().call({"power", "on", node});
  EXPECT_TRUE(within(seconds(60), "there is a primary", [] { return !F::lab().view().primary().empty(); }));
  EXPECT_TRUE(std::any_of(logs.begin(), logs.end(), [](const auto& log) {
    return !log.lines_with("the standby takes no sessions: it is restarted").empty();
  })) << "all of them took sessions, so nothing was tried here";
}

// ---- voters that cannot vote

/// Nobody is told of anything there, and its PostgreSQL may have what nobody else has.
void put_a_node_into_maintenance_and_power_off_the_primary(F& f) {
  const auto silent = f.any_standby();
  const auto candidate = f.the_other_standby(silent);
  f.expect_loss_of_the_last_second();
  F::set_meta("migration-threshold", "1");
  F::order({"crm_attribute", "--node", silent, "--name", "maintenance", "--update", "true"});
  F::order({"crm_resource", "--wait", "--timeout", "30"});
  f.power_off(f.primary());
  static_cast<void>(
      within(seconds(40), candidate + " is promoted", [&] { return F::lab().view().primary() == candidate; }));
  F::order({"crm_attribute", "--node", silent, "--name", "maintenance", "--delete"});
  if (f.is_synchronous()) {
    // What was acknowledged may be with the silent one alone. The refusal counts as a failure, and this threshold is 1.
    F::delete_meta("migration-threshold");
    F::order({"crm_resource", "--cleanup"});
  }
  f.expect_other_primary();
  F::delete_meta("migration-threshold");
  EXPECT_TRUE(f.is_synchronous() || f.events(candidate + " +pgsqld +stop ").empty()) << "the candidate was given up";
}

/// Until its next monitor the cluster believes that the dead server runs.
void kill_a_standby_at_the_threshold_and_power_off_the_primary(F& f) {
  const auto dead = f.any_standby();
  const auto candidate = f.the_other_standby(dead);
  f.expect_failures_of(dead);
  f.expect_loss_of_the_last_second();
  F::set_meta("migration-threshold", "1");
  F::kill_postmaster(dead);
  f.power_off(f.primary());
  const auto is_promoted =
      within(seconds(90), candidate + " is promoted", [&] { return F::lab().view().primary() == candidate; });
  // What was acknowledged may be with the dead one alone.
  EXPECT_TRUE(f.is_synchronous() || is_promoted) << is_promoted.message();
  // A refused promotion counts as a failure, and this threshold is 1.
  EXPECT_TRUE(f.is_synchronous() || f.events(candidate + " +pgsqld +stop ").empty()) << "the candidate was given up";
  F::delete_meta("migration-threshold");
  F::order({"crm_resource", "--cleanup"});
  f.expect_other_primary();
}

/// The node that an administrator wants no primary on is the only one with the last commit.
void power_off_the_primary_when_the_best_standby_is_banned(F& f) {
  const auto banned = f.standbys().front();
  const auto behind = f.standbys().back();
  f.acknowledge_only_what_one_standby_has();
  f.expect_failed_action(behind, "promote");
  F::order({"crm_resource", "--ban", "--resource", "pgsql-ha", "--promoted", "--node", banned});
  freeze_the_wal_sender_to(f, behind);
  EXPECT_TRUE(has_more_wal_than(banned, behind));
  EXPECT_TRUE(f.acknowledges_more(10));
  f.power_off(f.primary());
  EXPECT_TRUE(within(seconds(60), "somebody is promoted, or refused", [&] {
    return !F::lab().view().primary().empty() || !f.events(behind + " +pgsqld +promote +rc=[1-9]").empty();
  }));
  EXPECT_TRUE(holds_for(seconds(30), behind + " may be promoted one day", [&] { return score_of(behind) > kNever; }));
  F::clear_moves();
  f.expect_other_primary();
}

}  // namespace

std::vector<Fault> election_faults() {
  return {
      {"APrimaryThatNobodyAskedForIsNoPrimaryForLong",
       "the primary's node powered off and booted with its PostgreSQL up as a primary",
       "failover, the new primary is untouched, the old one stopped or demoted", boot_the_old_primary_as_a_primary},
      {"APrimaryThatNobodyAskedForComesAfterNobody",
       "the primary's node powered off and booted with its PostgreSQL up as a primary, its successor isolated while "
       "fencing fails for 20 s",
       "no promotion until it is fenced, then the third node is promoted",
       boot_the_old_primary_as_a_primary_while_the_new_one_is_lost},
      {"WhoFollowedThePrimaryComesAfterIt",
       "a standby promoted by hand, and the primary's node powered off; synchronous",
       "the other standby is promoted, the first one demoted", promote_a_standby_by_hand_and_power_off_the_primary},
      {"WhoJustReturnedIsNotPromotedWithoutTheAcknowledgingNode",
       "a standby's node off and back, the other's powered off and the primary killed for good; synchronous",
       "no promotion until the node is back", lose_the_acknowledging_standbys_node},
      {"WhoJustReturnedIsNotPromotedWithoutTheAcknowledgingServer",
       "a standby's node off and back, the other killed for good and the primary's node powered off; "
       "synchronous",
       "no promotion until the server is back", lose_the_acknowledging_standbys_server},
      {"TheEndOfThePrimaryIsKnownUntilSomebodyHasIt",
       "replication cut, the primary's node put into standby and back 40 s later", "no promotion until it is back",
       stop_the_primary_with_commits_of_its_own},
      {"TheEndOfAPrimaryThatIsStoppedByHandIsKnownToo", "replication cut, pg_ctl stop on the primary at the threshold",
       "no promotion until the failure is forgotten", stop_the_primary_by_hand_with_commits_of_its_own},
      {"ARecoveryTargetLeftBehindLosesNothing",
       "recovery_target_time in every configuration, the standbys restarted, then the primary's node powered off; "
       "synchronous",
       "failover", leave_a_recovery_target_behind},
      {"AStandbyWhoseReplayIsPausedIsPromotedWithAllItHasGot",
       "replay paused on the standby with the most WAL, the primary's node powered off; synchronous",
       "that standby is promoted", pause_replay_of_the_best_standby},
      {"AStandbyBelowThePrimarysSettingsIsPromoted",
       "max_locks_per_transaction raised on the primary only, then its node powered off, migration-threshold 1; "
       "synchronous",
       "failover", raise_a_setting_on_the_primary_only},
      {"AfterAPowerLossBelowManySubtransactionsThereIsAPrimary",
       "all nodes powered off and on while a transaction with 100 subtransactions is open", "a primary within 60 s",
       power_off_all_below_many_subtransactions},
      {"ANodeInMaintenanceBurnsNoCandidate",
       "a standby's node put into maintenance, the primary's powered off, migration-threshold 1",
       "failover, at the latest when the maintenance ends", put_a_node_into_maintenance_and_power_off_the_primary},
      {"ADeadVoterBurnsNoCandidate", "a standby killed and the primary's node powered off, migration-threshold 1",
       "failover to the other; where that may lack commits, once the failure is forgotten",
       kill_a_standby_at_the_threshold_and_power_off_the_primary},
      {"AStandbyThatMustNotBePromotedForbidsItToNobody",
       "no primary allowed on the node of the standby with the most WAL, the primary's powered off; synchronous",
       "nobody is promoted without that WAL, nobody is out of the race for good",
       power_off_the_primary_when_the_best_standby_is_banned},
  };
}

}  // namespace pgsqlms::scenario
