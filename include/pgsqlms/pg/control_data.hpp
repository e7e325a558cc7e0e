// SPDX-License-Identifier: PostgreSQL
// ControlData: what pg_control says of an instance, running or not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::pg {

/// PostgreSQL's DBState (catalog/pg_control.h).
enum class DbState {
  StartingUp,
  ShutDown,
  ShutDownInRecovery,
  ShuttingDown,
  InCrashRecovery,
  InArchiveRecovery,
  InProduction,
};

[[nodiscard]] std::string_view to_string(DbState state);

struct ControlData {
  DbState state = DbState::StartingUp;
  Lsn checkpoint;                          ///< "Latest checkpoint location"
  Timeline timeline = 0;                   ///< "Latest checkpoint's TimeLineID"
  Timeline minimum_recovery_timeline = 0;  ///< "Min recovery ending loc's timeline"; 0 on a primary
  std::string wal_level;
  SystemIdentifier system_identifier = 0;
  /// The settings of the primary, by name, below which no standby may be: hot standby is not possible then.
  std::map<std::string, int> hot_standby_settings = {};
  /// "Minimum recovery ending location": of an instance that was shut down in recovery, where its replay has ended; of
  /// any other standby, what it must have replayed before its data are consistent.
  Lsn minimum_recovery = {};
  bool is_unfinished_backup = false;  ///< a copy that has not replayed the WAL that was written while it was made
  std::uint64_t wal_segment_size = 0;
};

/// Parses what pg_controldata prints under LC_ALL=C, of 9.3 and newer. Nothing if a line is missing or not understood.
[[nodiscard]] std::optional<ControlData> parse_control_data(std::string_view text);

}  // namespace pgsqlms::pg
