// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/control_data.hpp"

#include <algorithm>
#include <iterator>

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

struct StateName {
  DbState state;
  std::string_view name;
};

constexpr StateName kStateNames[] = {
    {DbState::StartingUp, "starting up"},
    {DbState::ShutDown, "shut down"},
    {DbState::ShutDownInRecovery, "shut down in recovery"},
    {DbState::ShuttingDown, "shutting down"},
    {DbState::InCrashRecovery, "in crash recovery"},
    {DbState::InArchiveRecovery, "in archive recovery"},
    {DbState::InProduction, "in production"},
};

/// The value behind "label:" at the beginning of a line.
std::optional<std::string_view> find_value(std::string_view text, std::string_view label) {
  for (const auto line : split(text, "\n")) {
    if (line.size() > label.size() && line.substr(0, label.size()) == label && line[label.size()] == ':') {
      return trimmed(line.substr(label.size() + 1));
    }
  }
  return std::nullopt;
}

std::optional<DbState> parse_state(std::string_view name) {
  const auto* const row = std::find_if(std::begin(kStateNames), std::end(kStateNames),
                                       [&](const auto& candidate) { return candidate.name == name; });
  return row == std::end(kStateNames) ? std::nullopt : std::optional(row->state);
}

std::optional<std::string_view> find_wal_level(std::string_view text) {
  const auto value = find_value(text, "wal_level setting");
  return value ? value : find_value(text, "Current wal_level setting");  // 9.3 and 9.4
}

}  // namespace

std::string_view to_string(DbState state) {
  return std::find_if(std::begin(kStateNames), std::end(kStateNames),
                      [&](const auto& row) { return row.state == state; })
      ->name;
}

std::optional<ControlData> parse_control_data(std::string_view text) {
  const auto value = [&](std::string_view label) { return find_value(text, label).value_or(""); };
  const auto state = parse_state(value("Database cluster state"));
  const auto checkpoint = Lsn::parse(value("Latest checkpoint location"));
  const auto timeline = parse_number<Timeline>(value("Latest checkpoint's TimeLineID"));
  const auto minimum_recovery_timeline = parse_number<Timeline>(value("Min recovery ending loc's timeline"));
  const auto wal_level = find_wal_level(text);
  const auto system_identifier = parse_number<SystemIdentifier>(value("Database system identifier"));
  if (!state || !checkpoint || !timeline || !minimum_recovery_timeline || !wal_level || !system_identifier) {
    return std::nullopt;
  }
  return ControlData{
      *state, *checkpoint, *timeline, *minimum_recovery_timeline, std::string(*wal_level), *system_identifier};
}

}  // namespace pgsqlms::pg
