// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/server_log.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/property_tree/json_parser.hpp>
#include <boost/property_tree/ptree.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "pgsqlms/system/file.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

/// More than a server says before it gives up.
constexpr std::size_t kEnough = 1 << 18;
/// Of a line that is no entry of a log.
constexpr std::size_t kLongestLine = 200;

std::size_t size_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
}

using Tree = boost::property_tree::ptree;

/// Nothing if it is anything else than a flat object.
std::optional<Tree> read_flat_object(std::string_view line) try {
  std::istringstream text{std::string(line)};
  Tree object;
  boost::property_tree::read_json(text, object);
  const bool is_flat = std::all_of(object.begin(), object.end(),
                                   [](const auto& member) { return !member.first.empty() && member.second.empty(); });
  return is_flat ? std::optional(object) : std::nullopt;
} catch (const boost::property_tree::ptree_error&) {
  return std::nullopt;
}

std::vector<pg::LogEntry> entries_of(const std::string& destination, const std::string& text) {
  if (destination == "csvlog") return pg::read_csv_log(text);
  return destination == "jsonlog" ? read_json_log(text) : pg::read_stderr_log(text);
}

}  // namespace

std::vector<pg::LogEntry> read_json_log(std::string_view log) {
  std::vector<pg::LogEntry> entries;
  for (const auto line : split(log, "\n")) {
    const auto object = read_flat_object(line);
    if (!object) continue;
    const auto member = [&](const char* name) { return object->get<std::string>(name, ""); };
    entries.push_back({pg::severity_of(member("error_severity")), member("state_code"),
                       parse_number<int>(member("pid")).value_or(0), member("backend_type"), member("message"),
                       member("detail"), member("hint"), member("context")});
  }
  return entries;
}

ServerLog::ServerLog(std::string output, std::string data_directory, const User& user)
    : output_(std::move(output)), data_directory_(std::move(data_directory)) {
  const ActingAs acting(user);
  former_sizes_[output_] = size_of(output_);
  // A server may begin a new file in the folder, or go on with an old one.
  for (const auto& [destination, path] : collected()) {
    const auto folder = path.substr(0, path.rfind('/') + 1);
    for (const auto& name : names_in(folder)) former_sizes_[folder + name] = size_of(folder + name);
  }
}

/// Those that tell most first: with SQLSTATEs nothing depends on the language.
std::vector<ServerLog::LogFile> ServerLog::collected() const {
  std::vector<LogFile> files;
  const auto names = read_file(data_directory_ + "/current_logfiles").value_or("");
  for (const auto line : split(names, "\n")) {
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos || blank + 1 == line.size()) continue;
    const auto name = std::string(line.substr(blank + 1));
    files.push_back({std::string(line.substr(0, blank)), name.front() == '/' ? name : data_directory_ + "/" + name});
  }
  std::stable_partition(files.begin(), files.end(), [](const auto& file) { return file.destination != "stderr"; });
  return files;
}

std::string ServerLog::written_to(const std::string& path) const {
  const auto former = former_sizes_.find(path);
  const auto skipped = former == former_sizes_.end() ? 0 : former->second;
  const auto size = size_of(path);
  const auto count = size >= skipped ? size - skipped : size;  // it was truncated meanwhile
  return count == 0 ? "" : read_file(path, std::min(count, kEnough)).value_or("");
}

std::string ServerLog::reason_for_end(const User& user) const {
  const ActingAs acting(user);
  auto files = collected();
  files.push_back({"stderr", output_});
  for (const auto& [destination, path] : files) {
    auto reason = pg::reason_for_end(entries_of(destination, written_to(path)));
    if (!reason.empty()) return reason;
  }
  // A dynamic linker, or a server that has not read its configuration yet, writes plain lines.
  const auto printed = written_to(output_);
  return pg::read_stderr_log(printed).empty() ? pg::shortened(last_line(printed), kLongestLine) : "";
}

}  // namespace pgsqlms::system
