// SPDX-License-Identifier: PostgreSQL
#include "fuzz.hpp"
#include "pgsqlms/system/connection.hpp"

using namespace pgsqlms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto state = system::sqlstate_in(property::text_of(bytes, size));
  property::must_hold(state.empty() || state.size() == 5, "an SQLSTATE has five characters");
  return 0;
}
