// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/signs_of_life.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "pgsqlms/system/file.hpp"
#include "pgsqlms/system/lock_files.hpp"
#include "pgsqlms/system/proc.hpp"
#include "pgsqlms/system/unix_socket.hpp"

namespace pgsqlms::system {
namespace {

/// The kernel knows the process, and /proc does not show it.
bool hides(pid_t pid) { return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) && !exists(proc_entry(pid)); }

bool is_of(const Listener& listener, const std::optional<uid_t>& owner) { return !owner || listener.user == *owner; }

/// Nothing if the process is one that was looked at, and is none of the server's.
std::string doubt_about(const Listener& listener, const std::string& socket) {
  if (listener.pid == 0) return "somebody in another namespace of processes listens at \"" + socket + "\"";
  struct stat status {};
  if (stat(proc_entry(listener.pid, "/cwd").c_str(), &status) == 0 || says_gone(errno)) return {};
  return "process " + std::to_string(listener.pid) + " listens at \"" + socket +
         "\" and cannot be looked at: " + std::strerror(errno);
}

}  // namespace

std::optional<Listener> find_listener(const std::string& socket) {
  if (socket.empty()) return std::nullopt;
  const auto client = connect_to_socket(socket);
  const auto peer = client.is_open() ? peer_of(client.number()) : std::nullopt;
  return peer ? std::optional(Listener{peer->pid, peer->uid}) : std::nullopt;
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
