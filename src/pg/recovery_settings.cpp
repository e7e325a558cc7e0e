// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/recovery_settings.hpp"

#include <algorithm>
#include <cctype>

#include "pgsqlms/ocf/environment.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

/// PostgreSQL cuts application_name after this many bytes (NAMEDATALEN - 1).
constexpr std::size_t kLongestApplicationName = 63;

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return lower;
}

/// A value of a configuration file: what stands in single quotes, with '' and \' as a quote, or the first word.
std::string read_value(std::string_view text) {
  if (text.empty() || text.front() != '\'') return std::string(text.substr(0, text.find_first_of(" \t#")));
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool is_pair = i + 1 < text.size() && (text[i] == '\\' || (text[i] == '\'' && text[i + 1] == '\''));
    if (is_pair) ++i;
    else if (text[i] == '\'') break;
    value += text[i];
  }
  return value;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

}  // namespace

std::optional<std::string> find_problem(const RecoverySettings& settings, SettingsSource source,
                                        std::string_view node) {
  if (source == SettingsSource::RecoveryTemplate && !ocf::is_true(settings.standby_mode)) {
    return "standby_mode is \"" + settings.standby_mode + "\" in the recovery template, it must be on";
  }
  if (source == SettingsSource::RecoveryTemplate && settings.includes_files) {
    return "the recovery template includes other files, its settings must stand in itself";
  }
  if (settings.recovery_target_timeline != "latest") {
    return "recovery_target_timeline is \"" + settings.recovery_target_timeline + "\", it must be latest";
  }
  if (!settings.conninfo_problem.empty()) return "primary_conninfo cannot be used: " + settings.conninfo_problem;
  if (node.size() > kLongestApplicationName) {
    return "the node name \"" + std::string(node) + "\" is longer than an application_name can be (" +
           std::to_string(kLongestApplicationName) + " bytes)";
  }
  if (!settings.application_name) {
    return "primary_conninfo names no application_name, it must be \"" + std::string(node) + "\", the node's name";
  }
  if (*settings.application_name != node) {
    return "application_name in primary_conninfo is \"" + *settings.application_name + "\", it must be \"" +
           std::string(node) + "\", the node's name";
  }
  return std::nullopt;
}

std::map<std::string, std::string> parse_recovery_conf(std::string_view text) {
  std::map<std::string, std::string> settings;
  for (const auto raw : split(text, "\n")) {
    const auto line = trimmed(raw);
    const auto name = line.substr(0, line.find_first_of(" \t=#"));
    if (name.empty()) continue;
    auto rest = trimmed(line.substr(name.size()));
    if (!rest.empty() && rest.front() == '=') rest = trimmed(rest.substr(1));
    settings[in_lower_case(name)] = read_value(rest);
  }
  return settings;
}

std::string render_template(std::string_view text, const TemplateNames& names) {
  const auto short_host = names.host.substr(0, names.host.find('.'));
  auto rendered = replaced(std::string(text), "$(hostname -s)", short_host);
  rendered = replaced(std::move(rendered), "$(hostname)", names.host);
  rendered = replaced(std::move(rendered), "$(uname -n)", names.host);
  return replaced(std::move(rendered), "{{node}}", names.node);
}

}  // namespace pgsqlms::pg
