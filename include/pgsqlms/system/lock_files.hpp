// SPDX-License-Identifier: PostgreSQL
// PostgreSQL's lock files: postmaster.pid, and that of a socket, as CreateLockFile() of PostgreSQL reads them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "pgsqlms/pg/instance.hpp"

namespace pgsqlms::system {

/// Whose lock files are looked at.
struct LockOwner {
  uid_t user = 0;
  std::string data_directory;
  std::string host;  ///< the directory of its socket, else somebody's name
  std::string port;
};

/// What a server's postmaster.pid tells, as it stands there. What it does not tell is empty.
struct PidFile {
  std::string process;
  std::string port;
  std::string socket_directory;  ///< the first one
  std::string shared_memory;     ///< key and id
};

[[nodiscard]] PidFile read_pid_file(const std::string& data_directory);

/// postmaster.pid in the data directory, if a server would refuse to start for it. It removes by itself one that names
/// a process which is gone, or another user's.
[[nodiscard]] std::optional<pg::LockFile> obstructing_pid_file(const LockOwner& owner);

/// The same of the socket's lock file in that directory.
[[nodiscard]] std::optional<pg::LockFile> obstructing_socket_lock(const LockOwner& owner, const std::string& directory);

}  // namespace pgsqlms::system
