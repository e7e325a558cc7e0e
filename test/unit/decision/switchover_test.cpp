// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/switchover.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"
#include "fake/recorded.hpp"

namespace pgsqlms::decision {
namespace {

constexpr std::uint64_t kCheckpoint = 0x303A4D0;

ocf::NotifyContext recorded_transition(const std::string& call) {
  return ocf::NotifyContext::read(fake::recorded_environment(call)).value();
}

TEST(FindMissedShutdown, FindsNoneBeyondTheCheckpoint) {
  EXPECT_FALSE(find_missed_shutdown({{1, {kCheckpoint + 1}}}, {{"srv2", {{1, {kCheckpoint}}}}}));
  EXPECT_FALSE(find_missed_shutdown({{1, {kCheckpoint + 0x78}}}, {{"srv2", {{1, {kCheckpoint}}}}}));
}

TEST(FindMissedShutdown, FindsTheCheckpointThatWasNotReceived) {
  for (const std::uint64_t received : {kCheckpoint, kCheckpoint - 1, std::uint64_t{0x3029C18}, std::uint64_t{0}}) {
    SCOPED_TRACE(received);
    const auto missed = find_missed_shutdown({{1, {received}}}, {{"srv2", {{1, {kCheckpoint}}}}});
    ASSERT_TRUE(missed);
    EXPECT_EQ(missed->node, "srv2");
    EXPECT_EQ(missed->checkpoint, (pg::WalPosition{1, {kCheckpoint}}));
  }
}

TEST(FindMissedShutdown, FindsACheckpointThatTheCandidatesHistoryDoesNotHold) {
  const auto left_at = [](std::uint64_t lsn) { return Vote{{2, {kCheckpoint * 2}}, {{1, {lsn}}}}; };
  EXPECT_TRUE(find_missed_shutdown(left_at(kCheckpoint - 1), {{"srv2", {{1, {kCheckpoint}}}}}));
  EXPECT_TRUE(find_missed_shutdown(left_at(kCheckpoint), {{"srv2", {{1, {kCheckpoint}}}}}));
  EXPECT_FALSE(find_missed_shutdown(left_at(kCheckpoint + 0x78), {{"srv2", {{1, {kCheckpoint}}}}}));
}

TEST(FindMissedShutdown, TakesACheckpointOnAnOlderTimelineForHistoryWhereNoneIsKnown) {
  EXPECT_FALSE(find_missed_shutdown({{2, {kCheckpoint - 1}}}, {{"srv2", {{1, {kCheckpoint}}}}}));
}

TEST(FindMissedShutdown, FindsACheckpointOnANewerTimeline) {
  EXPECT_TRUE(find_missed_shutdown({{1, {kCheckpoint + 1}}}, {{"srv2", {{2, {kCheckpoint}}}}}));
}

TEST(FindMissedShutdown, LooksAtEveryNode) {
  const ShutdownCheckpoints checkpoints = {
      {"srv1", {{1, {10}}}}, {"srv2", {{1, {kCheckpoint}}}}, {"srv3", {{1, {20}}}}};
  EXPECT_EQ(find_missed_shutdown({{1, {kCheckpoint}}}, checkpoints)->node, "srv2");
  EXPECT_FALSE(find_missed_shutdown({{1, {kCheckpoint + 1}}}, checkpoints));
}

TEST(FindMissedShutdown, FindsNoneWhereNothingWasPublished) { EXPECT_FALSE(find_missed_shutdown({{1, {1}}}, {})); }

TEST(FindMissedShutdown, PassesOverThatOfAnotherSystem) {
  const Vote candidate{{1, {10}}, {}, false, 7};
  EXPECT_FALSE(find_missed_shutdown(candidate, {{"srv2", {{1, {kCheckpoint}}, 8}}}));
  EXPECT_TRUE(find_missed_shutdown(candidate, {{"srv2", {{1, {kCheckpoint}}, 7}}}));
  EXPECT_TRUE(find_missed_shutdown(candidate, {{"srv2", {{1, {kCheckpoint}}, 0}}}));  // an older agent's
}

TEST(FindDemotedPrimary, FindsThatOfASwitchover) {
  const auto transition = recorded_transition("switchover-srv2-to-srv1/12-srv1-promote.env");
  EXPECT_EQ(find_demoted_primary(transition, "srv1"), "srv2");
}

TEST(FindDemotedPrimary, FindsNoneInARecoveryInPlace) {
  const auto transition = recorded_transition("primary-crash-srv1-recovered-in-place/25-srv1-promote.env");
  EXPECT_EQ(find_demoted_primary(transition, "srv1"), std::nullopt);
}

TEST(FindDemotedPrimary, FindsNoneInAFailover) {
  auto transition = recorded_transition("switchover-srv2-to-srv1/12-srv1-promote.env");
  transition.stop = {"srv2"};
  EXPECT_EQ(find_demoted_primary(transition, "srv1"), std::nullopt);
}

TEST(FindDemotedPrimary, FindsNotTheCandidateItself) {
  auto transition = recorded_transition("primary-crash-srv1-recovered-in-place/25-srv1-promote.env");
  transition.stop = {};
  EXPECT_EQ(find_demoted_primary(transition, "srv1"), std::nullopt);
  EXPECT_EQ(find_demoted_primary(transition, "srv2"), "srv1");
}

TEST(FindDemotedPrimary, FindsNoneThatWasNotPromoted) {
  auto transition = recorded_transition("switchover-srv2-to-srv1/12-srv1-promote.env");
  transition.promoted = {};
  EXPECT_EQ(find_demoted_primary(transition, "srv1"), std::nullopt);
  EXPECT_EQ(find_demoted_primary({}, "srv1"), std::nullopt);
}

}  // namespace
}  // namespace pgsqlms::decision
