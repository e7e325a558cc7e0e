// SPDX-License-Identifier: PostgreSQL
// Environment: the variables the agent was started with, as a value.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pgsqlms::ocf {

class Environment {
 public:
  Environment() = default;
  Environment(std::initializer_list<std::pair<const std::string, std::string>> variables) : variables_(variables) {}

  /// Reads a null-terminated array of NAME=value strings, such as environ(7).
  static Environment from(const char* const* variables);

  void set(std::string name, std::string value) { variables_[std::move(name)] = std::move(value); }

  /// The value as it is; nothing if the variable is not set.
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;

  /// The value without surrounding blanks; nothing if the variable is not set or blank.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> variables_;
};

/// Pacemaker's idea of a boolean: true, on, yes, y and 1 in any case are true.
[[nodiscard]] bool is_true(std::string_view text);

/// Whether it is one at all: also false, off, no, n or 0.
[[nodiscard]] bool is_boolean(std::string_view text);

}  // namespace pgsqlms::ocf
