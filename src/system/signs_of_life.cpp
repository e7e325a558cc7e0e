// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/signs_of_life.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "pgsqlms/system/descriptor.hpp"
#include "pgsqlms/system/file.hpp"
#include "pgsqlms/system/lock_files.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

bool is_in_proc(pid_t pid) { return exists("/proc/" + std::to_string(pid)); }

/// The kernel knows the process, and /proc does not show it.
bool hides(pid_t pid) { return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) && !is_in_proc(pid); }

bool is_of(const Listener& listener, const std::optional<uid_t>& owner) { return !owner || listener.user == *owner; }

/// Nothing if the process is one that was looked at, and is none of the server's.
std::string doubt_about(const Listener& listener, const std::string& socket) {
  if (listener.pid == 0) return "somebody in another namespace of processes listens at \"" + socket + "\"";
  struct stat status {};
  const auto directory = "/proc/" + std::to_string(listener.pid) + "/cwd";
  if (stat(directory.c_str(), &status) == 0 || errno == ENOENT || errno == ESRCH) return {};
  return "process " + std::to_string(listener.pid) + " listens at \"" + socket +
         "\" and cannot be looked at: " + std::strerror(errno);
}

}  // namespace

std::optional<Listener> find_listener(const std::string& socket) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof name.sun_path) return std::nullopt;
  std::memcpy(name.sun_path, socket.c_str(), socket.size());
  const Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!client.is_open()) return std::nullopt;
  // NOLINTNEXTLINE(*-reinterpret-cast): that is how addresses are passed
  if (connect(client.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return std::nullopt;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(client.number(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return Listener{peer.pid, peer.uid};
}

std::optional<pid_t> find_listening_postmaster(const Traces& traces) {
  const auto named = process_in(read_pid_file(traces.data_directory));
  if (named <= 0) return std::nullopt;
  const auto listener = find_listener(traces.socket);
  if (!listener || listener->pid != named || !is_of(*listener, traces.owner)) return std::nullopt;
  return named;
}

std::string find_hidden_process(const Traces& traces) {
  const auto named = process_in(read_pid_file(traces.data_directory));
  if (hides(named)) return "postmaster.pid names process " + std::to_string(named) + ", which /proc does not show";
  const auto lock = read_lock_file(traces.socket + ".lock");
  if (lock.data_directory == traces.data_directory && hides(process_in(lock))) {
    return "\"" + traces.socket + ".lock\" names process " + lock.process + ", which /proc does not show";
  }
  const auto listener = find_listener(traces.socket);
  return listener && is_of(*listener, traces.owner) ? doubt_about(*listener, traces.socket) : std::string();
}

std::string find_attached_memory(const Traces& traces) {
  const bool is_used = is_memory_in_use(read_pid_file(traces.data_directory));
  return is_used ? "processes that are not seen use the server's shared memory" : "";
}

}  // namespace pgsqlms::system
