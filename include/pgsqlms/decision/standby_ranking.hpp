// SPDX-License-Identifier: PostgreSQL
// The promotion scores that a primary gives itself and its standbys.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/pg/instance.hpp"

namespace pgsqlms::decision {

/// A standby overtakes another in rank only with a lead of more than this many bytes of WAL: two that write in turn
/// must not change the CIB at every monitor. As much is forgiven a standby of what it has received and not yet
/// replayed. The size of a WAL segment.
inline constexpr std::uint64_t kWorthwhileLead = 16ULL * 1024 * 1024;

/// For so long after a promotion the standbys are given to connect to the new primary. Without it nobody could be
/// promoted if the new primary was lost before its second monitor.
inline constexpr std::chrono::seconds kReconnectGrace{30};

struct ScoreInputs {
  cluster::NodeName local_node;  ///< where the primary runs
  cluster::NodeList members;     ///< of the local partition; looked at only where depends_on_members()
  cluster::ScoreTable current;
  pg::ReplicationStatus replication;
  std::optional<std::uint64_t> lag_limit;  ///< bytes of WAL
};

/// Whether it matters who is a member: only where a node that has a score is not connected.
[[nodiscard]] bool depends_on_members(const ScoreInputs& inputs);

using ScoreChanges = std::map<cluster::NodeName, cluster::PromotionScore>;

/// The scores that have to be written, those that stay as they are left out.
[[nodiscard]] ScoreChanges rank_standbys(const ScoreInputs& inputs);

}  // namespace pgsqlms::decision
