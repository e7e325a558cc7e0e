// SPDX-License-Identifier: PostgreSQL
// What a start in standby mode is given on the command line. There it wins over every file, and a reload cannot undo
// it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pgsqlms/pg/server_version.hpp"

namespace pgsqlms::pg {

struct Setting {
  std::string name;
  std::string value;
};

/// Settings that do nothing in a primary and come alive in a standby, where they end its replay, promote it or keep all
/// sessions out; with the values that make them harmless. Before PostgreSQL 12 most of them are recovery.conf's, see
/// without_dormant_settings().
[[nodiscard]] std::vector<Setting> standby_overrides(ServerVersion version);

/// Whether this value of a setting of standby_overrides(), or of its like in recovery.conf, would do harm.
[[nodiscard]] bool is_harmful(const Setting& setting);

/// The settings that options of the postmaster's command line make, in their order, names in lower case.
[[nodiscard]] std::vector<Setting> settings_in(const std::vector<std::string>& options);

/// The configuration file of a postmaster with these options and that directory (its -D).
[[nodiscard]] std::string configuration_file(const std::vector<std::string>& options, const std::string& directory);

/// The options without those that make one of these settings. PostgreSQL refuses two recovery targets on one command
/// line, though the first one be taken back.
[[nodiscard]] std::vector<std::string> without_settings(const std::vector<std::string>& options,
                                                        const std::vector<Setting>& settings);

/// As options of the postmaster's command line.
[[nodiscard]] std::vector<std::string> as_options(const std::vector<Setting>& settings);

/// The text of a recovery.conf without the lines of dormant settings.
[[nodiscard]] std::string without_dormant_settings(std::string_view recovery_conf);

/// The dormant settings in the text of a recovery.conf.
[[nodiscard]] std::vector<Setting> dormant_settings_in(std::string_view recovery_conf);

/// A setting that is configured lower than a standby must have it.
struct LowSetting {
  std::string name;
  int configured = 0;
  int required = 0;
};

/// Those that keep a server from standby mode: of both maps, by name, only what is in both counts.
[[nodiscard]] std::vector<LowSetting> find_low_settings(const std::map<std::string, int>& configured,
                                                        const std::map<std::string, int>& required);

}  // namespace pgsqlms::pg
