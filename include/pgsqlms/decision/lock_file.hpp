// SPDX-License-Identifier: PostgreSQL
// Whether a lock file that a server left behind may be removed.
#pragma once

#include <optional>
#include <string>

#include "pgsqlms/pg/instance.hpp"

namespace pgsqlms::decision {

/// Why it may belong to a server that lives; nothing if it may be removed. No process of the instance is left.
[[nodiscard]] std::optional<std::string> reason_to_keep(const pg::LockFile& file);

/// What makes it a leftover, for people.
[[nodiscard]] std::string describe_leftover(const pg::LockFile& file);

}  // namespace pgsqlms::decision
