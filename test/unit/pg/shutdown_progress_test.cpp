// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/shutdown_progress.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::pg {
namespace {

TEST(HolderKind, OfAWalsenderTellsWhetherItDecodes) {
  EXPECT_EQ(holder_kind("postgres: walsender repl 192.0.2.7(4711) START_REPLICATION"), HolderKind::Consumer);
  EXPECT_EQ(holder_kind("postgres: walsender repl shop [local] START_REPLICATION"), HolderKind::Consumer);
  EXPECT_EQ(holder_kind("postgres: walsender repl 192.0.2.7(4711) streaming 0/3000060"), HolderKind::WalSender);
  EXPECT_EQ(holder_kind("postgres: walsender repl ::1(4711) idle"), HolderKind::WalSender);
  EXPECT_EQ(holder_kind("postgres: wal sender process repl [local] streaming 0/3000060"), HolderKind::WalSender);
  EXPECT_EQ(holder_kind("postgres: walsender repl [local]"), HolderKind::WalSender) << "update_process_title is off";
}

TEST(HolderKind, IsTheSameWithAClusterName) {
  EXPECT_EQ(holder_kind("postgres: srv1: walsender repl [local] START_REPLICATION"), HolderKind::Consumer);
  EXPECT_EQ(holder_kind("postgres: the shop: archiver archiving 000000010000000000000001"), HolderKind::Archiver);
  EXPECT_EQ(holder_kind("postgres: walsender: checkpointer "), std::nullopt);
}

TEST(HolderKind, KnowsTheArchiver) {
  EXPECT_EQ(holder_kind("postgres: archiver "), HolderKind::Archiver);
  EXPECT_EQ(holder_kind("postgres: archiver process   last was 000000010000000000000001"), HolderKind::Archiver);
}

TEST(HolderKind, KnowsSessionsByTheirClients) {
  EXPECT_EQ(holder_kind("postgres: shop shop 192.0.2.7(4711) SELECT"), HolderKind::Session);
  EXPECT_EQ(holder_kind("postgres: archiver shop [local] idle"), HolderKind::Archiver) << "of that name, and harmless";
}

TEST(HolderKind, IsNothingForWhoEndsByItself) {
  for (const auto* title :
       {"postgres: checkpointer ", "postgres: walwriter ", "postgres: startup recovering 0000",
        "postgres: autovacuum worker shop", "/usr/lib/postgresql/15/bin/postgres", "postgres", ""}) {
    EXPECT_EQ(holder_kind(title), std::nullopt) << title;
  }
}

}  // namespace
}  // namespace pgsqlms::pg
