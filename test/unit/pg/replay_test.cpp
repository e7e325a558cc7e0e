// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/replay.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"

namespace pgsqlms::pg {
namespace {

constexpr std::uint64_t kSegment = 16 << 20;
constexpr Lsn kGoal{0x3000148};  // in the middle of segment 3

ControlData in_archive_recovery() {
  ControlData control;
  control.state = DbState::InArchiveRecovery;
  control.minimum_recovery = kGoal;
  control.wal_segment_size = kSegment;
  return control;
}

std::string wal_file(unsigned number) { return "00000002000000000000000" + std::to_string(number); }

TEST(BeginOfWalFile, IsThatOfItsSegmentOnAnyTimeline) {
  EXPECT_EQ(begin_of_wal_file("000000010000000000000003", kSegment), Lsn{0x3000000});
  EXPECT_EQ(begin_of_wal_file("0000000A00000012000000FF", kSegment), (Lsn{0x12FF000000}));
  EXPECT_EQ(begin_of_wal_file("000000010000000200000001", std::uint64_t{1} << 30U), (Lsn{0x240000000}));
}

TEST(BeginOfWalFile, IsUnknownForAnyOtherName) {
  for (const auto* name : {"", "00000001", "00000001.history", "00000001000000000000000G", "archive", "for"}) {
    EXPECT_EQ(begin_of_wal_file(name, kSegment), std::nullopt) << name;
  }
}

TEST(IsConsistent, OnceAFileBehindTheGoalIsReplayed) {
  for (const bool idle : {false, true}) {
    EXPECT_TRUE(is_consistent(in_archive_recovery(), {idle, wal_file(4), std::nullopt}));
    EXPECT_FALSE(is_consistent(in_archive_recovery(), {idle, wal_file(2), std::nullopt})) << "WAL is missing";
  }
  EXPECT_FALSE(is_consistent(in_archive_recovery(), {false, wal_file(2), kGoal})) << "it has not replayed that yet";
}

TEST(IsConsistent, WithinTheFileOfTheGoalOnceThereIsNoMoreOrItIsStreamed) {
  EXPECT_FALSE(is_consistent(in_archive_recovery(), {false, wal_file(3), std::nullopt})) << "it may be before it";
  EXPECT_TRUE(is_consistent(in_archive_recovery(), {true, wal_file(3), std::nullopt}));
  EXPECT_TRUE(is_consistent(in_archive_recovery(), {false, wal_file(3), kGoal}));
  EXPECT_FALSE(is_consistent(in_archive_recovery(), {false, wal_file(3), Lsn{kGoal.bytes - 8}}));
}

TEST(IsConsistent, WhereTheGoalIsTheEndOfAFile) {
  auto control = in_archive_recovery();
  control.minimum_recovery = Lsn{0x4000000};
  EXPECT_TRUE(is_consistent(control, {true, wal_file(3), std::nullopt})) << "it waits for the next one";
  EXPECT_TRUE(is_consistent(control, {false, wal_file(4), std::nullopt}));
  EXPECT_FALSE(is_consistent(control, {false, wal_file(3), std::nullopt}));
}

TEST(IsConsistent, NeverForACopyThatIsNotWholeOrOutsideOfArchiveRecovery) {
  const Replay idle{true, wal_file(4), Lsn{0x4000148}};
  auto copy = in_archive_recovery();
  copy.is_unfinished_backup = true;
  EXPECT_FALSE(is_consistent(copy, idle));
  auto without_goal = in_archive_recovery();
  without_goal.minimum_recovery = {};
  EXPECT_FALSE(is_consistent(without_goal, idle));
  for (const auto state : {DbState::StartingUp, DbState::ShutDown, DbState::ShutDownInRecovery, DbState::ShuttingDown,
                           DbState::InCrashRecovery, DbState::InProduction}) {
    auto other = in_archive_recovery();
    other.state = state;
    EXPECT_FALSE(is_consistent(other, idle)) << to_string(state);
  }
}

TEST(IsConsistent, IsNotToldWithoutTheNameOfAFile) {
  EXPECT_FALSE(is_consistent(in_archive_recovery(), {true, "", std::nullopt})) << "update_process_title = off";
}

}  // namespace
}  // namespace pgsqlms::pg
