// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/server_log.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::system {
namespace {

TEST(ReadJsonLog, TakesTheObjectOfEachLine) {
  const auto entries = read_json_log(
      R"({"timestamp":"t","pid":4711,"error_severity":"FATAL","state_code":"58P01","message":"no \"x\"\u000anever \u00e9","hint":"do","backend_type":"startup"})"
      "\n{\"pid\":4712,\"message\":\"torn");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].process, 4711);
  EXPECT_EQ(entries[0].message, "no \"x\"\nnever é");
  EXPECT_EQ(entries[0].hint, "do");
  EXPECT_EQ(entries[0].backend_type, "startup");
}

TEST(ReadJsonLog, PassesOverWhatIsNoFlatObject) {
  for (const auto* const text : {"", "{", "{}x", "[1]", R"({"a":})", R"({"a":{"b":1}})", R"({"a":"\q"})",
                                 R"({"a":"\u00"})", R"({"a":1,})", R"({"a" 1})"}) {
    EXPECT_TRUE(read_json_log(text).empty()) << text;
  }
}

TEST(ReadJsonLog, TakesAnyPieceOfALog) {
  const std::string log =
      "{\"pid\":10,\"message\":\"a (PID 12) b\"}\n"
      "{\"pid\":12,\"error_severity\":\"FATAL\",\"message\":\"\\u00e9\"}\n";
  for (std::size_t begin = 0; begin < log.size(); ++begin) {
    for (std::size_t size = 0; begin + size <= log.size(); ++size) {
      EXPECT_LE(pg::reason_for_end(read_json_log(std::string_view(log).substr(begin, size))).size(), 200U);
    }
  }
}

}  // namespace
}  // namespace pgsqlms::system
