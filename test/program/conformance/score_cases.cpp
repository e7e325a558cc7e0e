// SPDX-License-Identifier: PostgreSQL
// What the monitor of a primary, the start and the stop make of the promotion scores.
#include <stdexcept>

#include "conformance_case.hpp"

namespace pgsqlms::test {
namespace {

void connected_standby(Scene& scene) {
  primary_with_standby(scene);
  scene.cluster.set_members({"srv1", "srv2"});
}

/// srv2 has what was written before its walreceiver was frozen, srv3 has all.
void standbys_of_different_worth(Scene& scene) {
  scene.local.configure("wal_sender_timeout = 0");
  running_primary(scene);
  auto& behind = add_standby(scene, "srv2");
  scene.hold<Frozen>(behind.process("walreceiver"));
  scene.local.ask("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
  add_standby(scene, "srv3");
}

void lagging_standby(Scene& scene) {
  scene.local.configure("wal_sender_timeout = 0");
  running_primary(scene);
  auto& behind = add_standby(scene, "srv2");
  scene.hold<Frozen>(behind.process("walreceiver"));
  scene.local.ask("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
  scene.cluster.set_members({"srv1", "srv2"});
  scene.set("maxlag", "1000");
}

/// srv2 is being built: a base backup that takes its time calls itself so.
void standby_being_built(Scene& scene) {
  running_primary(scene);
  Start backup;
  backup.arguments = {server_programs() + "/pg_basebackup",
                      "--pgdata=-",
                      "--format=tar",
                      "--wal-method=none",
                      "--checkpoint=fast",
                      "--max-rate=32k",
                      "--dbname=" + scene.local.conninfo() + " application_name=srv2"};
  scene.hold<Child>(backup);
  const auto is_there = [&] {
    return scene.local.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'backup'") == "1";
  };
  if (!eventually(is_there)) throw std::runtime_error("the backup does not begin");
  scene.cluster.set_members({"srv1", "srv2"});
}

void strange_client(Scene& scene, const std::string& name) {
  running_primary(scene);
  add_replication_client(scene, name);
  scene.cluster.set_members({"srv1"});
}

/// A backup client that is as far as the standby.
void backup_beside_a_standby(Scene& scene) {
  connected_standby(scene);
  add_replication_client(scene, "a backup");
  const auto has_written = [&] {
    return scene.local.ask("SELECT count(*) FROM pg_stat_replication WHERE write_lsn = pg_current_wal_lsn()") == "2";
  };
  if (!eventually(has_written)) throw std::runtime_error("the clients do not catch up");
}

void names_that_are_regular_expressions(Scene& scene) {
  scene.cluster.set_nodes({"srv1", "dbx1", "db.1", "db-1"});
  running_primary(scene);
  add_standby(scene, "db.1");
  scene.cluster.set_score("dbx1", "990");
  scene.cluster.set_score("db.1", "1000");
  scene.cluster.set_score("db-1", "980");
}

/// srv1 runs as a primary, and is none for the cluster.
void beside_its_successor(Scene& scene) {
  running_primary(scene);
  scene.cluster.set_members({"srv1"});
  scene.cluster.set_score("srv1", "-1000");
  scene.cluster.set_score("srv2", "1001");
}

void hang(const Scene& scene, const std::vector<std::string>& tools) {
  for (const auto& tool : tools) scene.cluster.replace_tool(tool, "#!/bin/sh\nexec sleep 600\n");
}

}  // namespace

Cases score_cases() {
  return {
      {"R1001_E5_APrimaryHasTheHighestScore",
       "a primary, alone in its partition",
       [](Scene& scene) {
         running_primary(scene);
         scene.cluster.set_members({"srv1"});
       },
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001", ""},
       {kRunningPromoted, "srv1 1001", ""},
       "",
       ""},
      {"R1002_E5_AConnectedStandbyHasTheNextScore",
       "a primary and one standby",
       connected_standby,
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001, srv2 1000", ""},
       {kRunningPromoted, "srv1 1001, srv2 1000", ""},
       "",
       ""},
      {"R1002_E5_TheStandbyWithTheMostWalHasTheHigherScore",
       "a primary, srv2 lags, srv3 has all WAL",
       standbys_of_different_worth,
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001, srv2 990, srv3 1000", ""},
       {kRunningPromoted, "srv1 1001, srv2 1000, srv3 990", ""},
       "Release 2.3.0 gives the most lagging standby the highest score.",
       "#198"},
      {"R1003_ALaggingStandbyHasANegativeScore",
       "a primary, srv2 lags more than maxlag",
       lagging_standby,
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001, srv2 -1000", ""},
       {kRunningPromoted, "srv1 1001, srv2 -1000", ""},
       "",
       ""},
      {"R1004_AStandbyThatIsBeingBuiltMayNotBePromoted",
       "a primary, a base backup calls itself srv2",
       standby_being_built,
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001, srv2 -1", ""},
       {kRunningPromoted, "srv1 1001, srv2 -1", ""},
       "",
       ""},
      {"R1005_AMemberThatIsNotConnectedMayNotBePromoted",
       "a primary, srv2 had a score and is not connected",
       [](Scene& scene) {
         running_primary(scene);
         scene.cluster.set_members({"srv1", "srv2"});
         scene.cluster.set_score("srv2", "1000");
       },
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001, srv2 -1000", ""},
       {kRunningPromoted, "srv1 1001, srv2 -1000", ""},
       "",
       ""},
      {"R1005_E5_ANodeThatNeverHadAnInstanceGetsNoScore",
       "a primary, srv2 and srv3 never had an instance",
       running_primary,
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001", ""},
       {kRunningPromoted, "srv1 1001, srv2 -1000, srv3 -1000", ""},
       "A node for the quorum only is none of ours.",
       "#138"},
      {"E5_ANodeThatLeftDoesNotWinWithItsOldScore",
       "a primary, srv2 left the cluster with its score",
       [](Scene& scene) {
         running_primary(scene);
         scene.cluster.set_members({"srv1"});
         scene.cluster.set_score("srv2", "1000");
       },
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001, srv2 -1000", ""},
       {kRunningPromoted, "srv1 1001, srv2 1000", ""},
       "When it comes back it may miss what was written since.",
       "#26, #43, #56"},
      {"M9_AProbeThatFindsAPrimaryTakesNoScore",
       "a former primary that was started with its node, srv2 has taken over",
       beside_its_successor,
       "probe",
       scores,
       {kRunningPromoted, "srv1 -1000, srv2 1001", ""},
       {kRunningPromoted, "srv1 1001, srv2 1001", ""},
       "Pacemaker would demote the real primary.",
       ""},
      {"M9_APrimaryThatPacemakerHasNotPromotedTakesNoScore",
       "a standby that was promoted by hand, srv2 is the primary",
       [](Scene& scene) {
         beside_its_successor(scene);
         scene.set_meta("role", "Slave");
       },
       "monitor (of an unpromoted instance)",
       scores,
       {kRunningPromoted, "srv1 -1000, srv2 1001", "runs as a primary, though Pacemaker has not promoted it here"},
       {kRunningPromoted, "srv1 1001, srv2 1001", ""},
       "Pacemaker would demote the real primary.",
       ""},
      {"R1006_AtTheFirstStartThePrimaryTakesTheLowestScore",
       "a primary that was shut down, nobody has a score",
       [](Scene& scene) { scene.set_lists(" ", " ", " ", " ", " ", "srv1"); },
       "start",
       scores,
       {kSuccess, "srv1 1", ""},
       {kSuccess, "srv1 1", ""},
       "",
       ""},
      {"E9_AStartByHandTakesNoScore",
       "a primary that was shut down, nobody has a score, without lists of nodes",
       untouched,
       "start",
       scores,
       {kSuccess, "no score", ""},
       {kSuccess, "srv1 1", ""},
       "Who tries an instance by hand does not want the cluster to promote it.",
       ""},
      {"R1006_AStandbyTakesNoScore",
       "a standby that was shut down, nobody has a score",
       stopped_standby,
       "start",
       scores,
       {kSuccess, "no score", ""},
       {kSuccess, "no score", ""},
       "",
       ""},
      {"R1006_NobodyTakesAScoreWhereAnotherNodeHasOne",
       "a primary that was shut down, srv2 has a score",
       [](Scene& scene) { scene.cluster.set_score("srv2", "1000"); },
       "start",
       scores,
       {kSuccess, "srv2 1000", ""},
       {kSuccess, "srv2 1000", ""},
       "",
       ""},
      {"R1008_AStopLeavesTheScores",
       "a primary with its score",
       [](Scene& scene) {
         running_primary(scene);
         scene.cluster.set_score("srv1", "1001");
       },
       "stop",
       scores,
       {kSuccess, "srv1 1001", ""},
       {kSuccess, "srv1 1001", ""},
       "",
       ""},
      {"E5_ScoresThatAreRightAreNotWrittenAgain",
       "a primary and one standby with their scores",
       [](Scene& scene) {
         connected_standby(scene);
         scene.cluster.set_score("srv1", "1001");
         scene.cluster.set_score("srv2", "1000");
         // Whoever writes, fails.
         scene.cluster.replace_tool("crm_attribute",
                                    "#!/bin/sh\ncase \" $* \" in *update*) exit 1 ;; esac\n"
                                    "exec /usr/sbin/crm_attribute \"$@\"\n");
       },
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001, srv2 1000", ""},
       {kRunningPromoted, "srv1 1001, srv2 1000", ""},
       "",
       ""},
      {"M6_AScoreThatCannotBeWrittenFailsNoPrimary",
       "a primary, crm_attribute fails",
       [](Scene& scene) {
         running_primary(scene);
         scene.cluster.replace_tool("crm_attribute", "#!/bin/sh\nexit 1\n");
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kDoesNotReturn, "", ""},
       "The answer is settled before a score is thought of.",
       "#139, #218"},
      {"M6_F09_ACibThatDoesNotAnswerFailsNoPrimary",
       "a primary, crm_attribute and cibadmin hang, timeout 4 s",
       [](Scene& scene) {
         running_primary(scene);
         hang(scene, {"crm_attribute", "cibadmin"});
         scene.set_meta("timeout", "4000");
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kDoesNotReturn, "", ""},
       "The answer is settled before a score is thought of.",
       "#139, #218"},
      {"E4_F02_AClientWithABracketInItsNameIsIgnored",
       "a primary, a replication client named `backup (nightly`",
       [](Scene& scene) { strange_client(scene, "backup (nightly"); },
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001", ""},
       {255, "no score", ""},
       "A name is compared, not run as a regular expression.",
       ""},
      {"E4_F03_AClientNamedLikeTheBeginningOfANodeIsIgnored",
       "a primary, a replication client named `srv`",
       [](Scene& scene) { strange_client(scene, "srv"); },
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001", ""},
       {kDoesNotReturn, "no score", ""},
       "A name is compared, not run as a regular expression.",
       ""},
      {"E4_AClientThatIsNoNodeTakesNoRank",
       "a primary, a standby and a backup client",
       backup_beside_a_standby,
       "monitor",
       scores,
       {kRunningPromoted, "srv1 1001, srv2 1000", ""},
       {kRunningPromoted, "srv1 1001, srv2 990", ""},
       "Only nodes of the cluster are ranked.",
       "#230"},
      {"E4_F12_ADotInANodesNameIsADot",
       "a primary, the standby db.1 beside the nodes dbx1 and db-1",
       names_that_are_regular_expressions,
       "monitor",
       scores,
       {kRunningPromoted, "db-1 -1000, db.1 1000, dbx1 -1000, srv1 1001", ""},
       {kRunningPromoted, "db-1 980, db.1 -1000, dbx1 990, srv1 1001", ""},
       "A name is compared, not run as a regular expression.",
       ""},
      {"F11_TheScoresOfAnotherResourceAreLeftAlone",
       "a primary, another resource has scores of its own",
       [](Scene& scene) {
         running_primary(scene);
         scene.cluster.set_score("srv1", "5", "other");
         scene.cluster.set_score("srv2", "7", "other");
       },
       "monitor",
       [](Scene& scene) { return scene.cluster.scores("other"); },
       {kRunningPromoted, "srv1 5, srv2 7", ""},
       {kRunningPromoted, "srv1 5, srv2 7", ""},
       "",
       ""},
  };
}

}  // namespace pgsqlms::test
