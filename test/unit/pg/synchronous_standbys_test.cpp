// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/synchronous_standbys.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::pg {
namespace {

using Names = std::vector<std::string>;

struct Case {
  const char* setting;
  bool any;
  std::size_t count;
  Names names;
};

TEST(ParseSynchronousStandbyNames, ReadsEveryForm) {
  const Case cases[] = {
      {"", false, 0, {}},
      {"  ", false, 0, {}},
      {"srv2", false, 1, {"srv2"}},
      {"srv2, srv3", false, 1, {"srv2", "srv3"}},
      {"*", false, 1, {"*"}},
      {"2 (srv2, srv3,srv4)", false, 2, {"srv2", "srv3", "srv4"}},
      {"FIRST 2 (srv2, srv3)", false, 2, {"srv2", "srv3"}},
      {"first 1(srv2,srv3)", false, 1, {"srv2", "srv3"}},
      {"ANY 1 (srv2, srv3)", true, 1, {"srv2", "srv3"}},
      {"any 2 ( \"db-1\" , \"db.2\", * )", true, 2, {"db-1", "db.2", "*"}},
      {"ANY 1 (*)", true, 1, {"*"}},
      {R"("a ""quoted"" name", b)", false, 1, {"a \"quoted\" name", "b"}},
      {R"("first", "any")", false, 1, {"first", "any"}},
      {"first, any", false, 1, {"first", "any"}},
      {"\"(\", \",\"", false, 1, {"(", ","}},
  };
  for (const auto& expected : cases) {
    SCOPED_TRACE(expected.setting);
    const auto found = parse_synchronous_standby_names(expected.setting);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->any, expected.any);
    EXPECT_EQ(found->count, expected.count);
    EXPECT_EQ(found->names, expected.names);
  }
}

TEST(ParseSynchronousStandbyNames, FindsNothingInWhatTheServerWouldRefuse) {
  for (const auto* setting : {"srv2 srv3", "ANY 1", "ANY (a)", "ANY 0 (a)", "ANY -1 (a)", "1 ()", "ANY 1 (a,)", "(a)",
                              ",", "a,", "ANY 1 (a", "\"a", "ANY 1 a)", "1 (a) b", ")", "1)",
                              "\"1\""
                              " x"}) {
    EXPECT_FALSE(parse_synchronous_standby_names(setting)) << setting;
  }
}

TEST(IsListedAs, DoesNotRegardCase) {
  EXPECT_TRUE(is_listed_as("SRV2", "srv2"));
  EXPECT_FALSE(is_listed_as("srv2", "srv20"));
  EXPECT_FALSE(is_listed_as("srv20", "srv2"));
}

}  // namespace
}  // namespace pgsqlms::pg
