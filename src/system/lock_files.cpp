// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/lock_files.hpp"

#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <vector>

#include "pgsqlms/system/file.hpp"
#include "pgsqlms/system/proc.hpp"
#include "pgsqlms/system/process_identity.hpp"
#include "pgsqlms/system/server_processes.hpp"
#include "pgsqlms/system/unix_socket.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

using pg::LockHolder;

std::string line_of(const std::vector<std::string_view>& lines, std::size_t number) {
  return number < lines.size() ? std::string(trimmed(lines[number])) : std::string();
}

bool can_be_looked_at(pid_t pid) {
  std::array<char, 2> start{};
  return readlink(proc_entry(pid, "/exe").c_str(), start.data(), start.size()) > 0;
}

/// A living process: what it is to the file's owner.
LockHolder holder_of(pid_t pid, const LockOwner& owner) {
  if (!identify(pid)) return exists(proc_entry(pid)) ? LockHolder::Stranger : LockHolder::Hidden;  // a zombie
  if (!can_be_looked_at(pid)) return LockHolder::Hidden;
  const auto served = served_directory(pid);
  if (!served) return LockHolder::Stranger;
  if (is_same_directory(*served, owner.data_directory)) return LockHolder::Server;
  const auto port = read_pid_file(*served).port;
  return port.empty() || port == owner.port ? LockHolder::Server : LockHolder::Stranger;
}

/// Whether PostgreSQL itself takes the process for a living server.
bool counts_as_alive(pid_t pid, const LockOwner& owner) {
  if (kill(pid, 0) != 0 && errno == ESRCH) return false;
  struct stat status {};
  return stat(proc_entry(pid).c_str(), &status) != 0 || status.st_uid == owner.user;
}

/// Where that cannot be told, somebody does.
bool somebody_listens(const std::string& path) {
  return connect_to_socket(path).is_open() || (errno != ECONNREFUSED && errno != ENOENT && errno != ENOTDIR);
}

/// Nothing if PostgreSQL removes a file that names this process.
std::optional<pg::LockFile> obstruction(const LockOwner& owner, std::string path, const PidFile& written) {
  pg::LockFile file;
  file.path = std::move(path);
  file.holder = process_in(written);
  if (file.holder == 0) return file;
  if (!counts_as_alive(file.holder, owner)) return std::nullopt;
  file.kind = holder_of(file.holder, owner);
  return file;
}

/// The postmaster that made the memory, by its pid in its own namespace; nothing if that cannot be looked at.
/// PostgreSQL's PGShmemHeader begins with a magic number and this pid.
std::optional<pid_t> creator_of(int memory) {
  struct Header {
    std::int32_t magic;
    pid_t creator;
  };
  void* const address = shmat(memory, nullptr, SHM_RDONLY);
  if (address == MAP_FAILED) return std::nullopt;  // shmat() fails with the same value
  const auto creator = static_cast<const Header*>(address)->creator;
  shmdt(address);
  return creator;
}

}  // namespace

PidFile read_lock_file(const std::string& path) {
  const auto text = read_file(path).value_or("");
  const auto lines = split(text, "\n");
  return {line_of(lines, 0), line_of(lines, 1), line_of(lines, 3), line_of(lines, 4), line_of(lines, 6)};
}

PidFile read_pid_file(const std::string& data_directory) { return read_lock_file(data_directory + "/postmaster.pid"); }

/// What atoi() sees; that of a single-user server is negative.
pid_t process_in(const PidFile& file) {
  auto text = file.process;
  if (!text.empty() && text.front() == '-') text.erase(0, 1);
  return parse_number<pid_t>(text.substr(0, text.find_first_not_of("0123456789"))).value_or(0);
}

bool is_memory_in_use(const PidFile& file) {
  const auto columns = words(file.shared_memory);
  if (columns.size() != 2) return false;
  const auto key = parse_number<unsigned long>(columns[0]);
  const auto id = parse_number<int>(columns[1]);
  shmid_ds segment{};
  if (!key || !id || shmctl(*id, IPC_STAT, &segment) != 0) return false;
  if (static_cast<key_t>(*key) != segment.shm_perm.__key || segment.shm_nattch == 0) return false;
  const auto creator = creator_of(*id);
  const auto named = process_in(file);
  return !creator || named == 0 || *creator == named;
}

std::optional<pg::LockFile> obstructing_pid_file(const LockOwner& owner) {
  const auto path = owner.data_directory + "/postmaster.pid";
  if (!exists(path)) return std::nullopt;
  const auto written = read_pid_file(owner.data_directory);
  auto file = obstruction(owner, path, written);
  if (!file) return std::nullopt;
  auto directory = written.socket_directory;
  if (!directory.empty() && directory.front() != '/') directory = owner.data_directory + "/" + directory;
  // What the file does not tell, or a server whose processes are not seen, the instance's own socket may.
  file->in_use = somebody_listens(socket_path(owner.host, owner.port)) ||
                 (!directory.empty() && somebody_listens(socket_path(directory, written.port)));
  return file;
}

std::optional<pg::LockFile> obstructing_socket_lock(const LockOwner& owner, const std::string& directory) {
  const auto socket = socket_path(directory, owner.port);
  const auto path = socket + ".lock";
  if (!exists(path)) return std::nullopt;
  auto file = obstruction(owner, path, read_lock_file(path));
  if (file) file->in_use = somebody_listens(socket);
  return file;
}

}  // namespace pgsqlms::system
