// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/wal_position.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"

namespace pgsqlms::pg {
namespace {

TEST(Lsn, IsReadFromPostgresqlsForm) {
  EXPECT_EQ(Lsn::parse("16/B374D848"), Lsn{0x16B374D848});
  EXPECT_EQ(Lsn::parse("0/0"), Lsn{0});
  EXPECT_EQ(Lsn::parse("0/3000000"), Lsn{0x3000000});
  EXPECT_EQ(Lsn::parse("ffffffff/ffffffff"), Lsn{UINT64_MAX});
}

TEST(Lsn, IsNotReadFromAnythingElse) {
  for (const auto* text : {"", "/", "0/", "/0", "16", "16/B374D848/0", "16/G", "0x16/0", "-1/0", "100000000/0",
                           "0/100000000", " 0/1", "0/1 ", "1#5", "0 / 1"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(Lsn::parse(text));
  }
}

TEST(Lsn, IsPrintedInTheFormThatIsRead) {
  for (const std::uint64_t bytes : {0ULL, 1ULL, 0x3000000ULL, 0x16B374D848ULL, 0x100000000ULL, ~0ULL}) {
    SCOPED_TRACE(bytes);
    EXPECT_EQ(Lsn::parse(to_string(Lsn{bytes})), Lsn{bytes});
  }
  EXPECT_EQ(to_string(Lsn{0x16B374D848}), "16/B374D848");
}

TEST(Lsn, IsOrderedAsANumberAndNotAsText) {
  EXPECT_LT(*Lsn::parse("9/0"), *Lsn::parse("10/0"));
  EXPECT_LT(*Lsn::parse("0/9000000"), *Lsn::parse("0/A000000"));
  EXPECT_LT(*Lsn::parse("0/FFFFFFFF"), *Lsn::parse("1/0"));
}

TEST(WalPosition, IsReadFromThePublishedForm) {
  const auto position = WalPosition::parse("9#100663296");
  ASSERT_TRUE(position);
  EXPECT_EQ(position->timeline, 9U);
  EXPECT_EQ(position->lsn, Lsn{100663296});
}

TEST(WalPosition, IsNotReadFromAnythingElse) {
  for (const auto* text : {"", "#", "9", "9#", "#9", "0#100663296", "-1#5", "1#-5", "1#5 ", " 1#5", "1#2#3", "1#0/5",
                           "a#1", "4294967296#1", "1#18446744073709551616", "0/5"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(WalPosition::parse(text));
  }
}

TEST(WalPosition, IsPublishedInTheFormThatIsRead) {
  const WalPosition positions[] = {{1, {0}}, {9, {100663296}}, {4294967295U, {UINT64_MAX}}};
  for (const auto& position : positions) {
    SCOPED_TRACE(published_form(position));
    EXPECT_EQ(WalPosition::parse(published_form(position)), position);
  }
  EXPECT_EQ(published_form({9, {100663296}}), "9#100663296");
}

TEST(WalPosition, IsOrderedByTimelineAndThenByLsn) {
  const WalPosition ascending[] = {{1, {5}}, {1, {9}}, {1, {10}}, {2, {4}}, {2, {11}}, {10, {0}}};
  for (std::size_t i = 0; i < std::size(ascending); ++i) {
    for (std::size_t j = 0; j < std::size(ascending); ++j) {
      EXPECT_EQ(ascending[i] < ascending[j], i < j) << ascending[i] << " < " << ascending[j];
      EXPECT_EQ(ascending[i] == ascending[j], i == j) << ascending[i] << " == " << ascending[j];
    }
  }
}

TEST(WalPosition, IsShownToPeopleAsPostgresqlShowsIt) {
  EXPECT_EQ(to_string(WalPosition{9, {0x6000000}}), "0/6000000 on timeline 9");
}

}  // namespace
}  // namespace pgsqlms::pg
