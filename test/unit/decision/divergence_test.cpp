// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/divergence.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"

namespace pgsqlms::decision {
namespace {

using cluster::NodeList;

struct Voter {
  pg::WalPosition position;
  pg::TimelineHistory history;
};

/// Whether the two are found to have diverged; the answer must not depend on which of them is the candidate.
bool have_diverged(const Voter& a, const Voter& b) {
  const Votes votes = {{"a", a.position}, {"b", b.position}};
  const Histories histories = {{"a", a.history}, {"b", b.history}};
  const bool found = !find_diverged("a", {"a", "b"}, votes, histories).empty();
  EXPECT_EQ(find_diverged("b", {"a", "b"}, votes, histories).empty(), !found);
  return found;
}

TEST(FindDiverged, FindsNobodyOnOneTimeline) {
  EXPECT_FALSE(have_diverged({{1, {10}}, {}}, {{1, {99}}, {}}));
  EXPECT_FALSE(have_diverged({{2, {10}}, {{1, {5}}}}, {{2, {99}}, {{1, {5}}}}));
}

TEST(FindDiverged, FindsNobodyWhereTheOlderTimelineWasLeftLater) {
  EXPECT_FALSE(have_diverged({{1, {10}}, {}}, {{2, {30}}, {{1, {20}}}}));
  EXPECT_FALSE(have_diverged({{1, {20}}, {}}, {{2, {30}}, {{1, {20}}}}));
  EXPECT_FALSE(have_diverged({{1, {20}}, {}}, {{3, {50}}, {{1, {20}}, {2, {40}}}}));
}

TEST(FindDiverged, FindsWhoWentOnWhereTheOtherLeftTheTimeline) {
  EXPECT_TRUE(have_diverged({{1, {21}}, {}}, {{2, {30}}, {{1, {20}}}}));
  EXPECT_TRUE(have_diverged({{2, {41}}, {{1, {20}}}}, {{3, {50}}, {{1, {20}}, {2, {40}}}}));
}

TEST(FindDiverged, FindsTwoTimelinesOfOneNumber) {
  EXPECT_TRUE(have_diverged({{2, {30}}, {{1, {20}}}}, {{2, {30}}, {{1, {21}}}}));
  EXPECT_TRUE(have_diverged({{2, {30}}, {{1, {20}}}}, {{3, {50}}, {{1, {21}}, {2, {40}}}}));
}

TEST(FindDiverged, WithoutAHistoryBelievesTheTimelinesUnlessTheNewerOneHasTheLowerLsn) {
  EXPECT_FALSE(have_diverged({{1, {20}}, {}}, {{2, {30}}, {}}));
  EXPECT_FALSE(have_diverged({{1, {20}}, {}}, {{2, {20}}, {}}));
  EXPECT_TRUE(have_diverged({{1, {31}}, {}}, {{2, {30}}, {}}));
  // The older timelines are not published any more.
  EXPECT_FALSE(have_diverged({{1, {20}}, {}}, {{40, {900}}, {{39, {800}}, {38, {700}}}}));
}

TEST(FindDiverged, LooksAtTheParticipantsThatHaveVoted) {
  const Votes votes = {{"a", {1, {21}}}, {"b", {2, {30}}}, {"d", {2, {30}}}};
  const Histories histories = {{"b", {{1, {20}}}}, {"d", {{1, {20}}}}};
  EXPECT_EQ(find_diverged("a", {"a", "b", "c"}, votes, histories), NodeList{"b"});
}

TEST(PublishedVote, IsReadAgain) {
  const pg::WalPosition position{3, {100663296}};
  const pg::TimelineHistory history = {{1, {50331648}}, {2, {83886080}}};
  const auto text = published_vote(position, history);
  EXPECT_EQ(text, "3#100663296#2:83886080,1:50331648");
  EXPECT_EQ(read_votes({{"srv1", text}}).at("srv1"), position);
  EXPECT_EQ(read_histories({{"srv1", text}}).at("srv1"), history);
}

TEST(PublishedVote, IsThePredecessorsWhereThereIsNoHistory) {
  EXPECT_EQ(published_vote({9, {100663296}}, {}), "9#100663296");
  EXPECT_TRUE(read_histories({{"srv1", "9#100663296"}}).empty());
}

TEST(PublishedVote, TellsTheNewestTimelinesOnly) {
  pg::TimelineHistory history;
  for (pg::Timeline timeline = 1; timeline <= 100; ++timeline) history[timeline] = {timeline * 10};
  const auto told = read_histories({{"srv1", published_vote({101, {9999}}, history)}}).at("srv1");
  EXPECT_EQ(told.size(), 32U);
  EXPECT_EQ(told.begin()->first, 69U);
  EXPECT_EQ(told.rbegin()->first, 100U);
}

TEST(ReadHistories, LeavesOutWhatIsNoEntry) {
  const auto histories = read_histories({{"srv1", "3#9#2:,x:5,7,:4,1:8"}, {"srv2", "3#9#"}, {"srv3", ""}});
  EXPECT_EQ(histories, (Histories{{"srv1", {{1, {8}}}}}));
}

TEST(FollowedTheLastPrimary, IsWhoHasAScoreThatIsNotNegative) {
  const cluster::ScoreTable scores = {{"a", 1001}, {"b", 0}, {"c", -1}, {"d", -1000}, {"e", std::nullopt}, {"f", 990}};
  for (const auto* node : {"a", "b", "f"}) EXPECT_TRUE(followed_the_last_primary(node, scores)) << node;
  for (const auto* node : {"c", "d", "e", "unknown"}) EXPECT_FALSE(followed_the_last_primary(node, scores)) << node;
}

}  // namespace
}  // namespace pgsqlms::decision
