// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/process_title.hpp"

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

/// What follows a name at the beginning. Before PostgreSQL 11 it may be followed by "process".
std::optional<std::string_view> words_behind(std::string_view said, std::string_view name) {
  constexpr std::string_view kFormerly = "process ";
  if (said.substr(0, name.size()) != name) return std::nullopt;
  said.remove_prefix(name.size());
  if (said.substr(0, kFormerly.size()) == kFormerly) said.remove_prefix(kFormerly.size());
  return trimmed(said);
}

}  // namespace

std::string_view own_words(std::string_view title) {
  const auto colon = title.rfind(": ");
  return colon == std::string_view::npos ? std::string_view() : title.substr(colon + 2);
}

std::optional<std::string_view> startup_words(std::string_view title) {
  return words_behind(own_words(title), "startup ");
}

std::optional<Lsn> streamed_position(std::string_view title) {
  constexpr std::string_view kStreaming = "streaming ";
  const auto said = own_words(title);
  auto rest = words_behind(said, "walreceiver ");
  if (!rest) rest = words_behind(said, "wal receiver ");  // until PostgreSQL 10
  if (!rest || rest->substr(0, kStreaming.size()) != kStreaming) return std::nullopt;
  return Lsn::parse(trimmed(rest->substr(kStreaming.size())));
}

}  // namespace pgsqlms::pg
