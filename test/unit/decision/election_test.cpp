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
      for (const auto& third : positions) all.push_back({{"srv1", {first}}, {"srv2", {second}}, {"srv3", {third}}});
  return all;
}

TEST(FindWinners, FindsNobodyForACandidateThatNobodyIsAheadOf) {
  for (const auto& votes : every_votes()) {
    SCOPED_TRACE(describe(votes));
    for (const auto& candidate : kNodes) {
      const bool is_beaten = std::any_of(votes.begin(), votes.end(), [&](const auto& vote) {
        return votes.at(candidate).position < vote.second.position;
      });
      ASSERT_EQ(find_winners(candidate, kNodes, votes, {}).empty(), !is_beaten);
    }
  }
}

TEST(FindWinners, FindsEveryNodeThatNobodyIsAheadOf) {
  for (const auto& votes : every_votes()) {
    SCOPED_TRACE(describe(votes));
    for (const auto& candidate : kNodes) {
      const auto winners = find_winners(candidate, kNodes, votes, {});
      if (winners.empty()) continue;
      for (const auto& [node, vote] : votes) {
        ASSERT_FALSE(votes.at(winners.front()).position < vote.position) << node;
        ASSERT_EQ(ocf::contains(winners, node), vote.position == votes.at(winners.front()).position) << node;
      }
    }
  }
}

TEST(FindWinners, DoesNotDependOnTheOrderOfTheParticipants) {
  const ScoreTable scores = {{"srv1", 1}, {"srv2", 990}, {"srv3", 990}};
  for (const auto& votes : every_votes()) {
    SCOPED_TRACE(describe(votes));
    auto participants = kNodes;
    const auto winners = find_winners("srv1", participants, votes, scores);
    while (std::next_permutation(participants.begin(), participants.end())) {
      ASSERT_EQ(find_winners("srv1", participants, votes, scores), winners);
    }
    participants.push_back("srv2");
    ASSERT_EQ(find_winners("srv1", participants, votes, scores), winners);
  }
}

TEST(FindWinners, ComparesLsnsAsNumbers) {
  const Votes votes = {{"srv1", {{1, {9}}}}, {"srv2", {{1, {10}}}}};
  EXPECT_EQ(find_winners("srv1", {"srv1", "srv2"}, votes, {}), NodeList{"srv2"});
}

TEST(FindWinners, PutsANewerTimelineAboveMoreWal) {
  const Votes votes = {{"srv1", {{1, {1000}}}}, {"srv2", {{2, {10}}}}};
  EXPECT_EQ(find_winners("srv1", {"srv1", "srv2"}, votes, {}), NodeList{"srv2"});
}

TEST(FindWinners, PutsTheHighestScoreFirstAndThenTheFirstName) {
  const Votes votes = {{"srv1", {{1, {5}}}}, {"srv2", {{1, {6}}}}, {"srv3", {{1, {6}}}}};
  EXPECT_EQ(find_winners("srv1", kNodes, votes, {{"srv2", 990}, {"srv3", 1000}}), (NodeList{"srv3", "srv2"}));
  EXPECT_EQ(find_winners("srv1", kNodes, votes, {{"srv2", 1000}, {"srv3", 990}}), (NodeList{"srv2", "srv3"}));
  EXPECT_EQ(find_winners("srv1", kNodes, votes, {{"srv2", std::nullopt}, {"srv3", -1000}}), (NodeList{"srv3", "srv2"}));
  EXPECT_EQ(find_winners("srv1", kNodes, votes, {}), (NodeList{"srv2", "srv3"}));
}

TEST(FindWinners, LooksAtParticipantsThatHaveVotedOnly) {
  const Votes votes = {{"srv1", {{1, {5}}}}, {"srv2", {{1, {6}}}}, {"srv3", {{1, {7}}}}};
  EXPECT_EQ(find_winners("srv1", {"srv1", "srv2", "srv9"}, votes, {{"srv9", 1000}}), NodeList{"srv2"});
}

TEST(FindSilent, NamesTheParticipantsThatDidNotVote) {
  const Votes votes = {{"srv1", {{1, {5}}}}, {"srv9", {{1, {5}}}}};
  EXPECT_EQ(find_silent(kNodes, votes), (NodeList{"srv2", "srv3"}));
  EXPECT_EQ(find_silent({"srv1"}, votes), NodeList{});
  EXPECT_EQ(find_silent({}, votes), NodeList{});
}

