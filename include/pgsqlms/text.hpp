// SPDX-License-Identifier: PostgreSQL
// Reading of numbers and words out of text, without locale and without surprises.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pgsqlms {

/// The number that makes up the whole text; nothing if there is anything else in it or it does not fit.
template <typename Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number number{};
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

inline constexpr std::string_view kBlanks = " \t\r\n\v\f";

/// The text without blanks at both ends.
[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// The last line that is more than blanks, without those at its end; empty if there is none.
[[nodiscard]] inline std::string_view last_line(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(kBlanks) + 1);  // 0 where nothing else is found
  return text.substr(text.rfind('\n') + 1);
}

/// The parts between the separators; the last one also if no separator follows it and it is not empty.
[[nodiscard]] inline std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

/// Parts of a text that is about to vanish would be of no use.
template <typename Text, typename = std::enable_if_t<std::is_same_v<Text, std::string>>>
std::vector<std::string_view> split(Text&& text, std::string_view separators) = delete;

/// The words of a text, separated by any number of blanks.
[[nodiscard]] inline std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (const auto part : split(text, kBlanks)) {
    if (!part.empty()) found.push_back(part);
  }
  return found;
}

}  // namespace pgsqlms
