// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/timeline_history.hpp"

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {

TimelineHistory parse_timeline_history(std::string_view text) {
  TimelineHistory history;
  for (const auto line : split(text, "\n")) {
    const auto fields = words(line);
    if (fields.size() < 2) continue;
    const auto timeline = parse_number<Timeline>(fields[0]);
    const auto left_at = Lsn::parse(fields[1]);
    if (timeline && left_at) history[*timeline] = *left_at;
  }
  return history;
}

}  // namespace pgsqlms::pg
