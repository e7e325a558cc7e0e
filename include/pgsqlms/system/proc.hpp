// SPDX-License-Identifier: PostgreSQL
// What every look at /proc needs.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <string>

namespace pgsqlms::system {

/// "/proc/PID", or with "/cwd" and the like what is in it.
[[nodiscard]] inline std::string proc_entry(pid_t pid, const std::string& rest = "") {
  return "/proc/" + std::to_string(pid) + rest;
}

/// Whether an error of a look at it says that there is no such process any more.
[[nodiscard]] inline bool says_gone(int error) { return error == ENOENT || error == ESRCH; }

}  // namespace pgsqlms::system
