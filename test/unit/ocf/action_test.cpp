// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/action.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace pgsqlms::ocf {
namespace {

TEST(Actions, AreThoseOfThePredecessorAndReloadAgent) {
  std::set<std::string_view> names;
  for (const auto& spec : kActions) names.insert(spec.name);
  const std::set<std::string_view> expected = {"start",        "stop",      "promote", "demote",
                                               "monitor",      "notify",    "reload",  "reload-agent",
                                               "validate-all", "meta-data", "methods"};
  EXPECT_EQ(names, expected);
}

TEST(Actions, HaveARowForEachEnumerator) {
  for (int i = 0; i <= static_cast<int>(Action::Methods); ++i) {
    const auto action = static_cast<Action>(i);
    EXPECT_EQ(spec_of(action).action, action);
  }
}

TEST(Actions, AreFoundByTheirExactName) {
  for (const auto& spec : kActions) {
    SCOPED_TRACE(spec.name);
    ASSERT_NE(find_action(spec.name), nullptr);
    EXPECT_EQ(find_action(spec.name)->action, spec.action);
  }
}

TEST(Actions, AreNotFoundByAnyOtherName) {
  for (const auto* name : {"", "Start", "start ", "status", "reload_agent", "meta", "--help"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(find_action(name), nullptr);
  }
}

TEST(Actions, HaveSummariesAndTimeouts) {
  for (const auto& spec : kActions) {
    SCOPED_TRACE(spec.name);
    EXPECT_FALSE(spec.summary.empty());
    EXPECT_GT(spec.timeout.count(), 0);
  }
}

TEST(Actions, SuggestMonitorsThatPacemakerCanTellApart) {
  // Two recurring operations of one name must differ in their interval.
  std::set<std::pair<std::string_view, std::chrono::seconds>> seen;
  for (const auto& spec : kActions) {
    SCOPED_TRACE(spec.name);
    EXPECT_TRUE(seen.emplace(spec.name, spec.interval).second);
    EXPECT_EQ(spec.interval.count() > 0, spec.action == Action::Monitor);
  }
}

}  // namespace
}  // namespace pgsqlms::ocf
