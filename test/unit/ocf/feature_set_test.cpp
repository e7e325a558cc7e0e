// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/feature_set.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace pgsqlms::ocf {
namespace {

TEST(FeatureSet, IsReadWithTwoOrThreeNumbers) {
  EXPECT_EQ(FeatureSet::parse("3.16.1")->numbers, (std::array<int, 3>{3, 16, 1}));
  EXPECT_EQ(FeatureSet::parse("3.9")->numbers, (std::array<int, 3>{3, 9, 0}));
}

TEST(FeatureSet, IsNotReadFromWhatIsNoVersion) {
  for (const auto* text : {"", "3", "3.0.10.1", "3.x.1", "v3.0.1", "3..1", "3.-1.0", " 3.0.10", "3.0.10 ", "three"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(FeatureSet::parse(text));
  }
}

TEST(FeatureSet, IsComparedNumberByNumber) {
  // Those of Pacemaker 1.1.12, 1.1.13, 1.1.16, 1.1.17, 2.0.0, 2.0.5, 2.1.0, 2.1.2, 2.1.5, 2.1.9 and 3.0.2.
  constexpr std::string_view kAscending[] = {"3.0.9",  "3.0.10", "3.0.11", "3.0.13", "3.1.0", "3.6.1",
                                             "3.10.0", "3.11.0", "3.16.1", "3.19.6", "3.20.5"};
  for (std::size_t i = 0; i < std::size(kAscending); ++i) {
    for (std::size_t j = 0; j < std::size(kAscending); ++j) {
      SCOPED_TRACE(std::string(kAscending[i]) + " < " + std::string(kAscending[j]));
      EXPECT_EQ(*FeatureSet::parse(kAscending[i]) < *FeatureSet::parse(kAscending[j]), i < j);
    }
  }
}

TEST(FeatureSet, OfPacemaker1_1_13IsTheOldestThatIsGoodEnough) {
  EXPECT_TRUE(*FeatureSet::parse("3.0.9") < kOldestFeatureSet);
  EXPECT_FALSE(*FeatureSet::parse("3.0.10") < kOldestFeatureSet);
}

}  // namespace
}  // namespace pgsqlms::ocf
