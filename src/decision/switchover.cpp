// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/switchover.hpp"

namespace pgsqlms::decision {
namespace {

bool has_received(const Vote& candidate, const pg::WalPosition& checkpoint) {
  const auto left = candidate.history.find(checkpoint.timeline);
  const bool is_of_the_past = checkpoint.timeline < candidate.position.timeline && left != candidate.history.end();
  return is_of_the_past ? checkpoint.lsn < left->second : checkpoint < candidate.position;
}

}  // namespace

std::optional<MissedShutdown> find_missed_shutdown(const Vote& candidate,
                                                   const ShutdownCheckpoints& shutdown_checkpoints) {
  for (const auto& [node, checkpoint] : shutdown_checkpoints) {
    if (are_foreign(checkpoint.system_identifier, candidate.system_identifier)) continue;
    if (!has_received(candidate, checkpoint.position)) return MissedShutdown{node, checkpoint.position};
  }
  return std::nullopt;
}

std::optional<cluster::NodeName> find_demoted_primary(const ocf::NotifyContext& transition,
                                                      const cluster::NodeName& candidate) {
  for (const auto& node : transition.demote) {
    if (node != candidate && ocf::contains(transition.promoted, node) && !ocf::contains(transition.stop, node)) {
      return node;
    }
  }
  return std::nullopt;
}

}  // namespace pgsqlms::decision
