// SPDX-License-Identifier: PostgreSQL
// The election: may the candidate that Pacemaker chose be promoted, or has another node more WAL?
#pragma once

#include <map>
#include <string>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/decision/votes.hpp"
#include "pgsqlms/ocf/notify_context.hpp"

namespace pgsqlms::decision {

/// Those of `participants` that have not voted.
[[nodiscard]] cluster::NodeList find_silent(const cluster::NodeList& participants, const Votes& votes);

/// The node to promote among `participants`: the candidate unless somebody is ahead of it; else the one with the most
/// WAL, among equals the one with the highest score, then the first by name. The candidate must have voted.
[[nodiscard]] cluster::NodeName elect(const cluster::NodeName& candidate, const cluster::NodeList& participants,
                                      const Votes& votes, const cluster::ScoreTable& scores);

/// The scores that make Pacemaker choose `winner` instead of `candidate`: 1 for the candidate; for the winner 1000, or
/// more where that is needed to be above every other participant. A candidate that was chosen though another
/// participant had a higher score is wanted there by a location constraint; only -INFINITY keeps it from being
/// promoted. Not so where Pacemaker has just recovered the winner, and would have passed over it for this once: if the
/// winner cannot be promoted in the end, somebody must be left.
[[nodiscard]] std::map<cluster::NodeName, cluster::PromotionScore> scores_for_winner(
    const cluster::NodeName& candidate, const cluster::NodeName& winner, const ocf::NotifyContext& transition,
    const cluster::ScoreTable& scores);

}  // namespace pgsqlms::decision
