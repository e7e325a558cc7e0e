// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/replay.hpp"

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

constexpr std::size_t kFieldDigits = 8;

std::optional<std::uint32_t> hexadecimal(std::string_view digits) { return parse_number<std::uint32_t>(digits, 16); }

}  // namespace

/// Timeline, upper half of the LSN, number of the segment therein: eight digits each.
std::optional<Lsn> begin_of_wal_file(std::string_view name, std::uint64_t segment_size) {
  if (name.size() != 3 * kFieldDigits) return std::nullopt;
  const auto upper = hexadecimal(name.substr(kFieldDigits, kFieldDigits));
  const auto number = hexadecimal(name.substr(2 * kFieldDigits));
  if (!upper || !number) return std::nullopt;
  return Lsn{(std::uint64_t{*upper} << 32U) + *number * segment_size};
}

bool is_consistent(const ControlData& control, const Replay& replay) {
  const auto goal = control.minimum_recovery;
  if (control.state != DbState::InArchiveRecovery || control.is_unfinished_backup || goal == Lsn{}) return false;
  const auto begin = begin_of_wal_file(replay.wal_file, control.wal_segment_size);
  if (!begin) return false;
  if (!(*begin < goal)) return true;
  const Lsn end{begin->bytes + control.wal_segment_size};
  if (end < goal) return false;
  return replay.is_idle || (replay.streamed && !(*replay.streamed < goal));
}

}  // namespace pgsqlms::pg
