// SPDX-License-Identifier: PostgreSQL
// What every look at /proc needs.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pgsqlms/system/file.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {

/// "/proc/PID", or with "/cwd" and the like what is in it.
[[nodiscard]] inline std::string proc_entry(pid_t pid, const std::string& rest = "") {
  return "/proc/" + std::to_string(pid) + rest;
}

/// Those that can be seen; none where /proc cannot be read.
[[nodiscard]] inline std::vector<pid_t> all_processes() {
  std::vector<pid_t> processes;
  for (const auto& name : names_in("/proc")) {
    if (const auto pid = parse_number<pid_t>(name)) processes.push_back(*pid);
  }
  return processes;
}

/// The beginning of an entry, "cmdline" or the like; nothing if it cannot be read (see errno).
[[nodiscard]] std::optional<std::string> read_entry(pid_t pid, const char* name);

/// What /proc/PID/stat tells; times are in clock ticks.
struct ProcessStatus {
  char state = '?';
  pid_t parent = 0;
  std::uint64_t processor_time = 0;
  std::uint64_t start_time = 0;  ///< since the machine was booted
};

/// Nothing if no process has that pid.
[[nodiscard]] std::optional<ProcessStatus> status_of(pid_t pid);

/// 0 if there is no such process.
[[nodiscard]] pid_t parent_of(pid_t pid);

/// One of those that the process has started and that still run.
[[nodiscard]] std::optional<pid_t> child_of(pid_t parent);

/// Whether an error of a look at it says that there is no such process any more.
[[nodiscard]] inline bool says_gone(int error) { return error == ENOENT || error == ESRCH; }

}  // namespace pgsqlms::system
