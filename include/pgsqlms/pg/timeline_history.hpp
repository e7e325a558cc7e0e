// SPDX-License-Identifier: PostgreSQL
// TimelineHistory: the timelines that led to the one an instance is on.
#pragma once

#include <map>
#include <string_view>

#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::pg {

/// Each former timeline with the LSN at which it was left for the next one. Empty on the first timeline.
using TimelineHistory = std::map<Timeline, Lsn>;

/// Parses a timeline history file (pg_wal/0000000N.history): parent timeline, switchpoint, reason. Lines that are none
/// are left out.
[[nodiscard]] TimelineHistory parse_timeline_history(std::string_view text);

}  // namespace pgsqlms::pg
