// SPDX-License-Identifier: PostgreSQL
// ServerLog: what a server writes to its logs from a moment on: to its standard streams and through its collector.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pgsqlms/pg/server_log.hpp"
#include "pgsqlms/system/user.hpp"

namespace pgsqlms::system {

/// Of log_destination jsonlog: a flat object in each line. What is none is passed over.
[[nodiscard]] std::vector<pg::LogEntry> read_json_log(std::string_view log);

class ServerLog {
 public:
  /// From now on. `output` is the file of the standard streams. The collector's files are those that the data
  /// directory's current_logfiles names when they are read (PostgreSQL 10 and newer).
  ServerLog(std::string output, std::string data_directory, const User& user);

  /// Why the server ended, in its own words, which are those of its log or, where that tells nothing, the last line
  /// that it or a program that it ran has printed. Empty if nothing tells.
  [[nodiscard]] std::string reason_for_end(const User& user) const;

 private:
  /// Of log_destination "stderr", "csvlog" or "jsonlog".
  struct LogFile {
    std::string destination;
    std::string path;
  };

  [[nodiscard]] std::vector<LogFile> collected() const;
  [[nodiscard]] std::string written_to(const std::string& path) const;

  std::string output_;
  std::string data_directory_;
  std::map<std::string, std::size_t> former_sizes_;
};

}  // namespace pgsqlms::system
