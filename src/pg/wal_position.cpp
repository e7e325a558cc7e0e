// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/wal_position.hpp"

#include <cstdio>

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {

std::optional<Lsn> Lsn::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto high = parse_number<std::uint32_t>(text.substr(0, slash), 16);
  const auto low = parse_number<std::uint32_t>(text.substr(slash + 1), 16);
  if (!high || !low) return std::nullopt;
  return Lsn{std::uint64_t{*high} << 32U | *low};
}

std::string to_string(Lsn lsn) {
  char buffer[sizeof "FFFFFFFF/FFFFFFFF"];
  const int length = std::snprintf(buffer, sizeof buffer, "%X/%X", static_cast<unsigned>(lsn.bytes >> 32U),
                                   static_cast<unsigned>(lsn.bytes & 0xFFFFFFFFU));
  return {buffer, static_cast<std::size_t>(length)};
}

std::optional<WalPosition> WalPosition::parse(std::string_view text) {
  const auto hash = text.find('#');
  if (hash == std::string_view::npos) return std::nullopt;
  const auto timeline = parse_number<Timeline>(text.substr(0, hash));
  const auto lsn = parse_number<std::uint64_t>(text.substr(hash + 1));
  if (!timeline || *timeline == 0 || !lsn) return std::nullopt;
  return WalPosition{*timeline, Lsn{*lsn}};
}

std::string published_form(const WalPosition& position) {
  return std::to_string(position.timeline) + '#' + std::to_string(position.lsn.bytes);
}

std::string to_string(const WalPosition& position) {
  return to_string(position.lsn) + " on timeline " + std::to_string(position.timeline);
}

}  // namespace pgsqlms::pg
