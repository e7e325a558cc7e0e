// SPDX-License-Identifier: PostgreSQL
// What every look at /proc needs.
#pragma once

#include <sys/types.h>

#include <cerrno>
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

/// Whether an error of a look at it says that there is no such process any more.
[[nodiscard]] inline bool says_gone(int error) { return error == ENOENT || error == ESRCH; }

}  // namespace pgsqlms::system
