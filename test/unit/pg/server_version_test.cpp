// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/server_version.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::pg {
namespace {

struct Row {
  const char* text;  ///< as in the file PG_VERSION
  int number;
  bool supported;
  bool has_wal_receiver_view;
  bool has_wal_names;
  bool has_standby_signal;
};

constexpr Row kRows[] = {
    {"8.4\n", 80400, false, false, false, false}, {"9.2\n", 90200, false, false, false, false},
    {"9.3\n", 90300, true, false, false, false},  {"9.5\n", 90500, true, false, false, false},
    {"9.6\n", 90600, true, true, false, false},   {"10\n", 100000, true, true, true, false},
    {"11\n", 110000, true, true, true, false},    {"12\n", 120000, true, true, true, true},
    {"15\n", 150000, true, true, true, true},     {"18\n", 180000, true, true, true, true},
};

TEST(ServerVersion, IsReadFromTheFileOfTheDataDirectory) {
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.text);
    const auto version = ServerVersion::parse(row.text);
    ASSERT_TRUE(version);
    EXPECT_EQ(version->number, row.number);
    EXPECT_EQ(to_string(*version) + "\n", row.text);
  }
}

TEST(ServerVersion, KnowsWhatItCanDo) {
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.text);
    const auto version = ServerVersion::parse(row.text).value();
    EXPECT_EQ(version.supported(), row.supported);
    EXPECT_EQ(version.has_wal_receiver_view(), row.has_wal_receiver_view);
    EXPECT_EQ(version.has_wal_names(), row.has_wal_names);
    EXPECT_EQ(version.replicates_by_database_line(), row.has_wal_names);
    EXPECT_EQ(version.has_standby_signal(), row.has_standby_signal);
  }
}

TEST(ServerVersion, IsNotReadFromAnythingElse) {
  for (const auto* text : {"", "\n", "fifteen", "15.2", "9.6.1", "-9", "9.x", "9.100", "15beta1", "99999"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(ServerVersion::parse(text));
  }
}

}  // namespace
}  // namespace pgsqlms::pg
