// SPDX-License-Identifier: PostgreSQL
// The rules of the verdict one by one, each in a small ballot. All worlds together:
// test/property/verdict_worlds_test.cpp.
#include "pgsqlms/decision/verdict.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::decision {
namespace {

using cluster::NodeList;

/// srv1 is lost with the primary; srv2 is the candidate, srv3 the other standby, both have all WAL.
Ballot failover() {
  Ballot ballot;
  ballot.resource = "pgsqld";
  ballot.candidate = "srv2";
  ballot.transition.active = {"srv1", "srv2", "srv3"};
  ballot.transition.promoted = ballot.transition.demote = ballot.transition.stop = {"srv1"};
  ballot.transition.unpromoted = {"srv2", "srv3"};
  ballot.transition.promote = {"srv2"};
  ballot.participants = {"srv2", "srv3"};
  ballot.votes = {{"srv2", {{1, {100}}, {}, false, 7}}, {"srv3", {{1, {100}}, {}, false, 7}}};
  ballot.scores = {{"srv1", 1001}, {"srv2", 1000}, {"srv3", 990}};
  return ballot;
}

std::string refusal(const Ballot& ballot) { return judge(ballot).refusal.value_or(""); }

bool asks_for(Ballot ballot, Question question) {
  (question == Question::Scores ? ballot.scores = std::nullopt : std::nullopt);
  ballot.ends_with_shutdown.reset();
  return open_question(ballot) == question;
}

TEST(Verdict, LetsTheCandidateBePromotedAmongEquals) {
  auto ballot = failover();
  ballot.scores.reset();
  EXPECT_EQ(open_question(ballot), std::nullopt);
  EXPECT_EQ(refusal(ballot), "");
  EXPECT_TRUE(judge(ballot).remarks.empty());
}

TEST(Verdict, WantsTheCandidatesOwnVote) {
  auto ballot = failover();
  ballot.votes.erase("srv2");
  EXPECT_EQ(refusal(ballot), "no vote from srv2 itself: its WAL position is not known");
}

TEST(Verdict, LeavesARunningPrimaryWithoutAVoteAlone) {
  auto ballot = failover();
  ballot.votes.erase("srv2");
  ballot.runs_as_primary = true;
  ballot.votes["srv3"].position = {9, {900}};
  EXPECT_EQ(open_question(ballot), std::nullopt);
  EXPECT_EQ(refusal(ballot), "");
}

TEST(Verdict, DoesNotCountTheVoteOfAnInstanceOfAnotherSystem) {
  auto ballot = failover();
  ballot.votes["srv3"] = {{1, {900}}, {}, false, 8};
  ballot.scores->at("srv3") = -1000;
  EXPECT_TRUE(asks_for(ballot, Question::Scores));
  const auto verdict = judge(ballot);
  EXPECT_EQ(verdict.refusal, std::nullopt);
  ASSERT_EQ(verdict.remarks.size(), 1U);
  EXPECT_EQ(verdict.remarks[0],
            "srv3 is no copy of srv2: system identifier 8 instead of 7; rebuild it, its vote does not count");
}

TEST(Verdict, DoesNotLetAnInstanceOfAnotherSystemWin) {
  auto ballot = failover();
  ballot.votes["srv2"] = {{1, {900}}, {}, false, 8};
  ballot.scores->at("srv2") = -1000;
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv3"});
  EXPECT_EQ(refusal(ballot), "srv3 is no copy of srv2: system identifier 7 instead of 8");
  ballot.scores->at("srv2") = 1000;  // nobody can tell
  EXPECT_EQ(judge(ballot).successors, NodeList{});
  EXPECT_NE(refusal(ballot), "");
}

TEST(Verdict, PromotesNobodyBesideARunningPrimary) {
  auto ballot = failover();
  ballot.votes["srv3"].runs_as_primary = true;
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv3"});
  EXPECT_EQ(refusal(ballot),
            "srv3, 0/64 on timeline 1, runs as a primary, so srv2 is not promoted: keep srv3, or stop it there first");
  EXPECT_EQ(judge(ballot).rogue, std::nullopt);
}

// srv3 was promoted by hand at 60, while srv1 went on as the primary and srv2 followed it.
Ballot with_rogue() {
  auto ballot = failover();
  ballot.votes["srv3"] = {{2, {300}}, {{1, {60}}}, true, 7};
  return ballot;
}

TEST(Verdict, HasARunningPrimaryTakenDownThatDidNotFollowTheLastOne) {
  for (const auto score : {-1000, 990}) {
    auto ballot = with_rogue();
    ballot.scores->at("srv3") = score;
    EXPECT_TRUE(asks_for(ballot, Question::Scores));
    EXPECT_EQ(judge(ballot).rogue, "srv3");
    EXPECT_EQ(judge(ballot).successors, NodeList{});
    EXPECT_NE(refusal(ballot).find("did not follow the last primary, and has to be stopped there first"),
              std::string::npos);
  }
}

TEST(Verdict, DoesNotLetARunningPrimaryWinThatNobodyPromoted) {
  auto ballot = with_rogue();
  ballot.candidate = "srv3";
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv2"});
  EXPECT_NE(refusal(ballot).find("have diverged"), std::string::npos);
  // The last primary is known by its score, too.
  ballot.transition.promoted.clear();
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv2"});
}

TEST(Verdict, KeepsARunningPrimaryThatPacemakerOrTheScoresKnow) {
  for (const bool is_known_by_score : {false, true}) {
    auto ballot = with_rogue();
    ballot.candidate = "srv3";
    if (is_known_by_score) ballot.scores = {{"srv1", -1000}, {"srv2", 1000}, {"srv3", 1001}};
    else ballot.transition.promoted = {"srv3"};
    EXPECT_EQ(refusal(ballot), "");
  }
}

TEST(Verdict, DoesNotFailARunningPrimaryForADoubt) {
  auto ballot = with_rogue();  // moved by hand in maintenance: the former primary has WAL of its own
  ballot.candidate = "srv3";
  ballot.participants = {"srv1", "srv3"};
  ballot.votes = {{"srv1", {{1, {100}}, {}, false, 7}}, {"srv3", ballot.votes.at("srv3")}};
  ballot.transition.promoted = {"srv1"};
  EXPECT_EQ(refusal(ballot), "");
  EXPECT_EQ(judge(ballot).remarks.size(), 1U);
}

TEST(Verdict, PromotesNobodyPastASilentNode) {
  auto ballot = failover();
  ballot.votes.erase("srv3");
  EXPECT_EQ(open_question(ballot), std::nullopt);
  EXPECT_EQ(refusal(ballot), "no vote from srv3, online: may have more WAL than srv2");
  EXPECT_EQ(judge(ballot).successors, NodeList{});
}

TEST(Verdict, PassesOverANodeInMaintenanceAndSaysSo) {
  auto ballot = failover();
  ballot.votes.erase("srv3");
  ballot.in_maintenance = {"srv3"};
  EXPECT_EQ(refusal(ballot), "");
  EXPECT_EQ(judge(ballot).remarks,
            std::vector<std::string>{"srv3 is in maintenance and has no vote: what only it has is passed over"});
}

TEST(Verdict, CountsANodeInMaintenanceThatMayHaveAcknowledgedAlone) {
  auto ballot = failover();
  ballot.votes.erase("srv3");
  ballot.in_maintenance = {"srv3"};
  ballot.synchronous = {true, 1, {"srv1", "srv2", "srv3"}};
  EXPECT_TRUE(asks_for(ballot, Question::Scores));
  EXPECT_EQ(refusal(ballot).find("srv3 may have commits that no voter has (ANY 1): "), 0U) << refusal(ballot);
}

TEST(Verdict, RecoversTheLastPrimaryInPlaceThoughOthersAreSilent) {
  auto ballot = failover();  // the others run PAF's agent, which publishes nothing in a recovery
  ballot.candidate = "srv1";
  ballot.transition.start = ballot.transition.promote = {"srv1"};
  ballot.participants = {"srv1", "srv2", "srv3"};
  ballot.votes = {{"srv1", {{1, {100}}, {}, false, 7}}};
  EXPECT_TRUE(asks_for(ballot, Question::Scores));
  EXPECT_EQ(refusal(ballot), "");
  EXPECT_EQ(judge(ballot).remarks.size(), 1U);
  ballot.votes["srv3"] = {{1, {101}}};  // but nobody's vote is passed over
  EXPECT_NE(refusal(ballot).find("srv3 has more WAL"), std::string::npos);
  ballot.votes.erase("srv3");
  ballot.scores->at("srv2") = 1001;  // another one has kept the scores since
  EXPECT_NE(refusal(ballot).find("no vote from srv2, srv3"), std::string::npos);
}

/// srv1 was shut down at 100 and votes as a standby; srv2 takes over.
Ballot switchover() {
  auto ballot = failover();
  ballot.transition.stop.clear();
  ballot.participants = {"srv1", "srv2", "srv3"};
  for (auto& [node, vote] : ballot.votes) vote.position = {1, {200}};
  ballot.votes["srv1"] = {{1, {200}}, {}, false, 7};
  ballot.shutdown_checkpoints = {{"srv1", {{1, {100}}, 7}}};
  return ballot;
}

TEST(Verdict, WantsTheLastRecordOfASwitchover) {
  auto ballot = switchover();
  EXPECT_EQ(refusal(ballot), "");
  ballot.votes["srv2"].position.lsn = {100};
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv1"});
  EXPECT_EQ(refusal(ballot), "srv1 was shut down at 0/64 on timeline 1, srv2 only received 0/64 on timeline 1");
}

TEST(Verdict, PassesOverTheEndOfAFormerPrimaryThatItsSuccessorLeftBehind) {
  auto ballot = switchover();
  ballot.transition.promoted = {"srv4"};  // which promoted itself at 60 and is lost
  for (auto& [node, vote] : ballot.votes) vote = {{2, {200}}, {{1, {60}}}, false, 7};
  EXPECT_TRUE(asks_for(ballot, Question::Scores));
  EXPECT_NE(refusal(ballot), "") << "srv1 has the primary's score";
  ballot.scores->at("srv1") = -1000;
  EXPECT_EQ(refusal(ballot), "");
}

TEST(Verdict, PassesOverTheEndOfOneThatWasPromotedByHandBesideTheLastPrimary) {
  auto ballot = switchover();
  ballot.participants = {"srv2", "srv3"};
  ballot.shutdown_checkpoints = {{"srv3", {{2, {300}}, 7}}};
  ballot.votes["srv3"] = {{2, {400}}, {{1, {60}}}, false, 7};
  ballot.scores->at("srv3") = -1000;
  ballot.ends_with_shutdown = true;
  EXPECT_EQ(refusal(ballot), "");
}

TEST(Verdict, YieldsToTheFormerPrimaryWhateverACandidateClaimsThatLacksItsLastRecord) {
  auto ballot = switchover();
  ballot.shutdown_checkpoints.clear();  // PAF's agent, which may vote with the start of a segment
  ballot.votes["srv1"].position.lsn = {1};
  ballot.votes.erase("srv3");
  ballot.participants = {"srv1", "srv2"};
  ballot.ends_with_shutdown = false;
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv1"});
}

TEST(Verdict, AsksForNoEndOfADemotedPrimaryThatHasLeft) {
  auto ballot = switchover();
  ballot.shutdown_checkpoints.clear();
  ballot.participants = {"srv2", "srv3"};
  ballot.votes.erase("srv1");
  EXPECT_EQ(open_question(ballot), std::nullopt);
  EXPECT_EQ(refusal(ballot), "");
}

TEST(Verdict, LooksAtTheEndOfTheWalWhereTheFormerPrimaryPublishedNothing) {
  auto ballot = switchover();
  ballot.shutdown_checkpoints.clear();
  EXPECT_TRUE(asks_for(ballot, Question::WalEnd));
  ballot.ends_with_shutdown = true;
  EXPECT_EQ(refusal(ballot), "");
  ballot.ends_with_shutdown = false;
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv1"});
}

TEST(Verdict, SetsAsideWhoHasDivergedAndDidNotFollow) {
  auto ballot = failover();
  ballot.votes["srv3"] = {{2, {300}}, {{1, {60}}}, false, 7};
  ballot.scores->at("srv3") = -1000;
  EXPECT_TRUE(asks_for(ballot, Question::Scores));
  EXPECT_EQ(refusal(ballot), "");
  EXPECT_EQ(judge(ballot).remarks.size(), 1U);
  ballot.scores->at("srv3") = 990;
  EXPECT_EQ(judge(ballot).successors, NodeList{});
  EXPECT_NE(refusal(ballot).find("have diverged: each has WAL that the other lacks"), std::string::npos);
}

TEST(Verdict, YieldsToTheMostWal) {
  auto ballot = failover();
  ballot.votes["srv3"].position.lsn = {101};
  EXPECT_TRUE(asks_for(ballot, Question::Scores));
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv3"});
  EXPECT_EQ(refusal(ballot), "srv3 has more WAL, 0/65 on timeline 1, than srv2, 0/64 on timeline 1");
}

TEST(Verdict, YieldsToEachOfSeveralWithTheMostWalTheBestScoreFirst) {
  auto ballot = failover();
  ballot.participants.push_back("srv4");
  ballot.votes["srv3"].position.lsn = {101};
  ballot.votes["srv4"] = ballot.votes["srv3"];
  ballot.scores->emplace("srv4", 980);
  EXPECT_EQ(judge(ballot).successors, (NodeList{"srv3", "srv4"}));
}

TEST(Verdict, YieldsAtOnceToWhoIsPromotedInTheEnd) {
  auto ballot = failover();
  ballot.participants.push_back("srv4");
  ballot.votes["srv2"].position.lsn = {50};                    // behind both
  ballot.votes["srv4"] = {{2, {300}}, {{1, {60}}}, false, 7};  // would yield to srv3, which followed
  ballot.scores->emplace("srv4", -1000);
  EXPECT_NE(refusal(ballot).find("srv4 has more WAL"), std::string::npos);
  EXPECT_EQ(judge(ballot).successors, NodeList{"srv3"});
}

TEST(Verdict, YieldsToNobodyWhoCannotBePromotedEither) {
  auto ballot = switchover();
  ballot.votes["srv2"].position.lsn = {50};                    // srv1 would have to be promoted again
  ballot.votes["srv3"] = {{2, {300}}, {{1, {60}}}, false, 7};  // but has diverged from another follower
  EXPECT_EQ(judge(ballot).successors, NodeList{});
  EXPECT_NE(refusal(ballot), "");
}

TEST(Verdict, RefusesWhereAnAbsentNodeMayHaveAcknowledgedAloneAndTellsHowToGoOn) {
  auto ballot = failover();
  ballot.scores->emplace("srv4", 980);
  ballot.synchronous = {true, 1, {"srv1", "srv2", "srv3", "srv4"}};
  EXPECT_TRUE(asks_for(ballot, Question::Scores));
  EXPECT_EQ(judge(ballot).successors, NodeList{});
  EXPECT_EQ(refusal(ballot),
            "srv4 may have commits that no voter has (ANY 1): bring back, or give up what only it has: "
            "crm_attribute --name master-pgsqld --lifetime forever --node srv4 --update=-1000; "
            "crm_attribute --name master-pgsqld --lifetime forever --node srv2 --update=1");
  EXPECT_EQ(judge(ballot).hopeless, (NodeList{"srv2", "srv3"}));
  ballot.scores->at("srv4") = -1000;  // the command's effect
  EXPECT_EQ(refusal(ballot), "");
}

TEST(Verdict, AsksForNothingWhereEnoughOfTheListedHaveVoted) {
  auto ballot = failover();
  ballot.scores.reset();
  ballot.synchronous = {true, 1, {"srv2", "srv3"}};
  EXPECT_EQ(open_question(ballot), std::nullopt);
  EXPECT_EQ(refusal(ballot), "");
}

}  // namespace
}  // namespace pgsqlms::decision
