// SPDX-License-Identifier: PostgreSQL
// Lsn, Timeline and WalPosition: how far an instance is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace pgsqlms::pg {

/// A byte position in the WAL (pg_lsn).
struct Lsn {
  std::uint64_t bytes = 0;

  /// Parses PostgreSQL's form, "16/B374D848".
  [[nodiscard]] static std::optional<Lsn> parse(std::string_view text);
};

[[nodiscard]] inline bool operator==(Lsn a, Lsn b) { return a.bytes == b.bytes; }
[[nodiscard]] inline bool operator!=(Lsn a, Lsn b) { return a.bytes != b.bytes; }
[[nodiscard]] inline bool operator<(Lsn a, Lsn b) { return a.bytes < b.bytes; }

/// PostgreSQL's form, "16/B374D848".
[[nodiscard]] std::string to_string(Lsn lsn);

using Timeline = std::uint32_t;

/// What initdb gives an instance and all its copies share; 0 is none.
using SystemIdentifier = std::uint64_t;

/// A position on a timeline. Ordered by timeline, then by LSN.
struct WalPosition {
  Timeline timeline = 0;
  Lsn lsn;

  /// Parses the form in which nodes publish it, PAF's "TL#LSN" with both in decimal: "9#100663296".
  [[nodiscard]] static std::optional<WalPosition> parse(std::string_view text);
};

[[nodiscard]] inline bool operator==(const WalPosition& a, const WalPosition& b) {
  return a.timeline == b.timeline && a.lsn == b.lsn;
}
[[nodiscard]] inline bool operator<(const WalPosition& a, const WalPosition& b) {
  return std::tie(a.timeline, a.lsn.bytes) < std::tie(b.timeline, b.lsn.bytes);
}

/// The form that WalPosition::parse() reads.
[[nodiscard]] std::string published_form(const WalPosition& position);

/// For people: "0/6000000 on timeline 9".
[[nodiscard]] std::string to_string(const WalPosition& position);

}  // namespace pgsqlms::pg
