// SPDX-License-Identifier: PostgreSQL
// Notifications: votes, switchovers, and what is no business of a notification.
#include <stdexcept>

#include "conformance_case.hpp"
#include "pgsqlms/decision/votes.hpp"
#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::test {
namespace {

/// A standby and the notification before the promotion of that node, after the loss of the primary srv3.
void before_promotion_of(Scene& scene, const std::string& node) {
  running_standby(scene);
  scene.set_lists("srv1 srv2", " ", node);
  scene.set_notification("pre", "promote");
}

/// Waits until the local standby has replayed what the primary wrote.
void catch_up(const Scene& scene, const ScratchInstance& primary) {
  const auto written = primary.ask("SELECT pg_current_wal_lsn()");
  const auto is_replayed = [&] {
    return scene.local.ask("SELECT pg_last_wal_replay_lsn() >= '" + written + "'::pg_lsn") == "t";
  };
  if (!eventually(is_replayed)) throw std::runtime_error("the standby does not catch up");
}

/// A standby that was restarted after its primary was gone, in the midst of a WAL segment.
void restarted_without_primary(Scene& scene) {
  auto& primary = standby_of(scene);
  primary.ask("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
  catch_up(scene, primary);
  primary.kill_server();
  scene.local.stop();
  scene.local.start();
  if (!eventually([&] { return scene.local.ask("SELECT pg_last_wal_replay_lsn() IS NOT NULL") == "t"; })) {
    throw std::runtime_error("the standby does not replay");
  }
  scene.set_lists("srv1 srv2", " ", "srv1");
  scene.set_notification("pre", "promote");
  scene.cluster.set_attribute("lsn_location", "srv2", "1#1");
}

std::string vote_and_replayed(Scene& scene) {
  const auto votes = decision::read_votes({{"srv1", scene.cluster.attribute("lsn_location")}});
  if (votes.empty()) return "no vote";
  const auto replayed = pg::Lsn::parse(scene.local.ask("SELECT pg_last_wal_replay_lsn()"));
  return votes.at("srv1").position.lsn < *replayed ? "the vote is behind what was replayed"
                                                   : "the vote is what was replayed";
}

std::string vote_and_received(Scene& scene) {
  const auto received = pg::Lsn::parse(scene.local.ask("SELECT pg_last_wal_receive_lsn()"));
  const auto votes = decision::read_votes({{"srv1", scene.cluster.attribute("lsn_location")}});
  const bool is_received = !votes.empty() && votes.at("srv1").position == pg::WalPosition{1, *received};
  return attributes(scene) + (is_received ? "; the vote is what was received" : "; another position");
}

/// What srv2, running PAF's agent, left behind when it was the primary, and was demoted in favour of srv1.
void switchover_to_srv1(Scene& scene) {
  scene.set_lists("srv1 srv2", "srv2", "srv1", "srv2");
  scene.set_notification("pre", "promote");
  scene.cluster.set_score("srv1", "1000");
  scene.cluster.set_score("srv2", "1001");
}

/// The primary goes on: the standby's WAL does not end with a shutdown, nor has it one since its last restartpoint.
void unfinished_switchover(Scene& scene) {
  auto& primary = standby_of(scene);
  primary.ask("CHECKPOINT");
  catch_up(scene, primary);
  scene.local.ask("CHECKPOINT");
  switchover_to_srv1(scene);
  scene.cluster.set_attribute("lsn_location", "srv2", "1#1");
}

/// The standby has an old shutdown checkpoint in its WAL, and misses the new one: its walreceiver was led astray.
void switchover_that_lost_the_end(Scene& scene) {
  auto& primary = scene.add_instance();
  scene.local.follow(primary, "srv1");
  primary.start();
  scene.local.start();
  primary.stop();
  primary.start();
  const auto streaming = [&] {
    return primary.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'");
  };
  if (!eventually([&] { return streaming() == "1"; })) throw std::runtime_error("the standby does not stream again");
  primary.ask("CREATE TABLE kept AS SELECT 1 AS n");
  catch_up(scene, primary);
  scene.local.ask("ALTER SYSTEM SET primary_conninfo = 'host=/nowhere application_name=srv1'");
  scene.local.ask("SELECT pg_reload_conf()");
  if (!eventually([&] { return streaming() == "0"; })) throw std::runtime_error("the standby streams on");
  primary.ask("CREATE TABLE lost AS SELECT 1 AS n");
  primary.stop();
  switchover_to_srv1(scene);
  scene.cluster.set_attribute("lsn_location", "srv2", "1#1");
}

std::string attributes_and_scores(Scene& scene) { return attributes(scene) + "; " + scores(scene); }

void checkpoint_marker(Scene& scene) {
  running_primary(scene);
  scene.local.ask("CREATE TABLE marker AS SELECT pg_current_wal_lsn() AS lsn");
  scene.set_lists("srv1 srv2", "srv1", "srv2", "srv1");
  scene.set_notification("pre", "demote");
}

std::string checkpoint(Scene& scene) {
  return scene.local.ask("SELECT checkpoint_lsn > (SELECT lsn FROM marker) FROM pg_control_checkpoint()") == "t"
             ? "a checkpoint was written"
             : "no checkpoint was written";
}

}  // namespace

Cases election_cases() {
  return {
      {"R701_ANotificationOfNothingIsNothing",
       "a standby, no notification in the environment",
       running_standby,
       "notify",
       attributes,
       {kSuccess, "no attribute", ""},
       {kSuccess, "no attribute", ""},
       "",
       ""},
      {"R702_R1011_E2_TheFormerPrimaryVotesToo",
       "the node to be promoted was the primary",
       [](Scene& scene) {
         running_standby(scene);
         scene.set_lists("srv1 srv2", "srv1", "srv1");
         scene.set_notification("pre", "promote");
         scene.cluster.set_attribute("lsn_location", "srv2", "1#1");
       },
       "notify (pre-promote)",
       attributes,
       {kSuccess, "lsn_location srv1, lsn_location srv2", ""},
       {kSuccess, "lsn_location srv2, recover_master srv1", ""},
       "A failed promotion looks like a primary to Pacemaker; only WAL tells who may be promoted.",
       "#195"},
      {"R703_R1009_AStandbyPublishesItsPosition",
       "a standby, srv2 is to be promoted",
       [](Scene& scene) { before_promotion_of(scene, "srv2"); },
       "notify (pre-promote)",
       vote_and_received,
       {kSuccess, "lsn_location srv1; the vote is what was received", ""},
       {kSuccess, "lsn_location srv1; the vote is what was received", ""},
       "",
       ""},
      {"R703_R1010_TheCandidateNeedsNoListOfItsOwn",
       "a standby, it is to be promoted",
       [](Scene& scene) {
         before_promotion_of(scene, "srv1");
         scene.cluster.set_attribute("lsn_location", "srv2", "1#1");
       },
       "notify (pre-promote)",
       attributes,
       {kSuccess, "lsn_location srv1, lsn_location srv2", ""},
       {kSuccess, "lsn_location srv1, lsn_location srv2, nodes srv1", ""},
       "The participants are in the environment of `promote`, and cannot be stale there.",
       "#220"},
      {"R902_ListsOfAnOldPacemakerAreUnderstood",
       "crm_feature_set 3.0.10, which has no list of active nodes",
       [](Scene& scene) {
         before_promotion_of(scene, "srv2");
         scene.set("crm_feature_set", "3.0.10");
         scene.set_meta("notify_active_uname", " ");
         scene.set_meta("notify_active_resource", " ");
       },
       "notify (pre-promote)",
       attributes,
       {kSuccess, "lsn_location srv1", ""},
       {kSuccess, "lsn_location srv1", ""},
       "",
       ""},
      {"E3_ABeatenCandidateGivesWayBeforeItIsTried",
       "srv2 published more WAL, srv1 is to be promoted",
       [](Scene& scene) {
         before_promotion_of(scene, "srv1");
         scene.cluster.set_attribute("lsn_location", "srv2", "1#1099511627776");
         scene.cluster.set_score("srv1", "1000");
         scene.cluster.set_score("srv2", "990");
       },
       "notify (pre-promote)",
       scores,
       {kSuccess, "srv1 1, srv2 1000", ""},
       {kSuccess, "srv1 1000, srv2 990", ""},
       "Changed scores make Pacemaker choose again, without a failed action.",
       "#187"},
      {"E3_ARunningPrimaryIsNotOverruledByWhoFollowsIt",
       "a running primary that Pacemaker takes for a standby is to be promoted; srv2 has received what it wrote since",
       [](Scene& scene) {
         running_primary(scene);
         scene.set_lists("srv1 srv2", " ", "srv1");
         scene.set_notification("pre", "promote");
         scene.cluster.set_attribute("lsn_location", "srv2", "1#1099511627776");
         scene.cluster.set_score("srv1", "1001");
         scene.cluster.set_score("srv2", "1000");
       },
       "notify (pre-promote)",
       scores,
       {kSuccess, "srv1 1001, srv2 1000", ""},
       {kSuccess, "srv1 1001, srv2 1000", ""},
       "",
       ""},
      {"E1_APositionIsNeverBehindWhatWasReplayed",
       "a standby that was restarted after the primary was lost",
       restarted_without_primary,
       "notify (pre-promote)",
       vote_and_replayed,
       {kSuccess, "the vote is what was replayed", ""},
       {kSuccess, "the vote is behind what was replayed", ""},
       "PostgreSQL shows the beginning of a segment as received; all nodes look equal, and a stale one can win.",
       "#225, #227, #228"},
      {"E6_R1012_AnUnfinishedSwitchoverIsGivenUp",
       "the old primary ran PAF's agent, its last record did not arrive",
       unfinished_switchover,
       "notify (pre-promote)",
       attributes_and_scores,
       {kSuccess, "lsn_location srv1, lsn_location srv2; srv1 1, srv2 1001", ""},
       {kSuccess, "cancel_switchover srv1, lsn_location srv2; srv1 1000, srv2 1001", ""},
       "The scores say it, so that Pacemaker chooses the old primary before a promotion fails.",
       "#149"},
      {"E6_AnOldShutdownCheckpointIsNotTakenForTheLastOne",
       "the old primary ran PAF's agent, the standby has the checkpoint of a former shutdown only",
       switchover_that_lost_the_end,
       "notify (pre-promote)",
       attributes_and_scores,
       {kSuccess, "lsn_location srv1, lsn_location srv2; srv1 1, srv2 1001", ""},
       {kSuccess, "lsn_location srv1, lsn_location srv2, nodes srv1; srv1 1000, srv2 1001", ""},
       "Commits that were acknowledged would be lost.",
       ""},
      {"R704_VotesAreTakenBackAfterAPromotion",
       "a standby, srv2 was promoted",
       [](Scene& scene) {
         running_standby(scene);
         scene.set_lists("srv1 srv2", " ", "srv2");
         scene.set_notification("post", "promote");
         scene.cluster.set_attribute("lsn_location", "srv1", "1#1");
       },
       "notify (post-promote)",
       attributes,
       {kSuccess, "no attribute", ""},
       {kSuccess, "no attribute", ""},
       "",
       ""},
      {"R704_E6_TheNewPrimaryRemovesTheShutdownCheckpoints",
       "srv1 was promoted after srv2 was demoted",
       [](Scene& scene) {
         running_primary(scene);
         scene.set_lists("srv1 srv2", "srv2", "srv1", "srv2");
         scene.set_notification("post", "promote");
         scene.cluster.set_attribute("shutdown_checkpoint", "srv2", "1#1");
         scene.cluster.set_attribute("lsn_location", "srv1", "1#2");
       },
       "notify (post-promote)",
       attributes,
       {kSuccess, "no attribute", ""},
       {kSuccess, "shutdown_checkpoint srv2", ""},
       "PAF does not know this attribute.",
       ""},
      {"R705_A4_APreDemoteStartsNoCrashedPrimary",
       "a primary that was killed, it is to be recovered in place",
       [](Scene& scene) {
         killed_primary(scene);
         scene.set_lists("srv1 srv2", "srv1", "srv1", "srv1");
         scene.set_notification("pre", "demote");
       },
       "notify (pre-demote)",
       server,
       {kSuccess, "no server runs", ""},
       {kSuccess, "a primary runs", ""},
       "It would be read-write for a moment, and a long recovery is cut by the notification's timeout.",
       ""},
      {"R706_A4_APreStopStartsNoCrashedStandby",
       "a standby that was killed, it is to be recovered in place",
       [](Scene& scene) {
         killed_standby(scene);
         scene.set_lists("srv1 srv2", "srv2", " ", " ", "srv1", "srv1");
         scene.set_notification("pre", "stop");
       },
       "notify (pre-stop)",
       server,
       {kSuccess, "no server runs", ""},
       {kSuccess, "a standby runs", ""},
       "The start that follows recovers it, with a timeout of its own.",
       "#107, #187"},
      {"R707_OtherNotificationsAreNothing",
       "a standby, srv2 was started",
       [](Scene& scene) {
         running_standby(scene);
         scene.set_lists("srv1", "srv3", " ", " ", " ", "srv2");
         scene.set_notification("post", "start");
       },
       "notify (post-start)",
       attributes,
       {kSuccess, "no attribute", ""},
       {kSuccess, "no attribute", ""},
       "",
       ""},
      {"E8_ACheckpointIsWrittenBeforeAPlannedDemotion",
       "a primary in a switchover to srv2",
       checkpoint_marker,
       "notify (pre-demote)",
       checkpoint,
       {kSuccess, "a checkpoint was written", ""},
       {kSuccess, "no checkpoint was written", ""},
       "While it still serves; the shutdown is the shorter.",
       ""},
      {"F08_A6_ANotificationWithoutTheAttributeDaemonEndsInTime",
       "attrd_updater hangs, timeout 10 s",
       [](Scene& scene) {
         before_promotion_of(scene, "srv2");
         scene.cluster.replace_tool("attrd_updater", "#!/bin/sh\nexec sleep 600\n");
         scene.set_meta("timeout", "10000");
       },
       "notify (pre-promote)",
       nullptr,
       {kSuccess, "", ""},
       {kDoesNotReturn, "", ""},
       "Every wait ends before Pacemaker's timeout.",
       ""},
  };
}

}  // namespace pgsqlms::test
