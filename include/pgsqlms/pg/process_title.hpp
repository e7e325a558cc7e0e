// SPDX-License-Identifier: PostgreSQL
// What PostgreSQL's processes say of themselves in their titles, such as "postgres: srv1: startup recovering
// 000000010000000000000003" with the cluster_name srv1.
#pragma once

#include <optional>
#include <string_view>

#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::pg {

/// The title without "postgres: " and the cluster_name; empty for the postmaster.
[[nodiscard]] std::string_view own_words(std::string_view title);

/// What the startup process is about, "recovering 000000010000000000000003"; nothing if it is another one.
[[nodiscard]] std::optional<std::string_view> startup_words(std::string_view title);

/// How far a walreceiver has streamed; nothing if it is another process, or does not stream.
[[nodiscard]] std::optional<Lsn> streamed_position(std::string_view title);

}  // namespace pgsqlms::pg
