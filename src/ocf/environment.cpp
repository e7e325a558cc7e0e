// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/environment.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "pgsqlms/text.hpp"

namespace pgsqlms::ocf {

Environment Environment::from(const char* const* variables) {
  Environment environment;
  for (; *variables != nullptr; ++variables) {
    const std::string_view variable = *variables;
    const auto equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    environment.set(std::string(variable.substr(0, equals)), std::string(variable.substr(equals + 1)));
  }
  return environment;
}

std::optional<std::string> Environment::find(std::string_view name) const {
  const auto found = variables_.find(name);
  if (found == variables_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> Environment::text(std::string_view name) const {
  const auto value = find(name).value_or("");
  const auto inner = trimmed(value);
  if (inner.empty()) return std::nullopt;
  return std::string(inner);
}

bool is_true(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  constexpr std::array<std::string_view, 5> kTrue = {"true", "on", "yes", "y", "1"};
  return std::find(kTrue.begin(), kTrue.end(), lower) != kTrue.end();
}

}  // namespace pgsqlms::ocf
