// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/environment.hpp"

#include <algorithm>
#include <cctype>

#include "pgsqlms/text.hpp"

namespace pgsqlms::ocf {
namespace {

bool is_one_of(std::initializer_list<std::string_view> words, std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return std::find(words.begin(), words.end(), lower) != words.end();
}

}  // namespace

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

bool is_true(std::string_view text) { return is_one_of({"true", "on", "yes", "y", "1"}, text); }

bool is_boolean(std::string_view text) { return is_true(text) || is_one_of({"false", "off", "no", "n", "0"}, text); }

}  // namespace pgsqlms::ocf
