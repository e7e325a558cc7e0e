// SPDX-License-Identifier: PostgreSQL
// Votes: what nodes publish for an election, and in which form.
#pragma once

#include <map>
#include <string>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/pg/timeline_history.hpp"
#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::decision {

/// What a node says of its instance before a promotion.
struct Vote {
  pg::WalPosition position;
  pg::TimelineHistory history = {};            ///< where the timelines before its own were left; empty if not known
  bool runs_as_primary = false;                ///< so its position may be past by now
  pg::SystemIdentifier system_identifier = 0;  ///< 0 of a node whose agent does not tell it
};

[[nodiscard]] bool operator==(const Vote& one, const Vote& other);

using Votes = std::map<cluster::NodeName, Vote>;

/// Where a primary's WAL ended that was shut down cleanly.
struct ShutdownCheckpoint {
  pg::WalPosition position;                    ///< the beginning of its record
  pg::SystemIdentifier system_identifier = 0;  ///< 0 of a node whose agent does not tell it
};

using ShutdownCheckpoints = std::map<cluster::NodeName, ShutdownCheckpoint>;

/// Fields between '#': timeline, LSN, history (newest first), "primary" for who runs as one, system identifier; the
/// last ones only as far as there is something to say. PAF's agent, and this one in older versions, read the fields
/// that they know and pass over the rest: "3#100663296#2:83886080,1:50331648##7301234567890123456".
[[nodiscard]] std::string published_form(const Vote& vote);
[[nodiscard]] std::string published_form(const ShutdownCheckpoint& checkpoint);

/// The votes that can be read; values that are no WAL position are left out, and so count as silence.
[[nodiscard]] Votes read_votes(const cluster::AttributeTable& published);
[[nodiscard]] ShutdownCheckpoints read_shutdown_checkpoints(const cluster::AttributeTable& published);

/// Whether both are known to be of different systems, so that their WAL has nothing in common.
[[nodiscard]] bool are_foreign(pg::SystemIdentifier one, pg::SystemIdentifier other);

/// For people: "srv1 0/5000060 on timeline 3, srv2 ...".
[[nodiscard]] std::string describe(const Votes& votes);

}  // namespace pgsqlms::decision
