// SPDX-License-Identifier: PostgreSQL
// What libpq reads in a primary_conninfo.
#pragma once

#include <optional>
#include <string>

namespace pgsqlms::system {

struct Conninfo {
  std::optional<std::string> application_name;  ///< the last value wins, as in libpq
  std::string problem;                          ///< why it cannot be parsed, without any of its values; else empty
};

[[nodiscard]] Conninfo read_conninfo(const std::string& conninfo);

/// The same string without the options that this libpq does not know; unchanged if it has no form at all.
[[nodiscard]] std::string known_part_of(const std::string& conninfo);

/// Whether all its hosts are sockets or numeric addresses: libpq looks up names without a limit of time.
[[nodiscard]] bool needs_no_name_service(const std::string& conninfo);

}  // namespace pgsqlms::system
