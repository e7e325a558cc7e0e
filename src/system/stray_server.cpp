// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/stray_server.hpp"

#include <sys/stat.h>

#include <fstream>

#include "pgsqlms/pg/standby_options.hpp"
#include "pgsqlms/system/lock_files.hpp"
#include "pgsqlms/system/proc.hpp"
#include "pgsqlms/system/server_processes.hpp"
#include "pgsqlms/system/unix_socket.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

bool belongs_to(pid_t pid, uid_t user) {
  struct stat status {};
  return stat(proc_entry(pid).c_str(), &status) == 0 && status.st_uid == user;
}

std::vector<std::string> command_line_of(pid_t pid) {
  std::ifstream file(proc_entry(pid, "/cmdline"));
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

/// The value of -D; empty if there is none.
std::string directory_option(const std::vector<std::string>& arguments) {
  std::string directory;
  for (std::size_t at = 1; at < arguments.size(); ++at) {
    if (arguments[at] == "-D" && at + 1 < arguments.size()) directory = arguments[at + 1];
    else if (arguments[at].compare(0, 2, "-D") == 0) directory = arguments[at].substr(2);
  }
  return directory;
}

bool is_same_file(const std::string& a, const std::string& b) { return is_same_directory(a, b); }

bool has_configuration(const std::vector<std::string>& arguments, const Configuration& configuration) {
  const auto directory = directory_option(arguments);
  return is_same_directory(directory, configuration.pgdata) ||
         is_same_file(pg::configuration_file(arguments, directory),
                      pg::configuration_file(configuration.start_options, configuration.pgdata));
}

/// What the server does not tell counts as the same.
bool has_address(pid_t pid, const std::string& directory, const Configuration& configuration) {
  const auto written = read_pid_file(directory);
  if (written.port.empty()) return true;
  if (written.port != configuration.port) return false;
  if (configuration.host.empty() || configuration.host.front() != '/') return true;
  return written.socket_directory == configuration.host ||
         read_lock_file(socket_path(configuration.host, configuration.port) + ".lock").process == std::to_string(pid);
}

}  // namespace

std::optional<std::string> find_stray_directory(const Configuration& configuration) {
  for (const auto pid : all_processes()) {
    if (!belongs_to(pid, configuration.user)) continue;
    auto directory = served_directory(pid);
    if (!directory || is_same_directory(*directory, configuration.data_directory)) continue;
    if (!has_configuration(command_line_of(pid), configuration)) continue;
    if (has_address(pid, *directory, configuration)) return directory;
  }
  return std::nullopt;
}

}  // namespace pgsqlms::system
