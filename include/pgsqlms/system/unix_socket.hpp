// SPDX-License-Identifier: PostgreSQL
// The sockets of a server in the file system, and who is at their other side.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "pgsqlms/system/descriptor.hpp"

namespace pgsqlms::system {

/// The full name that a server gives its socket in that directory. Its lock file is named so too, with ".lock".
[[nodiscard]] std::string socket_path(const std::string& directory, const std::string& port);

/// Does not wait. Not open if nothing came of it; errno says why.
[[nodiscard]] Descriptor connect_to_socket(const std::string& path);

/// Who is at the other side; nothing over TCP. The pid is 0 if that process is in another namespace of processes.
[[nodiscard]] std::optional<ucred> peer_of(int socket);

}  // namespace pgsqlms::system
