// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/cluster/promotion_score.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::cluster {
namespace {

TEST(PromotionScore, IsReadAsPacemakerWritesIt) {
  EXPECT_EQ(parse_score("1001"), 1001);
  EXPECT_EQ(parse_score("-1000"), -1000);
  EXPECT_EQ(parse_score("+10"), 10);
  EXPECT_EQ(parse_score("0"), 0);
  EXPECT_EQ(parse_score("INFINITY"), kInfinity);
  EXPECT_EQ(parse_score("+INFINITY"), kInfinity);
  EXPECT_EQ(parse_score("-INFINITY"), -kInfinity);
}

TEST(PromotionScore, IsCutAtInfinity) {
  EXPECT_EQ(parse_score("1000001"), kInfinity);
  EXPECT_EQ(parse_score("-5000000000"), -kInfinity);
}

TEST(PromotionScore, IsNotReadFromAnythingElse) {
  for (const auto* text : {"", "+", "-", "high", "10 ", " 10", "1.5", "infinity", "(null)", "10#"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(parse_score(text));
  }
}

TEST(PromotionScore, IsPrintedInTheFormThatIsRead) {
  for (const PromotionScore score : {1001, 1000, 990, 1, 0, -1, -1000, kInfinity, kForbiddenScore}) {
    SCOPED_TRACE(score);
    EXPECT_EQ(parse_score(to_string(score)), score);
  }
  EXPECT_EQ(to_string(kForbiddenScore), "-INFINITY");
}

TEST(PromotionScore, HasTheValuesOfThePredecessor) {
  EXPECT_EQ(kPrimaryScore, 1001);
  EXPECT_EQ(kBestStandbyScore, 1000);
  EXPECT_EQ(kStandbyScoreStep, 10);
  EXPECT_EQ(kLowestPromotableScore, 1);
  EXPECT_EQ(kNotReadyScore, -1);
  EXPECT_EQ(kDisconnectedScore, -1000);
}

}  // namespace
}  // namespace pgsqlms::cluster
