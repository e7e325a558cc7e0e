// SPDX-License-Identifier: PostgreSQL
// Votes: what nodes publish before a promotion, and in which form.
#pragma once

#include <map>
#include <string>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/pg/timeline_history.hpp"
#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::decision {

using Votes = std::map<cluster::NodeName, pg::WalPosition>;
using Histories = std::map<cluster::NodeName, pg::TimelineHistory>;

/// What a node says with its vote about its instance.
struct Vote {
  pg::WalPosition position;
  pg::TimelineHistory history;   ///< where the timelines before its own were left
  bool runs_as_primary = false;  ///< so its position may be past by now
};

/// Fields after '#': timeline, LSN, history (newest first), "primary" for who runs as one; the last two only if there
/// is something to say. PAF's agent reads the position and passes over the rest: "3#100663296#2:83886080,1:50331648".
[[nodiscard]] std::string published_form(const Vote& vote);

/// The votes that can be read; values that are no WAL position are left out, and so count as silence.
[[nodiscard]] Votes read_votes(const cluster::AttributeTable& published);

/// The histories in what the nodes published; of a node under PAF's agent there is none.
[[nodiscard]] Histories read_histories(const cluster::AttributeTable& published);

/// Those of `participants` whose vote says that they run as a primary.
[[nodiscard]] cluster::NodeList find_running_primaries(const cluster::NodeList& participants,
                                                       const cluster::AttributeTable& published);

/// For people: "srv1 0/5000060 on timeline 3, srv2 ...".
[[nodiscard]] std::string describe(const Votes& votes);

}  // namespace pgsqlms::decision
