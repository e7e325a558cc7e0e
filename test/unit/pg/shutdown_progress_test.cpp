// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/shutdown_progress.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::pg {
namespace {

TEST(HolderKind, OfAWalsenderIsThatOfAConsumerInADatabase) {
  const auto* const physical = "postgres: walsender repl 192.0.2.7(4711) streaming 0/3000060";
  const auto* const idle = "postgres: walsender repl 192.0.2.7(4711) START_REPLICATION";
  const auto* const old = "postgres: wal sender process repl [local] idle";
  for (const auto* title : {physical, idle, old}) EXPECT_EQ(holder_kind(title, false), HolderKind::WalSender) << title;
  EXPECT_EQ(holder_kind(physical, true), HolderKind::WalSender);
  EXPECT_EQ(holder_kind(idle, true), HolderKind::Consumer);
  EXPECT_EQ(holder_kind(old, true), HolderKind::Consumer);
}

TEST(HolderKind, IsTheSameWithAClusterName) {
  EXPECT_EQ(holder_kind("postgres: srv1: walsender repl [local] START_REPLICATION", true), HolderKind::Consumer);
  EXPECT_EQ(holder_kind("postgres: the shop: archiver archiving 000000010000000000000001", false),
            HolderKind::Archiver);
  EXPECT_EQ(holder_kind("postgres: walsender: checkpointer ", false), std::nullopt);
}

TEST(HolderKind, KnowsTheArchiver) {
  EXPECT_EQ(holder_kind("postgres: archiver ", false), HolderKind::Archiver);
  EXPECT_EQ(holder_kind("postgres: archiver process   last was 000000010000000000000001", false), HolderKind::Archiver);
}

TEST(HolderKind, KnowsSessionsByTheirClients) {
  EXPECT_EQ(holder_kind("postgres: shop shop 192.0.2.7(4711) SELECT", true), HolderKind::Session);
  EXPECT_EQ(holder_kind("postgres: archiver shop [local] idle", true), HolderKind::Session) << "a user of that name";
}

TEST(HolderKind, IsNothingForWhoEndsByItself) {
  for (const auto* title :
       {"postgres: checkpointer ", "postgres: walwriter ", "postgres: startup recovering 0000",
        "postgres: autovacuum worker shop", "/usr/lib/postgresql/15/bin/postgres", "postgres", ""}) {
    EXPECT_EQ(holder_kind(title, false), std::nullopt) << title;
  }
}

}  // namespace
}  // namespace pgsqlms::pg
