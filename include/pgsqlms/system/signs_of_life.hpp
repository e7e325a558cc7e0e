// SPDX-License-Identifier: PostgreSQL
// What speaks for a server though none of its processes was seen: it may live in another namespace of processes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace pgsqlms::system {

/// Where a server of this data directory would leave traces.
struct Traces {
  std::string data_directory;
  std::string socket;          ///< the full name of its socket; none over TCP
  std::optional<uid_t> owner;  ///< whom it would run as
};

/// Who listens at a unix socket.
struct Listener {
  pid_t pid = 0;  ///< 0 if it lives in another namespace of processes
  uid_t user = 0;
};

/// Nothing if nobody takes connections there.
[[nodiscard]] std::optional<Listener> find_listener(const std::string& socket);

/// The process that listens at the socket and is named by postmaster.pid: the postmaster, found without /proc.
[[nodiscard]] std::optional<pid_t> find_listening_postmaster(const Traces& traces);

/// A process that hides, or listens and cannot be told from the server; for people, empty if there is none.
[[nodiscard]] std::string find_hidden_process(const Traces& traces);

/// Processes that are attached to the shared memory that postmaster.pid names; for people, empty if there are none.
[[nodiscard]] std::string find_attached_memory(const Traces& traces);

}  // namespace pgsqlms::system
