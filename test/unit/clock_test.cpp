// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/clock.hpp"

#include <gtest/gtest.h>

#include "fake/fake_clock.hpp"

namespace pgsqlms {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(Deadline, ExpiresWhenItsTimeHasPassed) {
  fake::FakeClock clock;
  const Deadline deadline(clock, 1s);
  clock.sleep(999ms);
  EXPECT_FALSE(deadline.expired());
  clock.sleep(1ms);
  EXPECT_TRUE(deadline.expired());
}

TEST(Deadline, NeverHasLessThanNothingLeft) {
  fake::FakeClock clock;
  const Deadline deadline(clock, 1s);
  clock.sleep(5s);
  EXPECT_EQ(deadline.remaining(), 0ms);
}

TEST(Deadline, GivesAShareThatDoesNotOutliveIt) {
  fake::FakeClock clock;
  const Deadline deadline(clock, 10s);
  EXPECT_EQ(deadline.within(3s).remaining(), 3s);
  EXPECT_EQ(deadline.within(30s).remaining(), 10s);
}

TEST(Deadline, PausesNotBeyondItsEnd) {
  fake::FakeClock clock;
  const Deadline deadline(clock, 1s);
  const auto begin = clock.now();
  deadline.pause(600ms);
  deadline.pause(600ms);
  EXPECT_EQ(clock.now() - begin, 1s);
}

}  // namespace
}  // namespace pgsqlms
