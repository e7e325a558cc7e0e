// SPDX-License-Identifier: PostgreSQL
#include "fuzz.hpp"
#include "pgsqlms/pg/synchronous_standbys.hpp"
#include "pgsqlms/system/conninfo.hpp"

using namespace pgsqlms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string conninfo(property::text_of(bytes, size));
  const auto read = system::read_conninfo(conninfo);
  static_cast<void>(system::needs_no_name_service(system::known_part_of(conninfo)));
  property::must_hold(read.problem.empty() || !read.application_name, "what cannot be parsed has no name");
  property::must_hold(read.problem.empty() || read.problem == "it is not a valid connection string",
                      "a problem shows nothing of the string");
  if (const auto standbys = pg::parse_synchronous_standby_names(property::text_of(bytes, size))) {
    property::must_hold((standbys->count == 0) == standbys->names.empty(), "who waits, waits for somebody");
  }
  return 0;
}
