// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/server_processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

std::string entry(pid_t pid, const char* name) { return "/proc/" + std::to_string(pid) + "/" + name; }

/// The target of a link in /proc; of a deleted one its former name. Empty if it cannot be read.
std::string link_target(const std::string& link) {
  std::array<char, PATH_MAX> buffer{};
  const auto length = readlink(link.c_str(), buffer.data(), buffer.size());
  if (length <= 0) return {};
  std::string_view target(buffer.data(), static_cast<std::size_t>(length));
  const auto size = kDeleted.size();
  if (target.size() > size && target.substr(target.size() - size) == kDeleted) target.remove_suffix(size);
  return std::string(target);
}

/// A process that is just ending has no program any more, but may still hold the server's shared memory.
bool is_postgres_program(pid_t pid) {
  const auto program = link_target(entry(pid, "exe"));
  if (program.empty()) return true;
  const auto name = program.substr(program.find_last_of('/') + 1);
  return name == "postgres" || name == "postmaster" || name == "edb-postgres";
}

/// The beginning of a file in /proc; empty if the process has just ended.
std::string read_entry(pid_t pid, const char* name) {
  std::array<char, 4096> buffer{};
  const int file = open(entry(pid, name).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const auto count = read(file, buffer.data(), buffer.size());
  close(file);
  return count > 0 ? std::string(buffer.data(), static_cast<std::size_t>(count)) : std::string();
}

/// All server processes but the postmaster call themselves "postgres: ...", soon after they were forked.
bool calls_itself_child(pid_t pid) {
  constexpr std::string_view kChildTitle = "postgres: ";
  const auto command = read_entry(pid, "cmdline");
  return command.empty() || command.compare(0, kChildTitle.size(), kChildTitle) == 0;
}

/// 0 if there is no such process.
pid_t parent_of(pid_t pid) {
  const auto status = read_entry(pid, "stat");  // pid (name) state parent ...
  const auto columns = words(std::string_view(status).substr(std::min(status.rfind(')'), status.size())));
  return columns.size() > 2 ? parse_number<pid_t>(columns[2]).value_or(0) : 0;
}

std::optional<uid_t> owner_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? std::optional(status.st_uid) : std::nullopt;
}

/// In a container a directory of the same name is another one.
bool shares_names(pid_t pid) { return link_target(entry(pid, "ns/mnt")) == link_target("/proc/self/ns/mnt"); }

bool works_in(pid_t pid, const std::string& directory) {
  const auto link = entry(pid, "cwd");
  // By name where the directory was deleted.
  return is_same_directory(link, directory) || (link_target(link) == directory && shares_names(pid));
}

/// Whether the command line has `-D DIRECTORY`.
bool is_started_on(pid_t pid, const std::string& directory) {
  const auto command = read_entry(pid, "cmdline");
  return command.find(std::string("\0-D\0", 4) + directory + '\0') != std::string::npos;
}

/// Where the file system was unmounted under a server, its working directory has lost the beginning of its name.
bool has_lost(pid_t pid, const std::string& directory) {
  const auto link = entry(pid, "cwd");
  if (is_same_directory(link, link_target(link)) || !shares_names(pid)) return false;
  return is_started_on(pid, directory) || is_started_on(parent_of(pid), directory);
}

/// Until its client has said what it wants, a backend has the command line of the postmaster that forked it.
bool is_postmaster(pid_t pid, const std::vector<ServerProcess>& processes) {
  if (calls_itself_child(pid)) return false;
  const auto parent = parent_of(pid);
  return std::none_of(processes.begin(), processes.end(), [&](const auto& process) { return process.pid == parent; });
}

}  // namespace

bool is_same_directory(const std::string& a, const std::string& b) {
  struct stat first {};
  struct stat second {};
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

std::vector<ServerProcess> find_server_processes(const std::string& data_directory) {
  // PostgreSQL refuses a data directory that is not its user's own. One that is gone has no owner to compare with, and
  // may have left an empty mount point.
  const bool is_there = access((data_directory + "/PG_VERSION").c_str(), F_OK) == 0;
  const auto owner = is_there ? owner_of(data_directory) : std::nullopt;
  std::vector<ServerProcess> processes;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) return processes;
  while (const dirent* const found = readdir(proc.get())) {
    const auto pid = parse_number<pid_t>(found->d_name);
    if (!pid || (owner && owner_of("/proc/" + std::to_string(*pid)) != owner)) continue;
    if (!is_postgres_program(*pid)) continue;
    if (!works_in(*pid, data_directory) && (owner || !has_lost(*pid, data_directory))) continue;
    processes.push_back({*pid, false});
  }
  for (auto& process : processes) process.postmaster = is_postmaster(process.pid, processes);
  return processes;
}

std::optional<std::string> served_directory(pid_t postmaster) {
  if (!is_postgres_program(postmaster)) return std::nullopt;
  auto directory = link_target(entry(postmaster, "cwd"));
  return directory.empty() ? std::nullopt : std::optional(std::move(directory));
}

}  // namespace pgsqlms::system
