// SPDX-License-Identifier: PostgreSQL
// The switchover's proof: has the standby that takes over received the demoted primary's last record?
#pragma once

#include <optional>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/decision/votes.hpp"
#include "pgsqlms/ocf/notify_context.hpp"

namespace pgsqlms::decision {

/// A primary that was shut down cleanly since the last promotion and whose last record the candidate lacks.
struct MissedShutdown {
  cluster::NodeName node;
  pg::WalPosition checkpoint;  ///< where the shutdown checkpoint's record begins
};

/// Compares the candidate's position with every published shutdown checkpoint of its own system. One on an older
/// timeline has been received if the candidate's history left that timeline behind it, or is not known; on the
/// candidate's own timeline, or a newer one, if it is before the candidate's position.
[[nodiscard]] std::optional<MissedShutdown> find_missed_shutdown(const Vote& candidate,
                                                                 const ShutdownCheckpoints& shutdown_checkpoints);

/// The primary that this transition demotes and keeps running elsewhere than on `candidate`; nothing if there is none.
[[nodiscard]] std::optional<cluster::NodeName> find_demoted_primary(const ocf::NotifyContext& transition,
                                                                    const cluster::NodeName& candidate);

}  // namespace pgsqlms::decision
