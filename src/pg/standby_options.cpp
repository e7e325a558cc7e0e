// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/standby_options.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <optional>

#include "pgsqlms/ocf/environment.hpp"
#include "pgsqlms/pg/recovery_settings.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

constexpr std::string_view kHotStandby = "hot_standby";

struct DormantSetting {
  std::string_view name;
  int since;   ///< the first version that has it in postgresql.conf
  int before;  ///< the first one that has it no more
  std::string_view harmless;
};

constexpr int kNever = 1'000'000'000;

// clang-format off
constexpr DormantSetting kDormantSettings[] = {
    {"recovery_target",      120000, kNever, ""},
    {"recovery_target_lsn",  120000, kNever, ""},
    {"recovery_target_name", 120000, kNever, ""},
    {"recovery_target_time", 120000, kNever, ""},
    {"recovery_target_xid",  120000, kNever, ""},
    {"promote_trigger_file", 120000, 160000, ""},
    {kHotStandby,            0,      kNever, "on"},
};
// clang-format on

constexpr std::array<std::string_view, 6> kDormantInRecoveryConf = {"recovery_target",      "recovery_target_lsn",
                                                                    "recovery_target_name", "recovery_target_time",
                                                                    "recovery_target_xid",  "trigger_file"};

/// As PostgreSQL takes it on its command line.
std::string setting_name(std::string_view written) {
  std::string name(written);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return letter == '-' ? '_' : static_cast<char>(std::tolower(letter)); });
  return name;
}

struct Option {
  Setting setting;
  std::size_t words = 1;  ///< that it takes
};

/// The setting that is made by the word at `at`, alone or with the next one: -c NAME=VALUE, -cNAME=VALUE, --NAME=VALUE.
std::optional<Option> option_at(const std::vector<std::string>& options, std::size_t at) {
  const std::string_view word = options[at];
  const auto begin = word.substr(0, 2);
  if (begin != "-c" && begin != "--") return std::nullopt;
  const bool is_in_next = word == "-c" && at + 1 < options.size();
  const auto assignment = is_in_next ? std::string_view(options[at + 1]) : word.substr(2);
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return Option{{setting_name(assignment.substr(0, equals)), std::string(assignment.substr(equals + 1))},
                is_in_next ? std::size_t{2} : std::size_t{1}};
}

bool is_dormant_in_recovery_conf(std::string_view name) {
  return std::find(kDormantInRecoveryConf.begin(), kDormantInRecoveryConf.end(), name) != kDormantInRecoveryConf.end();
}

}  // namespace

std::vector<Setting> standby_overrides(ServerVersion version) {
  std::vector<Setting> overrides;
  for (const auto& row : kDormantSettings) {
    if (version.number < row.since || version.number >= row.before) continue;
    overrides.push_back({std::string(row.name), std::string(row.harmless)});
  }
  return overrides;
}

bool is_harmful(const Setting& setting) {
  return setting.name == kHotStandby ? !ocf::is_true(setting.value) : !setting.value.empty();
}

std::vector<Setting> settings_in(const std::vector<std::string>& options) {
  std::vector<Setting> settings;
  for (std::size_t at = 0; at < options.size();) {
    const auto option = option_at(options, at);
    at += option ? option->words : 1;
    if (option) settings.push_back(option->setting);
  }
  return settings;
}

std::string configuration_file(const std::vector<std::string>& options, const std::string& directory) {
  auto file = directory + "/postgresql.conf";
  for (const auto& [name, value] : settings_in(options)) {
    if (name == "config_file") file = value;
  }
  return file;
}

std::vector<std::string> without_settings(const std::vector<std::string>& options,
                                          const std::vector<Setting>& settings) {
  std::vector<std::string> left;
  for (std::size_t at = 0; at < options.size();) {
    const auto option = option_at(options, at);
    const auto end = at + (option ? option->words : 1);
    const bool is_left_out = option && std::any_of(settings.begin(), settings.end(), [&](const auto& setting) {
                               return setting.name == option->setting.name;
                             });
    for (; at < end; ++at) {
      if (!is_left_out) left.push_back(options[at]);
    }
  }
  return left;
}

std::vector<std::string> as_options(const std::vector<Setting>& settings) {
  std::vector<std::string> options;
  for (const auto& [name, value] : settings) {
    options.emplace_back("-c");
    options.push_back(std::string(name).append("=").append(value));
  }
  return options;
}

std::string without_dormant_settings(std::string_view recovery_conf) {
  std::string left;
  for (const auto line : split(recovery_conf, "\n")) {
    const auto settings = parse_recovery_conf(line);
    if (!settings.empty() && is_dormant_in_recovery_conf(settings.begin()->first)) continue;
    left.append(line).append("\n");
  }
  return left;
}

std::vector<Setting> dormant_settings_in(std::string_view recovery_conf) {
  std::vector<Setting> dormant;
  for (const auto& [name, value] : parse_recovery_conf(recovery_conf)) {
    if (is_dormant_in_recovery_conf(name)) dormant.push_back({name, value});
  }
  return dormant;
}

std::vector<LowSetting> find_low_settings(const std::map<std::string, int>& configured,
                                          const std::map<std::string, int>& required) {
  std::vector<LowSetting> low;
  for (const auto& [name, value] : required) {
    const auto found = configured.find(name);
    if (found != configured.end() && found->second < value) low.push_back({name, found->second, value});
  }
  return low;
}

}  // namespace pgsqlms::pg
