// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/shutdown_progress.hpp"

#include <algorithm>

#include "pgsqlms/pg/process_title.hpp"
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

}  // namespace

std::optional<HolderKind> holder_kind(std::string_view title, bool is_in_database) {
  const auto said = own_words(title);
  // Until PostgreSQL 10 "wal sender process".
  if (begins_with(said, "walsender ") || begins_with(said, "wal sender ")) {
    const bool is_streaming = said.find(" streaming ") != std::string_view::npos;
    return is_in_database && !is_streaming ? HolderKind::Consumer : HolderKind::WalSender;
  }
  const auto said_words = words(said);
  if (std::any_of(said_words.begin(), said_words.end(), is_client)) return HolderKind::Session;
  return begins_with(said, "archiver") ? std::optional(HolderKind::Archiver) : std::nullopt;
}

}  // namespace pgsqlms::pg
