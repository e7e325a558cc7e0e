// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/timeline_history.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"

namespace pgsqlms::pg {
namespace {

TEST(ParseTimelineHistory, ReadsWhereEachTimelineWasLeft) {
  constexpr auto kFile =
      "1\t0/3000060\tno recovery target specified\n\n2\t16/B374D848\tbefore 2000-01-01 00:00:00+00\n";
  EXPECT_EQ(parse_timeline_history(kFile), (TimelineHistory{{1, {0x3000060}}, {2, {0x16B374D848}}}));
}

TEST(ParseTimelineHistory, LeavesOutWhatIsNoEntry) {
  EXPECT_EQ(parse_timeline_history(""), TimelineHistory{});
  EXPECT_EQ(parse_timeline_history("# 9\t0/1\n1\n2 0\nx\t0/1\n-3\t0/1\n4\t0/60"), (TimelineHistory{{4, {0x60}}}));
}

}  // namespace
}  // namespace pgsqlms::pg
