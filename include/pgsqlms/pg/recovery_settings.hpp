// SPDX-License-Identifier: PostgreSQL
// What makes an instance a standby that the agent can work with, and the templating of recovery.conf.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pgsqlms::pg {

/// The settings that a standby must have, wherever its version keeps them.
struct RecoverySettings {
  std::string standby_mode;  ///< recovery.conf only
  std::string recovery_target_timeline;
  /// The application_name that the walreceiver will use; nothing if primary_conninfo names none.
  std::optional<std::string> application_name;
  /// Why primary_conninfo cannot be parsed; empty if it can. Never holds any of its values.
  std::string conninfo_problem;
  bool includes_files = false;  ///< recovery.conf only
};

/// Where the settings stand; decides which of them are looked at.
enum class SettingsSource { ServerConfiguration, RecoveryTemplate };

/// What keeps these settings from making a standby named `node`, in one sentence; nothing if all is well.
[[nodiscard]] std::optional<std::string> find_problem(const RecoverySettings& settings, SettingsSource source,
                                                      std::string_view node);

/// The settings in the text of a recovery.conf: names in lower case, quotes removed, the last value wins.
[[nodiscard]] std::map<std::string, std::string> parse_recovery_conf(std::string_view text);

/// The names that a template can use.
struct TemplateNames {
  std::string host;  ///< uname -n
  std::string node;  ///< the node's name in Pacemaker
};

/// Replaces $(hostname -s), $(hostname), $(uname -n) and {{node}}; leaves all else as it is.
[[nodiscard]] std::string render_template(std::string_view text, const TemplateNames& names);

}  // namespace pgsqlms::pg
