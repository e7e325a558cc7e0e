// SPDX-License-Identifier: PostgreSQL
#include "fuzz.hpp"
#include "pgsqlms/decision/votes.hpp"
#include "pgsqlms/pg/timeline_history.hpp"
#include "pgsqlms/system/pacemaker_cluster.hpp"

using namespace pgsqlms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto values = system::parse_attributes(std::string(property::text_of(bytes, size)));
  for (const auto& [node, value] : values) property::must_hold(!value.empty(), "an empty value is none");
  property::must_hold(decision::read_votes(values).size() <= values.size(), "a vote is a value");
  property::must_hold(decision::read_histories(values).size() <= values.size(), "a history is in a value");
  static_cast<void>(pg::parse_timeline_history(property::text_of(bytes, size)));
  return 0;
}
