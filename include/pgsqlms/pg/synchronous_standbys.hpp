// SPDX-License-Identifier: PostgreSQL
// SynchronousStandbys: what the setting synchronous_standby_names asks for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgsqlms::pg {

/// An acknowledged commit is on the primary and on `count` standbys: with FIRST on those connected ones that stand
/// first in the list, with ANY on whichever.
struct SynchronousStandbys {
  bool any = false;
  std::size_t count = 0;           ///< 0: replication is asynchronous
  std::vector<std::string> names;  ///< application names as written; "*" stands for every standby
};

/// Reads all forms of all versions: "a, b", "2 (a, b)" (9.6), "FIRST 2 (a, b)", "ANY 2 (a, b)" (10). Nothing if it is
/// none of them.
[[nodiscard]] std::optional<SynchronousStandbys> parse_synchronous_standby_names(std::string_view setting);

/// Whether a name of the list means the standby with that application_name: as the server, without regard to case.
[[nodiscard]] bool is_listed_as(std::string_view name, std::string_view application_name);

}  // namespace pgsqlms::pg
