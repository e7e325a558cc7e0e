// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/server_output.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "pgsqlms/system/descriptor.hpp"
#include "pgsqlms/system/file.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

constexpr const char* kDebianConfiguration = "/etc/postgresql/";
constexpr const char* kDebianLogs = "/var/log/postgresql/";
constexpr const char* kOwnLogs = "/var/log/pgsqlms";
constexpr const char* kNowhere = "/dev/null";
constexpr mode_t kLogMode = S_IRUSR | S_IWUSR | S_IRGRP;
constexpr mode_t kFolderMode = S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH;

/// pg_ctl puts the name into a command of a shell.
bool is_plain(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '.' || letter == '_' || letter == '-' ||
         letter == '/';
}

bool is_plain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char letter) { return is_plain(letter); });
}

std::string without_slash(std::string directory) {
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  return directory;
}

/// Empty where the directory is not one of Debian's.
std::string debian_file_of(const std::string& configuration_directory) {
  const std::string_view begin = kDebianConfiguration;
  if (configuration_directory.compare(0, begin.size(), begin) != 0 || !is_plain(configuration_directory)) return {};
  const auto cluster = configuration_directory.substr(begin.size());
  const auto names = split(cluster, "/");
  if (names.size() != 2) return {};
  auto named = target_of_link(configuration_directory + "/log");
  if (!named.empty() && named.front() == '/' && is_plain(named)) return named;
  return kDebianLogs + ("postgresql-" + std::string(names[0])) + "-" + std::string(names[1]) + ".log";
}

/// Returns what failed; empty if nothing did. Does not wait for the reader of a FIFO in the file's place.
std::string try_to_append(const std::string& path, const User& user) {
  const ActingAs acting(user);
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kLogMode));
  return file.is_open() ? "" : std::strerror(errno);
}

/// Nothing below it: a name with `..` in it could lead anywhere.
bool is_in_own_folder(const std::string& path) {
  const auto size = std::strlen(kOwnLogs);
  return path.compare(0, size, kOwnLogs) == 0 && path.rfind('/') == size;
}

/// A file of the user in the agent's own folder, to which the user cannot add any.
void make_in_own_folder(const std::string& path, const User& user) {
  if (mkdir(kOwnLogs, kFolderMode) == 0) chmod(kOwnLogs, kFolderMode);  // whatever the umask
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kLogMode));
  if (file.is_open() && fchown(file.number(), user.uid, user.gid) != 0) unlink(path.c_str());
}

}  // namespace

std::string output_file_of(const std::string& configuration_directory, const std::string& data_directory) {
  auto path = debian_file_of(without_slash(configuration_directory));
  if (!path.empty()) return path;
  auto name = without_slash(data_directory);
  name.erase(0, name.find_first_not_of('/'));
  std::replace_if(
      name.begin(), name.end(), [](char letter) { return letter == '/' || !is_plain(letter); }, '-');
  return kOwnLogs + ("/" + name) + ".log";
}

std::string writable_output_file(const std::string& path, const std::string& data_directory, const User& user) {
  auto problem = try_to_append(path, user);
  if (!problem.empty() && is_in_own_folder(path)) {
    make_in_own_folder(path, user);
    problem = try_to_append(path, user);
  }
  if (problem.empty()) return path;
  auto substitute = data_directory + "/pgsqlms.log";
  if (!is_plain(substitute) || !try_to_append(substitute, user).empty()) substitute = kNowhere;
  spdlog::warn("the server's output goes to \"{}\", as \"{}\" cannot be written: {}", substitute, path, problem);
  return substitute;
}

}  // namespace pgsqlms::system
