// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/process_title.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::pg {
namespace {

TEST(StartupWords, AreFoundWithAndWithoutAClusterName) {
  EXPECT_EQ(startup_words("postgres: startup recovering 000000010000000000000003  "),
            "recovering 000000010000000000000003");
  EXPECT_EQ(startup_words("postgres: srv1: startup waiting for 000000010000000000000004"),
            "waiting for 000000010000000000000004");
  EXPECT_EQ(startup_words("postgres: startup process   recovering 000000010000000000000003"),
            "recovering 000000010000000000000003")
      << "until PostgreSQL 10";
  EXPECT_EQ(startup_words("postgres: startup   "), "");
}

TEST(StartupWords, AreNotThoseOfOthers) {
  for (const auto* title :
       {"", "/usr/lib/postgresql/15/bin/postgres", "postgres: checkpointer",
        "postgres: walreceiver streaming 0/3000148", "postgres: startup_user postgres [local] idle"}) {
    EXPECT_EQ(startup_words(title), std::nullopt) << title;
  }
}

TEST(StreamedPosition, IsThatOfAWalreceiver) {
  EXPECT_EQ(streamed_position("postgres: walreceiver streaming 0/4010BA0  "), Lsn{0x4010BA0});
  EXPECT_EQ(streamed_position("postgres: srv2: walreceiver streaming 1/A0"), (Lsn{0x1000000A0}));
  EXPECT_EQ(streamed_position("postgres: wal receiver process   streaming 0/4010BA0"), Lsn{0x4010BA0})
      << "until PostgreSQL 10";
}

TEST(StreamedPosition, IsUnknownWhereNobodyStreams) {
  for (const auto* title :
       {"", "postgres: walreceiver", "postgres: walreceiver   ", "postgres: walreceiver streaming x",
        "postgres: walsender postgres 192.0.2.1(4711) streaming 0/4010BA0"}) {
    EXPECT_EQ(streamed_position(title), std::nullopt) << title;
  }
}

}  // namespace
}  // namespace pgsqlms::pg
