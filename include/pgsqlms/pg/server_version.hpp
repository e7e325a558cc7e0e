// SPDX-License-Identifier: PostgreSQL
// ServerVersion: the major version of an instance, and by name what each version can do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgsqlms::pg {

/// `number` is PostgreSQL's server_version_num without the minor release: 90600 for 9.6, 150000 for 15.
struct ServerVersion {
  int number = 0;

  /// Parses the contents of the file PG_VERSION: "9.6\n", "15\n".
  [[nodiscard]] static std::optional<ServerVersion> parse(std::string_view text);

  [[nodiscard]] bool supported() const { return number >= 90300; }
  /// standby.signal and settings in postgresql.conf instead of recovery.conf.
  [[nodiscard]] bool has_standby_signal() const { return number >= 120000; }
  /// Functions and columns are named wal and lsn instead of xlog and location.
  [[nodiscard]] bool has_wal_names() const { return number >= 100000; }
  /// A connection with replication=database is judged by pg_hba.conf's lines for databases.
  [[nodiscard]] bool replicates_by_database_line() const { return number >= 100000; }
  /// Backends take back what their postmaster is spared by the out-of-memory killer, as PG_OOM_ADJUST_FILE tells them.
  [[nodiscard]] bool adjusts_oom_score() const { return number >= 90500; }
  [[nodiscard]] bool has_wal_receiver_view() const { return number >= 90600; }
};

[[nodiscard]] std::string to_string(ServerVersion version);

}  // namespace pgsqlms::pg
