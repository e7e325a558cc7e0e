// SPDX-License-Identifier: PostgreSQL
// Runs the conformance cases, one test each, and compares them with what is promised and what is written.
// conformance_test --differences prints docs/differences-from-paf.md.
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "conformance_case.hpp"
#include "promises.hpp"

namespace pgsqlms::test {
namespace {

class Conformance : public testing::Test {
 public:
  explicit Conformance(ConformanceCase subject) : subject_(std::move(subject)) {}
  void TestBody() override { EXPECT_EQ(judge(subject_), "") << subject_.situation << ", " << subject_.action; }

 private:
  ConformanceCase subject_;
};

std::set<std::string> ids_of_cases() {
  std::set<std::string> ids;
  for (const auto& subject : all_cases()) {
    for (auto& id : ids_of(subject.name)) ids.insert(std::move(id));
  }
  return ids;
}

TEST(Promises, HaveACaseEach) {
  const auto shown = ids_of_cases();
  for (const auto& promise : kPromises) EXPECT_EQ(shown.count(promise.id), 1U) << promise.id << ": " << promise.words;
}

TEST(Promises, AreNamedByEveryCase) {
  std::set<std::string> known;
  for (const auto& promise : kPromises) EXPECT_TRUE(known.insert(promise.id).second) << promise.id << " twice";
  for (const auto& subject : all_cases()) {
    EXPECT_FALSE(ids_of(subject.name).empty()) << subject.name;
    for (const auto& id : ids_of(subject.name)) EXPECT_EQ(known.count(id), 1U) << subject.name;
  }
}

TEST(Differences, AreThereWhereACaseSaysWhy) {
  for (const auto& subject : all_cases()) {
    const bool same = subject.ours.code == subject.paf.code && subject.ours.found == subject.paf.found;
    EXPECT_EQ(differs(subject), !same) << subject.name;
    EXPECT_EQ(subject.look == nullptr, subject.ours.found.empty()) << subject.name;
    EXPECT_NE(subject.ours.code, kDoesNotReturn) << subject.name;
  }
}

TEST(Differences, AreThoseOfTheDocument) {
  EXPECT_EQ(contents_of(PGSQLMS_SOURCE "/docs/differences-from-paf.md"), differences_document(all_cases()))
      << "print it anew: build/test/program/conformance_test --differences > docs/differences-from-paf.md";
}

}  // namespace
}  // namespace pgsqlms::test

int main(int argc, char** argv) {
  using namespace pgsqlms::test;
  if (argc == 2 && std::string(argv[1]) == "--differences") {
    std::cout << differences_document(all_cases());
    return 0;
  }
  for (const auto& subject : all_cases()) {
    testing::RegisterTest("Conformance", subject.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [subject]() -> testing::Test* { return new Conformance(subject); });
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
