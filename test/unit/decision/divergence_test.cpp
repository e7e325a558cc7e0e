// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/divergence.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"

namespace pgsqlms::decision {
namespace {

/// The answer must not depend on which of the two is the candidate.
bool diverge(const Vote& a, const Vote& b) {
  EXPECT_EQ(have_diverged(a, b), have_diverged(b, a));
  return have_diverged(a, b);
}

TEST(HaveDiverged, IsFalseOnOneTimeline) {
  EXPECT_FALSE(diverge({{1, {10}}, {}}, {{1, {99}}, {}}));
  EXPECT_FALSE(diverge({{2, {10}}, {{1, {5}}}}, {{2, {99}}, {{1, {5}}}}));
}

TEST(HaveDiverged, IsFalseWhereTheOlderTimelineWasLeftLater) {
  EXPECT_FALSE(diverge({{1, {10}}, {}}, {{2, {30}}, {{1, {20}}}}));
  EXPECT_FALSE(diverge({{1, {20}}, {}}, {{2, {30}}, {{1, {20}}}}));
  EXPECT_FALSE(diverge({{1, {20}}, {}}, {{3, {50}}, {{1, {20}}, {2, {40}}}}));
}

TEST(HaveDiverged, IsTrueWhereOneWentOnAfterTheOtherLeftTheTimeline) {
  EXPECT_TRUE(diverge({{1, {21}}, {}}, {{2, {30}}, {{1, {20}}}}));
  EXPECT_TRUE(diverge({{2, {41}}, {{1, {20}}}}, {{3, {50}}, {{1, {20}}, {2, {40}}}}));
}

TEST(HaveDiverged, IsTrueOfTwoTimelinesOfOneNumber) {
  EXPECT_TRUE(diverge({{2, {30}}, {{1, {20}}}}, {{2, {30}}, {{1, {21}}}}));
  EXPECT_TRUE(diverge({{2, {30}}, {{1, {20}}}}, {{3, {50}}, {{1, {21}}, {2, {40}}}}));
}

TEST(HaveDiverged, WithoutAHistoryBelievesTheTimelinesUnlessTheNewerOneHasTheLowerLsn) {
  EXPECT_FALSE(diverge({{1, {20}}, {}}, {{2, {30}}, {}}));
  EXPECT_FALSE(diverge({{1, {20}}, {}}, {{2, {20}}, {}}));
  EXPECT_TRUE(diverge({{1, {31}}, {}}, {{2, {30}}, {}}));
  // The older timelines are not published any more.
  EXPECT_FALSE(diverge({{1, {20}}, {}}, {{40, {900}}, {{39, {800}}, {38, {700}}}}));
}

}  // namespace
}  // namespace pgsqlms::decision
