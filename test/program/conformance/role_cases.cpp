// SPDX-License-Identifier: PostgreSQL
// promote and demote.
#include <filesystem>

#include "conformance_case.hpp"

namespace pgsqlms::test {
namespace {

constexpr const char* kBehind = "1#50331648";
constexpr const char* kAhead = "1#50331904";

/// The standby srv1 is to be promoted in the place of a lost primary; srv2 takes part.
void candidate(Scene& scene) {
  running_standby(scene);
  scene.set_lists("srv1 srv2", " ", "srv1");
  scene.cluster.set_attribute("nodes", "srv1", "srv1 srv2");
}

void vote(Scene& scene, const char* own, const char* other) {
  scene.cluster.set_attribute("lsn_location", "srv1", own);
  scene.cluster.set_attribute("lsn_location", "srv2", other);
}

void best_candidate(Scene& scene) {
  candidate(scene);
  vote(scene, kAhead, kBehind);
}

void beaten_candidate(Scene& scene) {
  candidate(scene);
  vote(scene, kBehind, kAhead);
  scene.cluster.set_score("srv1", "1000");
  scene.cluster.set_score("srv2", "990");
}

void silent_participant(Scene& scene) {
  candidate(scene);
  scene.cluster.set_attribute("lsn_location", "srv1", kAhead);
  scene.set_meta("timeout", "20000");
}

/// Nothing can be written under the name of the file by which a promotion is asked for.
void obstruct_promotion(Scene& scene) { std::filesystem::create_directory(scene.local.data() + "/promote"); }

void stop_follows(Scene& scene) { scene.set_lists("srv1 srv2", "srv1", "srv2", "srv1", "srv1"); }

std::string server_and_scores(Scene& scene) { return server(scene) + "; " + scores(scene); }

std::string server_and_attributes(Scene& scene) { return server(scene) + "; " + attributes(scene); }

}  // namespace

Cases role_cases() {
  return {
      {"R501_PromoteOfAPrimaryIsDone",
       "a primary",
       running_primary,
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kSuccess, "a primary runs", ""},
       "",
       ""},
      {"R502_PromoteOfAStoppedStandbyStartsItFirst",
       "a stopped standby that has the most WAL",
       [](Scene& scene) {
         best_candidate(scene);
         scene.local.stop();
       },
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kSuccess, "a primary runs", ""},
       "",
       ""},
      {"V1_PromoteOfARunningStandbyIsJudgedByTheSettingsInForce",
       "the standby that has the most WAL, its postgresql.conf was broken while it ran",
       [](Scene& scene) {
         best_candidate(scene);
         scene.local.configure("work_mem = lots");
       },
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kErrArgs, "a standby runs", ""},
       "A typo must not keep the last standby from taking over.",
       ""},
      {"R503_PromoteOfAKilledStandbyIsRefused",
       "a standby that was killed",
       killed_standby,
       "promote",
       server,
       {kErrGeneric, "no server runs", "promote refused: the standby has crashed"},
       {kErrGeneric, "no server runs", ""},
       "",
       ""},
      {"R511_PromoteOfTheBestCandidateMakesItAPrimary",
       "a standby that has the most WAL",
       best_candidate,
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kSuccess, "a primary runs", ""},
       "",
       ""},
      {"R511_A6_APromotionMayTakeAllOfItsTime",
       "a promotion that takes 5 s; pg_ctl waits no longer than PGCTLTIMEOUT, 1 s (default: 60 s)",
       [](Scene& scene) {
         scene.local.configure("recovery_end_command = 'sleep 5'");
         best_candidate(scene);
         scene.changes["PGCTLTIMEOUT"] = "1";
       },
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kErrGeneric, "a standby runs", ""},
       "How long a promotion may take is said by the operation's timeout.",
       ""},
      {"R504_F10_ACancellationThatWasLeftBehindDoesNotCount",
       "a standby that has the most WAL, cancel_switchover=1 is left from a former transition",
       [](Scene& scene) {
         best_candidate(scene);
         scene.cluster.set_attribute("cancel_switchover", "srv1", "1");
       },
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kErrGeneric, "a standby runs", "canceled"},
       "The agent has no attribute that says so, and so none that can be stale.",
       "#149"},
      {"R505_F10_AnErrorThatWasLeftBehindDoesNotCount",
       "a standby that has the most WAL, cancel_switchover=2 is left from a former transition",
       [](Scene& scene) {
         best_candidate(scene);
         scene.cluster.set_attribute("cancel_switchover", "srv1", "2");
       },
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kErrArgs, "a standby runs", "canceled"},
       "The agent has no attribute that says so, and so none that can be stale.",
       "#149"},
      {"R506_E2_F10_ARecoveryOfThePrimaryIsNoShortCut",
       "a standby that is behind srv2, recover_master=1",
       [](Scene& scene) {
         beaten_candidate(scene);
         scene.cluster.set_attribute("recover_master", "srv1", "1");
       },
       "promote",
       server,
       {kErrGeneric, "a standby runs", "not promoted: srv2 has more WAL"},
       {kSuccess, "a primary runs", ""},
       "Commits that srv2 has would be lost.",
       "#195"},
      {"R507_PromoteWithoutAnOwnVoteIsRefused",
       "a standby that published no position",
       [](Scene& scene) {
         candidate(scene);
         scene.cluster.set_attribute("lsn_location", "srv2", kBehind);
         scene.set_meta("timeout", "20000");
       },
       "promote",
       server,
       {kErrGeneric, "a standby runs", "no vote from srv1"},
       {kErrGeneric, "a standby runs", "LSN location"},
       "",
       ""},
      {"R508_E3_A6_ASilentParticipantIsNamed",
       "srv2 is online and published no position",
       silent_participant,
       "promote",
       server,
       {kErrGeneric, "a standby runs", "no vote from srv2"},
       {kDoesNotReturn, "a standby runs", ""},
       "Nobody is passed over, and nobody is waited for without end.",
       "#9, #80, #119, #131"},
      {"R508_E3_AParticipantThatLeftIsNotWaitedFor",
       "srv2 left the cluster before it published a position",
       [](Scene& scene) {
         silent_participant(scene);
         scene.cluster.set_members({"srv1", "srv3"});
       },
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kDoesNotReturn, "a standby runs", ""},
       "A node that is gone cannot take over; waiting for it keeps everybody down.",
       "#220"},
      {"R509_R1007_ABeatenCandidateGivesWay",
       "a standby that is behind srv2",
       beaten_candidate,
       "promote",
       server_and_scores,
       {kErrGeneric, "a standby runs; srv1 1, srv2 1000", "srv2 has more WAL"},
       {kErrGeneric, "a standby runs; srv1 1, srv2 1000", "srv2"},
       "",
       ""},
      {"E3_ABeatenCandidateThatNoConstraintWantsStaysInTheRace",
       "a standby that is behind srv2, and was chosen though srv2 has the higher score",
       [](Scene& scene) {
         beaten_candidate(scene);
         scene.cluster.set_score("srv1", "990");
         scene.cluster.set_score("srv2", "1000");
       },
       "promote",
       server_and_scores,
       {kErrGeneric, "a standby runs; srv1 1, srv2 1000", ""},
       {kErrGeneric, "a standby runs; srv1 1, srv2 1000", ""},
       "",
       ""},
      {"E3_ACandidateIsNotPromotedBesideARunningPrimary",
       "a standby with more WAL than srv2 published, but srv2 runs as a primary",
       [](Scene& scene) {
         candidate(scene);
         vote(scene, kAhead, "1#50331648##primary");
         scene.cluster.set_score("srv1", "1000");
         scene.cluster.set_score("srv2", "990");
       },
       "promote",
       server_and_scores,
       {kErrGeneric, "a standby runs; srv1 1, srv2 1000", "srv2, 0/3000000 on timeline 1, runs as a primary"},
       {kSuccess, "a primary runs; srv1 1000, srv2 990", ""},
       "Two primaries at once split the data.",
       ""},
      {"R510_APromotionThatCannotBeAskedForFails",
       "a promotion that cannot be asked for: a folder has the name of the file that does so",
       [](Scene& scene) {
         best_candidate(scene);
         obstruct_promotion(scene);
       },
       "promote",
       server,
       {kErrGeneric, "a standby runs", "/promote"},
       {kErrGeneric, "a standby runs", ""},
       "",
       ""},
      {"R512_A5_PromoteLeavesAtOnceWhenTheServerIsGone",
       "the server dies while it is promoted",
       [](Scene& scene) {
         scene.local.configure("recovery_end_command = 'kill -9 $(head -1 postmaster.pid); sleep 1'");
         best_candidate(scene);
       },
       "promote",
       nullptr,
       {kErrGeneric, "", "the server died while it was promoted"},
       {kDoesNotReturn, "", ""},
       "A dead server will not become a primary.",
       "#125, #205"},
      {"E6_ACandidateThatMissesTheLastRecordIsNotPromoted",
       "a standby with the most WAL of all that take part, but less than srv3 had when it was shut down as the primary",
       [](Scene& scene) {
         best_candidate(scene);
         scene.cluster.set_attribute("shutdown_checkpoint", "srv3", "1#67108864");
       },
       "promote",
       server,
       {kErrGeneric, "a standby runs", "srv3 was shut down at"},
       {kSuccess, "a primary runs", ""},
       "A clean stop does not prove that everything was sent.",
       ""},
      {"E7_APromotionByHandIsDone",
       "a standby, without lists of nodes (`crm_resource --force-promote`)",
       running_standby,
       "promote",
       server,
       {kSuccess, "a primary runs", ""},
       {kErrGeneric, "a standby runs", ""},
       "There were no votes, and the administrator knows; the log has a warning.",
       "#86"},
      {"F08_A6_APromotionWithoutTheAttributeDaemonFailsInTime",
       "attrd_updater hangs, timeout 20 s",
       [](Scene& scene) {
         best_candidate(scene);
         scene.cluster.replace_tool("attrd_updater", "#!/bin/sh\nexec sleep 600\n");
         scene.set_meta("timeout", "20000");
       },
       "promote",
       server,
       {kErrGeneric, "a standby runs", "attrd_updater: no end in time"},
       {kDoesNotReturn, "a standby runs", ""},
       "Every wait ends before Pacemaker's timeout.",
       ""},
      {"R601_DemoteOfAStandbyIsDone",
       "a standby",
       running_standby,
       "demote",
       server,
       {kSuccess, "a standby runs", ""},
       {kSuccess, "a standby runs", ""},
       "",
       ""},
      {"R602_DemoteOfAPrimaryMakesItAStandby",
       "a primary",
       running_primary,
       "demote",
       server,
       {kSuccess, "a standby runs", ""},
       {kSuccess, "a standby runs", ""},
       "",
       ""},
      {"R602_E6_ADemotedPrimaryPublishesWhereItsWalEnds",
       "a primary in a switchover to srv2",
       [](Scene& scene) {
         running_primary(scene);
         scene.set_lists("srv1 srv2", "srv1", "srv2", "srv1");
       },
       "demote",
       server_and_attributes,
       {kSuccess, "a standby runs; shutdown_checkpoint srv1", ""},
       {kSuccess, "a standby runs; no attribute", ""},
       "The standby must be beyond that very record.",
       ""},
      {"R602_A3_ADemotionThatAStopFollowsStartsNothing",
       "a primary, the same transition stops it",
       [](Scene& scene) {
         running_primary(scene);
         stop_follows(scene);
       },
       "demote",
       server,
       {kSuccess, "no server runs", ""},
       {kSuccess, "a standby runs", ""},
       "A server that is stopped right after need not start.",
       ""},
      {"R603_DemoteOfAStoppedInstanceStartsItAsAStandby",
       "a primary that was shut down",
       untouched,
       "demote",
       server,
       {kSuccess, "a standby runs", ""},
       {kSuccess, "a standby runs", ""},
       "",
       ""},
      {"R604_V5_F04_ADemotionDoesNotDependOnPsql",
       "a primary, psql is killed by a signal",
       [](Scene& scene) {
         running_primary(scene);
         scene.replace_program("psql", "#!/bin/sh\nkill -9 $$\n");
       },
       "demote",
       server,
       {kSuccess, "a standby runs", ""},
       {6, "a primary runs", ""},
       "Nothing is answered with 6, which stops the resource on all nodes.",
       ""},
      {"R605_A3_DemoteOfAKilledPrimaryStartsItAsAStandby",
       "a primary that was killed",
       killed_primary,
       "demote",
       server,
       {kSuccess, "a standby runs", ""},
       {kErrGeneric, "no server runs", ""},
       "A crashed primary is recovered by one start, and is never read-write.",
       "#162, #173, #181"},
      {"R605_A3_DemoteOfAKilledPrimaryThatAStopFollowsStartsNothing",
       "a primary that was killed, the same transition stops it",
       [](Scene& scene) {
         killed_primary(scene);
         stop_follows(scene);
       },
       "demote",
       server,
       {kSuccess, "no server runs", ""},
       {kErrGeneric, "no server runs", ""},
       "What does not run is no primary.",
       "#162, #173, #181"},
      {"A3_A6_DemoteOfAFrozenPrimaryEndsInTime",
       "a frozen postmaster, timeout 1500 ms",
       [](Scene& scene) {
         frozen_primary(scene);
         scene.set_meta("timeout", "1500");
       },
       "demote",
       nullptr,
       {kErrGeneric, "", "did not stop in time"},
       {kDoesNotReturn, "", ""},
       "Every wait ends before Pacemaker's timeout.",
       ""},
  };
}

}  // namespace pgsqlms::test
