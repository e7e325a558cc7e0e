// SPDX-License-Identifier: PostgreSQL
// Replay: what the processes of a server show of its recovery while it takes no sessions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pgsqlms/pg/control_data.hpp"
#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::pg {

struct Replay {
  /// The startup process has slept for a second at least, and waits for no program: it has replayed what it can read.
  bool is_idle = false;
  std::string wal_file;         ///< the one that it replays or waits for, "000000010000000000000003"
  std::optional<Lsn> streamed;  ///< how far a walreceiver is
};

/// Where the contents of a WAL file begin. Nothing if that is no name of one.
[[nodiscard]] std::optional<Lsn> begin_of_wal_file(std::string_view name, std::uint64_t segment_size);

/// Whether the data of a server in archive recovery are known to be consistent, so that only transactions that were
/// open on its primary can keep sessions out: the WAL is replayed up to where pg_control says that it must be.
/// `control` may be older than `replay`.
[[nodiscard]] bool is_consistent(const ControlData& control, const Replay& replay);

}  // namespace pgsqlms::pg
