// SPDX-License-Identifier: PostgreSQL
// Divergence: two voters of which each has WAL that the other lacks. None of them is ahead of the other, whatever their
// timelines' numbers say; only who streamed from the last primary can tell whose WAL counts.
#pragma once

#include <optional>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/decision/votes.hpp"

namespace pgsqlms::decision {

/// The participants whose WAL has diverged from the candidate's. Where a history is not known, two voters are taken for
/// diverged only if the one on the newer timeline has the lower LSN.
[[nodiscard]] cluster::NodeList find_diverged(const cluster::NodeName& candidate, const cluster::NodeList& participants,
                                              const Votes& votes, const Histories& histories);

/// Which of two diverged nodes streamed from the last primary, so that its WAL is the one that counts: the last primary
/// counted it among those that may follow it, by a score that is not negative. Nothing if that holds for both or none.
[[nodiscard]] std::optional<cluster::NodeName> whose_wal_counts(const cluster::NodeName& one,
                                                                const cluster::NodeName& other,
                                                                const cluster::ScoreTable& scores);

}  // namespace pgsqlms::decision
