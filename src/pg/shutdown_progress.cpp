// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/shutdown_progress.hpp"

#include <algorithm>

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

bool begins_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

/// "[local]", or "192.0.2.7(4711)".
bool is_client(std::string_view word) {
  return word == "[local]" || (!word.empty() && word.back() == ')' && word.find('(') != std::string_view::npos);
}

/// Without "postgres: " and the cluster_name.
std::string_view own_words(std::string_view title) {
  const auto colon = title.rfind(": ");
  return colon == std::string_view::npos ? std::string_view() : title.substr(colon + 2);
}

}  // namespace

std::optional<HolderKind> holder_kind(std::string_view title) {
  const auto said = own_words(title);
  // Until PostgreSQL 10 "wal sender process".
  if (begins_with(said, "walsender ") || begins_with(said, "wal sender ")) {
    const bool is_logical = said.find(" START_REPLICATION") != std::string_view::npos;
    return is_logical ? HolderKind::Consumer : HolderKind::WalSender;
  }
  if (begins_with(said, "archiver")) return HolderKind::Archiver;
  const auto said_words = words(said);
  if (std::any_of(said_words.begin(), said_words.end(), is_client)) return HolderKind::Session;
  return std::nullopt;
}

}  // namespace pgsqlms::pg
