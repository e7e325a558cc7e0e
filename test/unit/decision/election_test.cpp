// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/election.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "fake/printing.hpp"

namespace pgsqlms::decision {
namespace {

using cluster::kForbiddenScore;
using cluster::NodeList;
using cluster::NodeName;
using cluster::ScoreTable;
using pg::WalPosition;

using Scores = std::map<NodeName, cluster::PromotionScore>;

const NodeList kNodes = {"srv1", "srv2", "srv3"};

/// All ways in which three nodes may stand on two timelines at three positions, equals included.
std::vector<Votes> every_votes() {
  const WalPosition positions[] = {{1, {5}}, {1, {6}}, {1, {10}}, {2, {5}}, {2, {6}}, {2, {10}}};
  std::vector<Votes> all;
  for (const auto& first : positions)
    for (const auto& second : positions)
      for (const auto& third : positions) all.push_back({{"srv1", first}, {"srv2", second}, {"srv3", third}});
  return all;
}

TEST(Elect, KeepsACandidateThatNobodyIsAheadOf) {
  for (const auto& votes : every_votes()) {
    SCOPED_TRACE(describe(votes));
    for (const auto& candidate : kNodes) {
      const bool is_beaten =
          std::any_of(votes.begin(), votes.end(), [&](const auto& vote) { return votes.at(candidate) < vote.second; });
      ASSERT_EQ(elect(candidate, kNodes, votes, {}) == candidate, !is_beaten);
    }
  }
}

TEST(Elect, NeverChoosesANodeThatIsBehindAnother) {
  for (const auto& votes : every_votes()) {
    SCOPED_TRACE(describe(votes));
    for (const auto& candidate : kNodes) {
      const auto winner = elect(candidate, kNodes, votes, {});
      for (const auto& [node, position] : votes) ASSERT_FALSE(votes.at(winner) < position) << winner << " " << node;
    }
  }
}

TEST(Elect, DoesNotDependOnTheOrderOfTheParticipants) {
  const ScoreTable scores = {{"srv1", 1}, {"srv2", 990}, {"srv3", 990}};
  for (const auto& votes : every_votes()) {
    SCOPED_TRACE(describe(votes));
    auto participants = kNodes;
    const auto winner = elect("srv1", participants, votes, scores);
    while (std::next_permutation(participants.begin(), participants.end())) {
      ASSERT_EQ(elect("srv1", participants, votes, scores), winner);
    }
  }
}

TEST(Elect, ComparesLsnsAsNumbers) {
  const Votes votes = {{"srv1", {1, {9}}}, {"srv2", {1, {10}}}};
  EXPECT_EQ(elect("srv1", {"srv1", "srv2"}, votes, {}), "srv2");
}

TEST(Elect, PutsANewerTimelineAboveMoreWal) {
  const Votes votes = {{"srv1", {1, {1000}}}, {"srv2", {2, {10}}}};
  EXPECT_EQ(elect("srv1", {"srv1", "srv2"}, votes, {}), "srv2");
}

TEST(Elect, ChoosesAmongEqualsTheOneWithTheHighestScore) {
  const Votes votes = {{"srv1", {1, {5}}}, {"srv2", {1, {6}}}, {"srv3", {1, {6}}}};
  EXPECT_EQ(elect("srv1", kNodes, votes, {{"srv2", 990}, {"srv3", 1000}}), "srv3");
  EXPECT_EQ(elect("srv1", kNodes, votes, {{"srv2", 1000}, {"srv3", 990}}), "srv2");
  EXPECT_EQ(elect("srv1", kNodes, votes, {{"srv2", std::nullopt}, {"srv3", -1000}}), "srv3");
}

TEST(Elect, ChoosesAmongEqualsOfOneScoreTheFirstByName) {
  const Votes votes = {{"srv1", {1, {5}}}, {"srv2", {1, {6}}}, {"srv3", {1, {6}}}};
  EXPECT_EQ(elect("srv1", kNodes, votes, {}), "srv2");
}

TEST(Elect, ChoosesOnlyAmongTheParticipants) {
  const Votes votes = {{"srv1", {1, {5}}}, {"srv2", {1, {6}}}, {"srv3", {1, {7}}}};
  EXPECT_EQ(elect("srv1", {"srv1", "srv2"}, votes, {}), "srv2");
}

TEST(Elect, PassesOverAParticipantWithoutAVote) {
  const Votes votes = {{"srv1", {1, {5}}}, {"srv3", {1, {6}}}};
  EXPECT_EQ(elect("srv1", kNodes, votes, {{"srv2", 1000}}), "srv3");
}

TEST(FindSilent, NamesTheParticipantsThatDidNotVote) {
  const Votes votes = {{"srv1", {1, {5}}}, {"srv9", {1, {5}}}};
  EXPECT_EQ(find_silent(kNodes, votes), (NodeList{"srv2", "srv3"}));
  EXPECT_EQ(find_silent({"srv1"}, votes), NodeList{});
  EXPECT_EQ(find_silent({}, votes), NodeList{});
}

ocf::NotifyContext with_running(const NodeList& nodes) {
  ocf::NotifyContext transition;
  transition.active = nodes;
  return transition;
}

TEST(ScoresForWinner, MakePacemakerChooseTheWinner) {
  const Scores expected = {{"srv1", 1}, {"srv2", 1000}};
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running(kNodes), {{"srv1", 1000}, {"srv2", 990}, {"srv3", 980}}),
            expected);
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running(kNodes), {{"srv1", 1001}, {"srv2", -1000}, {"srv3", -1000}}),
            expected);
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running(kNodes), {{"srv1", std::nullopt}, {"srv2", std::nullopt}}),
            expected);
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running({}), {}), expected);
}

