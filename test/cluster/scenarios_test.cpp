// SPDX-License-Identifier: PostgreSQL
// What a cluster must come through. Every case ends with the promises of ClusterScenario: never two writable primaries,
// no acknowledged commit lost, virtual IP on the primary, both standbys stream from it, scores 1001, 1000 and 990, no
// failed action but the injected one, nothing left behind.
#include <algorithm>
#include <regex>

#include "scenario.hpp"

namespace pgsqlms::scenario {
namespace {

const char* const kPostgresUser = "postgres";

TEST_F(ClusterScenario, ACleanStartWithoutScoresPromotesTheFormerPrimary) {
  const auto on_primary = [&](const Command& command) { lab().exec(primary(), command); };
  set_maintenance(true);
  std::vector<NodeName> primary_first = {primary()};
  primary_first.insert(primary_first.end(), standbys().begin(), standbys().end());
  for (const auto& node : primary_first) stop_postgres_by_hand(node);
  for (const auto& node : all_nodes()) {
    on_primary({"crm_attribute", "--name", "master-pgsqld", "--lifetime", "forever", "--node", node, "--delete"});
  }
  on_primary({"crm_resource", "--refresh", "--resource", "pgsqld"});
  ASSERT_TRUE(within(seconds(30), "the cluster knows that PostgreSQL is stopped everywhere and has no score", [&] {
    const auto view = lab().view();
    return std::all_of(all_nodes().begin(), all_nodes().end(), [&](const NodeName& node) {
      return view.nodes.at(node).role == "stopped" && !view.nodes.at(node).score;
    });
  }));

  const LogMark from_here_on(lab(), primary(), "pacemaker");
  set_maintenance(false);
  EXPECT_TRUE(stable_with_primary(primary()));
  const auto new_scores = from_here_on.lines_with("name=\"master-pgsqld\" value=");
  ASSERT_FALSE(new_scores.empty());
  // Nodes are numbered as they are named: srv1 is 1.
  const auto first_of_all =
      "nodes-" + primary().substr(primary().size() - 1) + "-master-pgsqld\" name=\"master-pgsqld\" value=\"1\"";
  EXPECT_NE(new_scores.front().find(first_of_all), std::string::npos) << new_scores.front();
  EXPECT_EQ(starts_of_postgres(primary()), 1);
}

TEST_F(ClusterScenario, AKilledStandbyIsRecoveredInPlaceAndThePrimaryIsUntouched) {
  const auto standby = standbys().front();
  const auto primary_was_started = started_at(primary());
  const auto standby_was_started = started_at(standby);
  expect_failed_action(standby, "monitor");

  kill_postmaster(standby);
  ASSERT_TRUE(was_started_again(standby, standby_was_started));
  EXPECT_TRUE(stable_with_primary(primary()));
  EXPECT_EQ(starts_of_postgres(standby), 1);
  EXPECT_EQ(started_at(primary()), primary_was_started);
  EXPECT_EQ(outages_longer_than(kLongestHiccup), 0);
}

TEST_F(ClusterScenario, AKilledPrimaryIsRecoveredInPlaceWithOneStart) {
  const auto was_started = started_at(primary());
  expect_failed_action(primary(), "monitor");

  kill_postmaster(primary());
  ASSERT_TRUE(was_started_again(primary(), was_started));
  EXPECT_TRUE(stable_with_primary(primary()));
  EXPECT_EQ(starts_of_postgres(primary()), 1);
  EXPECT_LE(outages_longer_than(kLongestHiccup), 1);
}

TEST_F(ClusterScenario, APoweredOffPrimaryIsFencedAndTheStandbyWithTheMostWalTakesOver) {
  acknowledge_only_what_one_standby_has();
  const auto fenced_before = fencings().at(primary());

  power_off(primary());
  ASSERT_TRUE(another_is_promoted());
  const auto successor = lab().view().primary();
  // The one that was not chosen can follow only if it had no more WAL than the chosen one.
  EXPECT_TRUE(stable_with_primary(successor, 1));
  EXPECT_TRUE(streams(the_other_standby(successor), successor));
  EXPECT_GT(fencings().at(primary()), fenced_before);

  bring_back(primary());
  EXPECT_TRUE(stable_with_primary(successor));
}

TEST_F(ClusterScenario, TheStandbyWithTheMostWalWinsAgainstAHigherScoreWithoutAFailedPromotion) {
  acknowledge_only_what_one_standby_has();
  const auto highest_scored = standbys().front();
  const auto most_wal = standbys().back();

  // Without its executor the primary's node runs no monitor any more: the scores stay as they are, whatever happens
  // now.
  lab().exec(primary(), {"sh", "-c", "kill -STOP $(pidof pacemaker-execd)"});
  ASSERT_TRUE(
      within(seconds(10), "the last monitor is over on " + primary(), [&] { return !agent_runs_on(primary()); }));
  lab().call({"cut", primary(), highest_scored, "--only", "postgres"});
  const auto received_before = lab().sql(highest_scored, "select pg_last_wal_receive_lsn()");
  lab().sql(primary(), "create table ballast as select repeat('x', 100) from generate_series(1, 20000)");
  const auto ballast = lab().sql(primary(), "select pg_current_wal_flush_lsn()");
  ASSERT_TRUE(within(seconds(10), most_wal + " has received what was written after the cut", [&] {
    return lab().sql(most_wal, "select pg_last_wal_receive_lsn() >= '" + ballast + "'") == "t";
  }));
  ASSERT_EQ(lab().sql(highest_scored, "select pg_last_wal_receive_lsn() < '" + ballast + "'"), "t") << received_before;
  const auto scores = lab().view().nodes;
  ASSERT_GT(scores.at(highest_scored).score, scores.at(most_wal).score);

  // A last record that nobody else has, so that the old primary cannot come back as it is.
  lab().call({"cut", primary(), most_wal, "--only", "postgres"});
  lab().sql(primary(), "set synchronous_commit = local; create table only_here ()");

  power_off(primary());
  lab().call({"heal"});
  EXPECT_TRUE(within(seconds(60), most_wal + " is promoted", [&] { return lab().view().primary() == most_wal; }));
  EXPECT_TRUE(stable_with_primary(most_wal, 1));
  EXPECT_EQ(events(" promote +rc=").size(), 1U) << "exactly one promotion is tried";

  EXPECT_EQ(bring_back(primary()), Return::rebuilt);
  EXPECT_TRUE(stable_with_primary(most_wal));
  lab().sql(most_wal, "drop table ballast");
}

TEST_F(ClusterScenario, AStandbyThatWasPromotedByHandIsNeverBelieved) {
  acknowledge_only_what_one_standby_has();
  expect_a_primary_made_by_hand();
  const auto by_hand = standbys().front();
  const auto other = standbys().back();
  expect_failed_action(by_hand, "monitor");

  EXPECT_EQ(lab().sql(by_hand, "select pg_promote()"), "t");
  ASSERT_TRUE(within(seconds(60), by_hand + " is a standby again, and out of the race", [&] {
    return lab().try_sql(by_hand, "select pg_is_in_recovery()") == "t" && lab().view().nodes.at(by_hand).score == -1000;
  }));
  EXPECT_EQ(lab().view().primary(), primary());

  // Its timeline has the higher number, its WAL ends where it left the primary's.
  power_off(primary());
  ASSERT_TRUE(within(seconds(60), other + " is promoted", [&] { return lab().view().primary() == other; }));
  EXPECT_EQ(events(" promote +rc=").size(), 1U) << "exactly one promotion is tried";
  EXPECT_GT(syslog(other).count(by_hand + " did not stream from the last primary"), 0);

  bring_back(primary());
  rebuild(by_hand);
  EXPECT_TRUE(stable_with_primary(other));
}

TEST_F(ClusterScenario, ASwitchoverUnderLoadLosesNoCommitAndTheOldPrimaryFollows) {
  lab().sql("vip", "create table load_of_switchover (id bigserial primary key, filler text)");
  const auto designated = standbys().back();
  {
    Background load(lab().exec_command(
                        primary(), {"runuser", "-u", kPostgresUser, "--", "psql", "-XAtqc",
                                    "do $$ begin loop insert into load_of_switchover (filler) select repeat('x', 500) "
                                    "from generate_series(1, 20); commit; perform pg_sleep(0.01); end loop; end $$"}),
                    kept_file("load.out"));
    ASSERT_TRUE(within(seconds(20), "the load is on",
                       [&] { return std::stol(lab().sql("vip", "select count(*) from load_of_switchover")) > 1000; }));
    move_primary_to(designated);
    EXPECT_TRUE(within(seconds(60), designated + " is promoted", [&] { return lab().view().primary() == designated; }));
  }
  EXPECT_TRUE(stable_with_primary(designated));
  clear_moves();
  EXPECT_TRUE(stable_with_primary(designated));
  EXPECT_TRUE(streams(primary(), designated));
  EXPECT_EQ(starts_of_postgres(primary()), 1);
  EXPECT_EQ(shutdowns_of_postgres(primary()), 1);
  EXPECT_LE(outages_longer_than(kLongestHiccup), 1);
  lab().sql(designated, "drop table load_of_switchover");
}

TEST_F(ClusterScenario, ASwitchoverToAStandbyThatLacksTheLastRecordIsCancelledWithBothPositions) {
  const auto designated = standbys().front();

  lab().call({"cut", primary(), designated, "--only", "postgres"});
  ASSERT_TRUE(within(seconds(20), designated + " falls behind", [&] {
    const auto written = lab().sql(primary(), "select pg_current_wal_flush_lsn()");
    return lab().sql(designated, "select pg_last_wal_receive_lsn() + 1000 < '" + written + "'") == "t";
  }));
  move_primary_to(designated);

  const std::regex both_positions("shut.*[0-9A-F]+/[0-9A-F]+.*[0-9A-F]+/[0-9A-F]+");
  std::string reason;
  EXPECT_TRUE(within(seconds(90), designated + " cancels the switchover for a reason that names both positions", [&] {
    for (const auto& line : syslog(designated).lines_with("pgsqlms(")) {
      if (std::regex_search(line, both_positions)) reason = line;
    }
    return !reason.empty();
  }));
  const auto old_primary_serves = [&] {
    return lab().view().primary() == primary() &&
           lab().try_sql("vip", "select current_setting('cluster_name')") == primary();
  };
  EXPECT_TRUE(within(seconds(90), primary() + " is the primary again", old_primary_serves));
  // The order to move and the cause of its refusal are still there: it must not be tried over and over.
  EXPECT_TRUE(holds_for(seconds(20), primary() + " stays the primary", old_primary_serves));
  EXPECT_EQ(events(" demote +rc=").size(), 1U);

  clear_moves();
  lab().call({"heal"});
  EXPECT_TRUE(stable_with_primary(primary()));
}

TEST_F(ClusterScenario, NodeStandbyOfThePrimarysNodeIsOneShutdownAndNoStart) {
  const auto successors = standbys();
  lab().exec(primary(), {"crm", "node", "standby", primary()});
  ASSERT_TRUE(another_is_promoted());
  const auto successor = lab().view().primary();
  EXPECT_TRUE(stable_with_primary(successor, 1));
  EXPECT_EQ(lab().view().nodes.at(primary()).role, "stopped");
  EXPECT_EQ(shutdowns_of_postgres(primary()), 1);
  EXPECT_EQ(starts_of_postgres(primary()), 0);

  lab().exec(successor, {"crm", "node", "online", primary()});
  EXPECT_TRUE(stable_with_primary(successor));
  EXPECT_EQ(starts_of_postgres(primary()), 1);
  EXPECT_LE(outages_longer_than(kLongestHiccup), 1);
}

TEST_F(ClusterScenario, ClusterStopOnThePrimarysNodeIsOneShutdownAndNoStart) {
  lab().call({"cluster", "stop", primary()});
  ASSERT_TRUE(another_is_promoted());
  const auto successor = lab().view().primary();
  EXPECT_TRUE(stable_with_primary(successor, 1));
  EXPECT_EQ(shutdowns_of_postgres(primary()), 1);
  EXPECT_EQ(starts_of_postgres(primary()), 0);

  lab().call({"cluster", "start", primary()});
  EXPECT_TRUE(
      within(seconds(60), primary() + " is a member again", [&] { return lab().view().nodes.at(primary()).online; }));
  EXPECT_TRUE(stable_with_primary(successor));
  EXPECT_EQ(starts_of_postgres(primary()), 1);
  EXPECT_LE(outages_longer_than(kLongestHiccup), 1);
}

TEST_F(ClusterScenario, ThePrimaryStaysTheOneThoughPacemakerTakesItForAStandbyWhenMaintenanceEnds) {
  const auto by_hand = [&](const std::string& action) {
    lab().exec(primary(), {"crm_resource", "--resource", "pgsqld", "--force-" + action, "--force"});
  };
  set_maintenance(true);
  by_hand("demote");
  order({"crm_resource", "--refresh", "--resource", "pgsqld", "--node", primary()});
  ASSERT_TRUE(within(seconds(30), "the cluster takes it for a standby",
                     [&] { return lab().view().nodes.at(primary()).role == "unpromoted"; }));
  by_hand("promote");
  ASSERT_TRUE(within(seconds(60), "the standbys stream",
                     [&] { return streams(standbys().front(), primary()) && streams(standbys().back(), primary()); }));
  const auto was_started = started_at(primary());

  // It writes on, and the others vote after it: they have more WAL by then.
  const auto* const message = "select pg_logical_emit_message(true, 'busy', repeat('x', 1000)), pg_sleep(0.001);";
  Background busy(lab().exec_command(primary(), {"sh", "-c",
                                                 std::string("yes \"") + message +
                                                     "\" | runuser -u postgres -- psql -q -o /dev/null"}),
                  kept_file("busy"));
  for (const auto& node : standbys()) signal_postmaster(node, "STOP");
  const LogMark from_here_on(lab(), primary(), "syslog");
  set_maintenance(false);
  EXPECT_TRUE(within(seconds(20), "it has voted", [&] { return from_here_on.count("voting with ") > 0; }));
  for (const auto& node : standbys()) signal_postmaster(node, "CONT");
  EXPECT_TRUE(stable_with_primary(primary()));
  busy.end();
  EXPECT_FALSE(events(primary() + " +pgsqld +promote +rc=0").empty());
  EXPECT_EQ(started_at(primary()), was_started);
  EXPECT_EQ(events(" promote +rc=").size(), events(primary() + " +pgsqld +promote +rc=0").size());
}

TEST_F(ClusterScenario, ActionsForcedByHandDoWhatTheySayAndManagementGivenBackIsStable) {
  const auto standby = standbys().front();
  const auto force = [&](const NodeName& node, const std::string& action) {
    return lab().try_exec(node, {"crm_resource", "--resource", "pgsqld", "--force-" + action, "--force"}).code;
  };
  constexpr int kSuccess = 0;
  constexpr int kNotRunning = 7;
  constexpr int kRunningPromoted = 8;

  lab().exec(primary(), {"crm_resource", "--resource", "pgsql-ha", "--meta", "--set-parameter", "is-managed",
                         "--parameter-value", "false"});
  lab().exec(primary(), {"crm_resource", "--wait", "--timeout", "30"});
  EXPECT_EQ(force(primary(), "check"), kRunningPromoted);
  EXPECT_EQ(force(standby, "check"), kSuccess);

  // A recurring monitor may come just now, and a cleanup does not always take back what it has found.
  expect_failed_action(standby, "monitor");
  EXPECT_EQ(force(standby, "stop"), kSuccess);
  EXPECT_EQ(force(standby, "check"), kNotRunning);
  EXPECT_EQ(started_at(standby), "");
  EXPECT_EQ(force(standby, "start"), kSuccess);
  EXPECT_EQ(force(standby, "check"), kSuccess);

  EXPECT_EQ(force(primary(), "demote"), kSuccess);
  EXPECT_EQ(force(primary(), "check"), kSuccess);
  EXPECT_EQ(lab().try_sql(primary(), "select pg_is_in_recovery()"), "t");
  EXPECT_EQ(force(primary(), "promote"), kSuccess);
  EXPECT_EQ(force(primary(), "check"), kRunningPromoted);
  EXPECT_EQ(lab().try_sql(primary(), "select pg_is_in_recovery()"), "f");

  // The recurring monitors went on meanwhile and may have found what was stopped and demoted by hand: forgiven.
  lab().exec(primary(), {"crm_resource", "--cleanup"});
  lab().exec(primary(), {"crm_resource", "--wait", "--timeout", "30"});
  const auto was_started = started_at(primary());
  lab().exec(primary(), {"crm_resource", "--resource", "pgsql-ha", "--meta", "--delete-parameter", "is-managed"});
  EXPECT_TRUE(stable_with_primary(primary()));
  EXPECT_EQ(started_at(primary()), was_started) << "nothing had to be repaired";
}

}  // namespace
}  // namespace pgsqlms::scenario
