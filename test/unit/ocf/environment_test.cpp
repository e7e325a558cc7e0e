// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/environment.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::ocf {
namespace {

TEST(Environment, ReadsNamesUpToTheFirstEqualsSign) {
  const char* const variables[] = {"A=1", "B=x=y", "C=", "no variable", nullptr};
  const auto environment = Environment::from(variables);
  EXPECT_EQ(environment.find("A"), "1");
  EXPECT_EQ(environment.find("B"), "x=y");
  EXPECT_EQ(environment.find("C"), "");
  EXPECT_EQ(environment.find("D"), std::nullopt);
}

TEST(Environment, GivesTextWithoutBlanksAndBlankTextAsNone) {
  const Environment environment{{"A", "  some words "}, {"B", " "}, {"C", ""}};
  EXPECT_EQ(environment.text("A"), "some words");
  EXPECT_EQ(environment.text("B"), std::nullopt);
  EXPECT_EQ(environment.text("C"), std::nullopt);
  EXPECT_EQ(environment.text("D"), std::nullopt);
}

TEST(Environment, TakesOverASetVariable) {
  Environment environment{{"A", "1"}};
  environment.set("A", "2");
  EXPECT_EQ(environment.find("A"), "2");
}

TEST(IsTrue, HoldsForPacemakersFiveWordsInAnyCase) {
  for (const auto* text : {"true", "on", "yes", "y", "1", "TRUE", "On", "yEs", "Y"}) {
    SCOPED_TRACE(text);
    EXPECT_TRUE(is_true(text));
  }
}

TEST(IsTrue, HoldsForNothingElse) {
  for (const auto* text : {"", "false", "off", "no", "n", "0", "2", "truely", "t", " true", "11"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(is_true(text));
  }
}

}  // namespace
}  // namespace pgsqlms::ocf
