// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/lock_file.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::decision {
namespace {

using pg::LockHolder;

TEST(LockFile, MayGoWhereItNamesNobodyOrAStranger) {
  EXPECT_EQ(reason_to_keep({"", LockHolder::Nobody, 0, false}), std::nullopt);
  EXPECT_EQ(reason_to_keep({"", LockHolder::Stranger, 42, false}), std::nullopt);
}

TEST(LockFile, StaysWhereItMayBeAServers) {
  EXPECT_EQ(reason_to_keep({"", LockHolder::Server, 42, false}), "process 42 is a server");
  EXPECT_EQ(reason_to_keep({"", LockHolder::Hidden, 42, false}), "process 42 cannot be looked at");
}

TEST(LockFile, StaysWhereItsSocketOrMemoryIsInUseWhoeverIsNamed) {
  for (const auto kind : {LockHolder::Nobody, LockHolder::Stranger, LockHolder::Server, LockHolder::Hidden}) {
    EXPECT_EQ(reason_to_keep({"", kind, 42, true}), "its socket is in use");
  }
}

TEST(LockFile, IsALeftoverForAReason) {
  EXPECT_EQ(describe_leftover({"", LockHolder::Nobody, 0, false}), "no process is named in it");
  EXPECT_EQ(describe_leftover({"", LockHolder::Stranger, 42, false}), "process 42 is no server of this instance");
}

}  // namespace
}  // namespace pgsqlms::decision
