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

struct SettingName {
  const char* setting;
  const char* label;  ///< pg_controldata's word for it
};

/// Not all of them are in pg_control of all versions.
constexpr SettingName kHotStandbySettings[] = {
    {"max_connections", "max_connections"},
    {"max_worker_processes", "max_worker_processes"},
    {"max_wal_senders", "max_wal_senders"},
    {"max_prepared_transactions", "max_prepared_xacts"},
    {"max_locks_per_transaction", "max_locks_per_xact"},
};

std::optional<std::string_view> find_setting(std::string_view text, const std::string& label) {
  const auto value = find_value(text, label + " setting");
  return value ? value : find_value(text, "Current " + label + " setting");  // 9.3 and 9.4
}

std::map<std::string, int> find_hot_standby_settings(std::string_view text) {
  std::map<std::string, int> settings;
  for (const auto& [setting, label] : kHotStandbySettings) {
    if (const auto value = parse_number<int>(find_setting(text, label).value_or(""))) settings[setting] = *value;
  }
  return settings;
}

/// Also where a line is missing that would tell.
bool is_unfinished_backup(std::string_view text) {
  return find_value(text, "Backup start location") != "0/0" || find_value(text, "Backup end location") != "0/0" ||
         find_value(text, "End-of-backup record required") != "no";
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
  const auto wal_level = find_setting(text, "wal_level");
  const auto system_identifier = parse_number<SystemIdentifier>(value("Database system identifier"));
  if (!state || !checkpoint || !timeline || !minimum_recovery_timeline || !wal_level || !system_identifier) {
    return std::nullopt;
  }
  return ControlData{*state,
                     *checkpoint,
                     *timeline,
                     *minimum_recovery_timeline,
                     std::string(*wal_level),
                     *system_identifier,
                     find_hot_standby_settings(text),
                     Lsn::parse(value("Minimum recovery ending location")).value_or(Lsn{}),
                     is_unfinished_backup(text),
                     parse_number<std::uint64_t>(value("Bytes per WAL segment")).value_or(0)};
}

}  // namespace pgsqlms::pg
