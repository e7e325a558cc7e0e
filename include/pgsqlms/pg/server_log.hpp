// SPDX-License-Identifier: PostgreSQL
// What a server's log says, and which of it tells why the server ended.
//
// Written after PostgreSQL's documentation of log_line_prefix and csvlog. Nothing is thrown: what cannot be understood
// is passed over. For jsonlog see system/server_log.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgsqlms::pg {

/// How bad the server says it is. Also where it speaks another language.
enum class Severity { Other, Log, Warning, Fatal, Panic };

/// What the word stands for that a log has, in any of PostgreSQL's languages.
[[nodiscard]] Severity severity_of(std::string_view word);

struct LogEntry {
  Severity severity = Severity::Other;
  std::string sqlstate;      ///< empty where the log does not tell
  int process = 0;           ///< 0 where the log does not tell
  std::string backend_type;  ///< "postmaster", "startup", "client backend"; empty where the log does not tell
  std::string message;
  std::string detail;
  std::string hint;
  std::string context;
};

/// Of log_destination stderr. The pid is a number in brackets before the severity, as with the default of
/// log_line_prefix, or one that stands alone. Lines that programs of the server have printed are no entries.
[[nodiscard]] std::vector<LogEntry> read_stderr_log(std::string_view log);
/// The text has to begin with a record.
[[nodiscard]] std::vector<LogEntry> read_csv_log(std::string_view log);

/// Why the server ended that wrote these entries: the last PANIC, or FATAL of the postmaster or of a process whose end
/// the postmaster names; or the line before it that names the parameter, file or address. Never what a client or a
/// walreceiver was told. One line that ends with a whole word; empty if nothing tells.
[[nodiscard]] std::string reason_for_end(const std::vector<LogEntry>& entries);

/// One line of at most `limit` bytes that ends with a whole word.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t limit);

}  // namespace pgsqlms::pg
