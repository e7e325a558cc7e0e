// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/logging.hpp"

#include <fcntl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace pgsqlms::system {
namespace {

struct FacilityName {
  std::string_view name;
  int facility;
};

constexpr FacilityName kFacilities[] = {
    {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
    {"ftp", LOG_FTP},       {"kern", LOG_KERN},         {"lpr", LOG_LPR},       {"mail", LOG_MAIL},
    {"news", LOG_NEWS},     {"syslog", LOG_SYSLOG},     {"user", LOG_USER},     {"uucp", LOG_UUCP},
    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},     {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},     {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
};

std::optional<int> facility_named(std::string_view name) {
  for (const auto& row : kFacilities) {
    if (row.name == name) return row.facility;
  }
  return std::nullopt;
}

/// Whether the file can be appended to; makes it where its folder exists. A pipe that nobody reads cannot.
bool can_be_appended(const std::string& path) {
  constexpr mode_t kAsUmaskAllows = 0666;
  const int file =
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kAsUmaskAllows);
  if (file < 0) return false;
  close(file);
  return true;
}

/// A log file that cannot be written must not keep the agent from its work.
void add_file(std::vector<spdlog::sink_ptr>& sinks, const std::optional<std::string>& path,
              spdlog::level::level_enum level) {
  if (!path || !can_be_appended(*path)) return;
  try {
    sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(*path));
    sinks.back()->set_level(level);
  } catch (const spdlog::spdlog_ex&) {
    return;
  }
}

}  // namespace

void start_logging(const ocf::Environment& environment) {
  static std::string ident;  // syslog(3) keeps the pointer
  ident = "pgsqlms(" + environment.text("OCF_RESOURCE_INSTANCE").value_or("default") + ")[" + std::to_string(getpid()) +
          "]";
  const bool on_terminal = isatty(STDERR_FILENO) != 0;
  const bool debug = on_terminal || environment.text("HA_debug").value_or("0") != "0" ||
                     ocf::is_true(environment.text("OCF_TRACE_RA").value_or(""));
  const auto level = debug ? spdlog::level::debug : spdlog::level::info;

  std::vector<spdlog::sink_ptr> sinks;
  const auto facility = facility_named(environment.text("HA_LOGFACILITY").value_or(""));
  if (on_terminal) {
    sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  } else if (facility) {
    sinks.push_back(std::make_shared<spdlog::sinks::syslog_sink_mt>(ident, 0, *facility, false));
  }
  const auto log = environment.text("HA_LOGFILE");
  const auto debug_log = environment.text("HA_DEBUGLOG");
  add_file(sinks, log, level);
  if (debug_log != log) add_file(sinks, debug_log, spdlog::level::debug);

  auto logger = std::make_shared<spdlog::logger>("pgsqlms", sinks.begin(), sinks.end());
  logger->set_level(level);
  logger->set_pattern(ident + ":\t%b %d %H:%M:%S %^%l%$: %v");
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void stop_logging() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("pgsqlms")); }

}  // namespace pgsqlms::system