TEST(ScoresForWinner, PutTheWinnerAboveEveryOtherParticipant) {
  const ScoreTable scores = {{"srv1", 1001}, {"srv2", -1000}, {"srv3", 1000}};
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running(kNodes), scores), (Scores{{"srv1", 1}, {"srv2", 1001}}));
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running({"srv1", "srv2"}), scores),
            (Scores{{"srv1", 1}, {"srv2", 1000}}));
}

TEST(ScoresForWinner, ForbidTheCandidateThatWasChosenInSpiteOfThem) {
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running(kNodes), {{"srv1", 1}, {"srv2", 1000}}),
            (Scores{{"srv1", kForbiddenScore}, {"srv2", 1000}}));
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running(kNodes), {{"srv1", 1}, {"srv2", 1}, {"srv3", 1000}}),
            (Scores{{"srv1", kForbiddenScore}, {"srv2", 1001}}));
}

TEST(ScoresForWinner, ForbidTheSameCandidateTheSecondTimeOnly) {
  ScoreTable scores = {{"srv1", 1000}, {"srv2", 990}, {"srv3", 980}};
  const auto first = scores_for_winner("srv1", "srv2", with_running(kNodes), scores);
  EXPECT_EQ(first.at("srv1"), 1);
  for (const auto& [node, score] : first) scores[node] = score;
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running(kNodes), scores).at("srv1"), kForbiddenScore);
}

TEST(ScoresForWinner, DoNotForbidWhoWasChosenWhileTheWinnerIsRecovered) {
  auto transition = with_running(kNodes);
  transition.stop = transition.start = {"srv2"};
  const ScoreTable scores = {{"srv1", 990}, {"srv2", 1001}, {"srv3", 1000}};
  EXPECT_EQ(scores_for_winner("srv1", "srv2", transition, scores), (Scores{{"srv1", 1}, {"srv2", 1001}}));
}

TEST(ScoresForWinner, DoNotForbidACandidateOfTheFirstStart) {
  // It took the score 1 because nobody had one.
  EXPECT_EQ(scores_for_winner("srv1", "srv2", with_running(kNodes), {{"srv1", 1}, {"srv2", std::nullopt}}).at("srv1"),
            1);
}

}  // namespace
}  // namespace pgsqlms::decision
