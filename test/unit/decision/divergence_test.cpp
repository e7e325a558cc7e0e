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

TEST(WhoseWalCounts, IsDecidedByAScoreThatIsNotNegative) {
  const cluster::ScoreTable scores = {{"a", 1001}, {"b", 0}, {"c", -1}, {"d", -1000}, {"e", std::nullopt}, {"f", 990}};
  for (const auto* followed : {"a", "b", "f"}) {
    for (const auto* other : {"c", "d", "e", "unknown"}) {
      EXPECT_EQ(whose_wal_counts(followed, other, scores), followed) << other;
      EXPECT_EQ(whose_wal_counts(other, followed, scores), followed) << other;
    }
  }
  EXPECT_EQ(whose_wal_counts("a", "f", scores), std::nullopt);
  EXPECT_EQ(whose_wal_counts("c", "e", scores), std::nullopt);
}

}  // namespace
}  // namespace pgsqlms::decision