TEST(Concede, MakesPacemakerChooseTheWinner) {
  const Scores expected = {{"srv1", 1}, {"srv2", 1000}};
  const ScoreTable several[] = {{{"srv1", 1000}, {"srv2", 990}, {"srv3", 980}},
                                {{"srv1", 1001}, {"srv2", -1000}, {"srv3", -1000}},
                                {{"srv1", std::nullopt}, {"srv2", std::nullopt}},
                                {}};
  for (const auto& scores : several) EXPECT_EQ(concede("srv1", {"srv2"}, kNodes, scores, {}).scores, expected);
}

TEST(Concede, PutsTheWinnerAboveEveryOtherParticipant) {
  const ScoreTable scores = {{"srv1", 1001}, {"srv2", -1000}, {"srv3", 1000}};
  EXPECT_EQ(concede("srv1", {"srv2"}, kNodes, scores, {}).scores, (Scores{{"srv1", 1}, {"srv2", 1000}, {"srv3", 999}}))
      << "1001 would make it the last primary";
  EXPECT_EQ(concede("srv1", {"srv2"}, {"srv1", "srv2"}, scores, {}).scores, (Scores{{"srv1", 1}, {"srv2", 1000}}));
}

TEST(Concede, ForbidsTheCandidateThatConstraintsWouldChooseAgain) {
  const ScoreTable scores = {{"srv1", 990}, {"srv2", 1000}};
  const auto candidate_gets = [&](const ScoreTable& placement) {
    return concede("srv1", {"srv2"}, kNodes, scores, placement).scores.at("srv1");
  };
  EXPECT_EQ(candidate_gets({{"srv1", cluster::kInfinity}, {"srv2", 1000}}), kForbiddenScore);
  EXPECT_EQ(candidate_gets({{"srv1", 990 + 999}, {"srv2", 1000}}), kForbiddenScore);
  EXPECT_EQ(candidate_gets({{"srv1", 990 + 998}, {"srv2", 1000}}), 1);
  EXPECT_EQ(candidate_gets({{"srv1", 990 + 1998}, {"srv2", 1000 + 1000}}), 1);
  EXPECT_EQ(candidate_gets({{"srv1", 990}, {"srv2", 1000}}), 1);
  EXPECT_EQ(candidate_gets({{"srv2", 1000}}), 1);
  EXPECT_EQ(candidate_gets({}), 1);
}

TEST(Concede, ChangesNothingWhereAConstraintForbidsTheWinner) {
  const ScoreTable scores = {{"srv1", 990}, {"srv2", 1000}};
  for (const auto candidate : {990, cluster::kInfinity}) {
    const auto concession = concede("srv1", {"srv2"}, kNodes, scores, {{"srv1", candidate}, {"srv2", kForbiddenScore}});
    EXPECT_TRUE(concession.is_forbidden);
    EXPECT_EQ(concession.scores, Scores{});
  }
  EXPECT_EQ(concede("srv1", {"srv2", "srv3"}, kNodes, scores, {{"srv2", kForbiddenScore}}).winner, "srv3");
  // Here it is the score itself, which is about to change.
  EXPECT_FALSE(concede("srv1", {"srv2"}, kNodes, {{"srv1", 1}, {"srv2", kForbiddenScore}},
                       {{"srv1", 1}, {"srv2", kForbiddenScore}})
                   .is_forbidden);
}

TEST(IsChosenInSpiteOfScores, IsTrueWhereAnyOtherParticipantHasAHigherOne) {
  EXPECT_TRUE(is_chosen_in_spite_of_scores("srv1", kNodes, {{"srv1", 1}, {"srv2", 1}, {"srv3", 1000}}));
  EXPECT_FALSE(is_chosen_in_spite_of_scores("srv1", kNodes, {{"srv1", 1000}, {"srv2", 1000}, {"srv3", 1}}));
  EXPECT_FALSE(is_chosen_in_spite_of_scores("srv1", {"srv1", "srv2"}, {{"srv1", 1}, {"srv3", 1000}}));
  // It took the score 1 because nobody had one: the first start.
  EXPECT_FALSE(is_chosen_in_spite_of_scores("srv1", kNodes, {{"srv1", 1}, {"srv2", std::nullopt}}));
}

}  // namespace
}  // namespace pgsqlms::decision
