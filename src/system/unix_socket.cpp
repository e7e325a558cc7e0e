// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/unix_socket.hpp"

#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace pgsqlms::system {

std::string socket_path(const std::string& directory, const std::string& port) {
  return directory + "/.s.PGSQL." + port;
}

Descriptor connect_to_socket(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) {
    errno = ENAMETOOLONG;
    return Descriptor();
  }
  std::memcpy(name.sun_path, path.c_str(), path.size());
  Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!client.is_open()) return client;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as connect(2) wants it
  if (connect(client.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return client;
  const int error = errno;
  client.close();
  errno = error;
  return client;
}

std::optional<ucred> peer_of(int socket) {
  int domain = 0;
  ucred peer{};
  socklen_t domain_size = sizeof domain;
  socklen_t peer_size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) != 0 || domain != AF_UNIX) return std::nullopt;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) != 0) return std::nullopt;
  return peer;
}

}  // namespace pgsqlms::system
