// SPDX-License-Identifier: PostgreSQL
#include "fuzz.hpp"
#include "pgsqlms/pg/control_data.hpp"

using namespace pgsqlms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (const auto control = pg::parse_control_data(property::text_of(bytes, size))) {
    property::must_hold(!to_string(control->state).empty(), "a state has a name");
  }
  return 0;
}
