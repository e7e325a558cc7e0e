// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace pgsqlms {
namespace {

using Parts = std::vector<std::string_view>;

TEST(ParseNumber, ReadsWhatIsANumberAsAWhole) {
  EXPECT_EQ(parse_number<int>("-42"), -42);
  EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_number<std::uint32_t>("B374D848", 16), 0xB374D848U);
}

TEST(ParseNumber, RefusesEverythingElse) {
  for (const auto* text : {"", " ", "7 ", " 7", "+7", "7x", "0x7", "1.5", "inf", "nan", "1e3", "--1"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(parse_number<int>(text));
  }
}

TEST(ParseNumber, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(parse_number<std::uint64_t>("18446744073709551616"));
  EXPECT_FALSE(parse_number<unsigned>("-1"));
  EXPECT_FALSE(parse_number<unsigned short>("65536"));
}

TEST(Trimmed, TakesBlanksFromBothEndsOnly) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(LastLine, IsTheLastOneThatIsMoreThanBlanks) {
  EXPECT_EQ(last_line("one\n  two \r\n \n\n"), "  two");
  EXPECT_EQ(last_line("one"), "one");
  EXPECT_EQ(last_line(" \n"), "");
  EXPECT_EQ(last_line(""), "");
}

TEST(Split, KeepsEmptyPartsBetweenSeparators) {
  EXPECT_EQ(split("a,,b", ","), (Parts{"a", "", "b"}));
  EXPECT_EQ(split(",a", ","), (Parts{"", "a"}));
}

TEST(Split, EndsWithTheLastSeparator) {
  EXPECT_EQ(split("a\nb\n", "\n"), (Parts{"a", "b"}));
  EXPECT_EQ(split("", "\n"), Parts{});
}

TEST(Words, AreSeparatedByAnyNumberOfBlanks) {
  EXPECT_EQ(words("  srv1 \t srv2\n"), (Parts{"srv1", "srv2"}));
  EXPECT_EQ(words(" "), Parts{});
}

}  // namespace
}  // namespace pgsqlms
