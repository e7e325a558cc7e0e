// SPDX-License-Identifier: PostgreSQL
#include "fuzz.hpp"
#include "pgsqlms/decision/votes.hpp"
#include "pgsqlms/pg/timeline_history.hpp"
#include "pgsqlms/system/pacemaker_cluster.hpp"

using namespace pgsqlms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto values = system::parse_attributes(std::string(property::text_of(bytes, size)));
  for (const auto& [node, value] : values) property::must_hold(!value.empty(), "an empty value is none");
  const auto votes = decision::read_votes(values);
  property::must_hold(votes.size() <= values.size(), "a vote is a value");
  for (const auto& [node, vote] : votes) {
    const auto again = decision::read_votes({{node, published_form(vote)}}).at(node);
    property::must_hold(again.position == vote.position && again.system_identifier == vote.system_identifier &&
                            again.runs_as_primary == vote.runs_as_primary,
                        "a vote is read back as it is published");
  }
  static_cast<void>(pg::parse_timeline_history(property::text_of(bytes, size)));
  return 0;
}
