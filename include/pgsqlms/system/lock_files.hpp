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

/// What a server's postmaster.pid tells, as it stands there. What it does not tell is empty. The lock file of a socket
/// has no shared memory.
struct PidFile {
  std::string process;
  std::string data_directory;
  std::string port;
  std::string socket_directory;  ///< the first one
  std::string shared_memory;     ///< key and id
};

[[nodiscard]] PidFile read_lock_file(const std::string& path);
[[nodiscard]] PidFile read_pid_file(const std::string& data_directory);

/// The process that a lock file names, be it alive or not; 0 if it names none.
[[nodiscard]] pid_t process_in(const PidFile& file);

/// Whether a process has the shared memory that the file names, and it is the server's that wrote the file: after a
/// reboot another one may have the same key and id.
[[nodiscard]] bool is_memory_in_use(const PidFile& file);

/// postmaster.pid in the data directory, if a server would refuse to start for it. It removes by itself one that names
/// a process which is gone, or another user's.
[[nodiscard]] std::optional<pg::LockFile> obstructing_pid_file(const LockOwner& owner);

/// The same of the socket's lock file in that directory.
[[nodiscard]] std::optional<pg::LockFile> obstructing_socket_lock(const LockOwner& owner, const std::string& directory);

}  // namespace pgsqlms::system
