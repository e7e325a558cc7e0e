// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/proc.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace pgsqlms::system {

std::optional<std::string> read_entry(pid_t pid, const char* name) {
  std::array<char, 4096> buffer{};
  const int file = open(proc_entry(pid, "/" + std::string(name)).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  const auto count = read(file, buffer.data(), buffer.size());
  const int error = errno;
  close(file);
  errno = error;
  if (count < 0) return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(count));
}

/// The program's name, which may hold anything, stands in parentheses before the state.
std::optional<ProcessStatus> status_of(pid_t pid) {
  constexpr std::size_t kParent = 1;  // counted from the state
  constexpr std::size_t kUserTime = 11;
  constexpr std::size_t kSystemTime = 12;
  constexpr std::size_t kStartTime = 19;
  const auto line = read_entry(pid, "stat").value_or("");
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const auto fields = words(std::string_view(line).substr(name_end + 1));
  if (fields.size() <= kStartTime) return std::nullopt;
  const auto number = [&](std::size_t field) { return parse_number<std::uint64_t>(fields[field]); };
  const auto parent = parse_number<pid_t>(fields[kParent]);
  const auto user_time = number(kUserTime);
  const auto system_time = number(kSystemTime);
  const auto start_time = number(kStartTime);
  if (!parent || !user_time || !system_time || !start_time) return std::nullopt;
  return ProcessStatus{fields[0].front(), *parent, *user_time + *system_time, *start_time};
}

pid_t parent_of(pid_t pid) {
  const auto status = status_of(pid);
  return status ? status->parent : 0;
}

std::optional<pid_t> child_of(pid_t parent) {
  const auto processes = all_processes();
  const auto found =
      std::find_if(processes.begin(), processes.end(), [&](pid_t pid) { return parent_of(pid) == parent; });
  return found == processes.end() ? std::nullopt : std::optional(*found);
}

}  // namespace pgsqlms::system
