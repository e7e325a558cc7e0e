// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/shutdown.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::decision {
namespace {

using pg::HolderKind;

pg::ShutdownProgress progress_of(bool is_written, const std::vector<HolderKind>& kinds) {
  pg::ShutdownProgress progress{is_written, {}, 44};
  for (const auto kind : kinds) progress.holders.push_back({kind, 812, "somebody"});
  return progress;
}

TEST(ShutdownStep, EndsConsumersOnly) {
  for (const bool is_written : {false, true}) {
    EXPECT_EQ(next_step(progress_of(is_written, {HolderKind::Consumer})), ShutdownStep::EndConsumers);
    EXPECT_EQ(next_step(progress_of(is_written, {HolderKind::WalSender, HolderKind::Archiver, HolderKind::Consumer})),
              ShutdownStep::EndConsumers);
  }
}

TEST(ShutdownStep, WaitsForStandbysAndSessions) {
  for (const bool is_written : {false, true}) {
    EXPECT_EQ(next_step(progress_of(is_written, {})), ShutdownStep::Wait);
    EXPECT_EQ(next_step(progress_of(is_written, {HolderKind::WalSender})), ShutdownStep::Wait);
    EXPECT_EQ(next_step(progress_of(is_written, {HolderKind::Archiver, HolderKind::WalSender})), ShutdownStep::Wait);
    EXPECT_EQ(next_step(progress_of(is_written, {HolderKind::Session, HolderKind::Archiver})), ShutdownStep::Wait);
  }
}

TEST(ShutdownStep, EndsArchivingOnceAllIsWrittenAndSent) {
  auto progress = progress_of(true, {HolderKind::Archiver});
  EXPECT_EQ(next_step(progress), ShutdownStep::EndArchiving);
  progress.unarchived = 0;
  EXPECT_EQ(next_step(progress), ShutdownStep::Wait) << "it ends by itself";
  EXPECT_EQ(next_step(progress_of(false, {HolderKind::Archiver})), ShutdownStep::Wait);
}

TEST(Holders, AreDescribedForPeople) {
  EXPECT_EQ(describe_holders(progress_of(false, {})), "");
  EXPECT_EQ(describe_holders(progress_of(false, {HolderKind::WalSender, HolderKind::Consumer})),
            "somebody, pid 812; somebody, pid 812");
}

TEST(Holders, IncludeTheArchiverOnlyWhenItIsItsTurn) {
  EXPECT_EQ(describe_holders(progress_of(true, {HolderKind::Archiver})), "somebody, pid 812, 44 WAL segments to go");
  EXPECT_EQ(describe_holders(progress_of(true, {HolderKind::WalSender, HolderKind::Archiver})), "somebody, pid 812");
}

}  // namespace
}  // namespace pgsqlms::decision
