// SPDX-License-Identifier: PostgreSQL
// The election: who has the most WAL, and which scores make Pacemaker promote that node.
#pragma once

#include <map>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/decision/votes.hpp"
#include "pgsqlms/ocf/notify_context.hpp"

namespace pgsqlms::decision {

/// Those of `participants` that have not voted.
[[nodiscard]] cluster::NodeList find_silent(const cluster::NodeList& participants, const Votes& votes);

/// Who is to be promoted among `participants` instead of a candidate that somebody is ahead of: those with the most
/// WAL, the one with the highest score first, then by name. Empty if nobody is ahead of it. The candidate must have
/// voted.
[[nodiscard]] cluster::NodeList find_winners(const cluster::NodeName& candidate, const cluster::NodeList& participants,
                                             const Votes& votes, const cluster::ScoreTable& scores);

/// Whether Pacemaker chose the candidate though a participant other than it has a higher score: a constraint or the
/// state of the others decided, not the scores.
[[nodiscard]] bool is_chosen_in_spite_of_scores(const cluster::NodeName& candidate,
                                                const cluster::NodeList& participants,
                                                const cluster::ScoreTable& scores);

/// The scores with which a candidate that is refused makes Pacemaker choose one of the winners instead.
struct Concession {
  cluster::NodeName winner;
  std::map<cluster::NodeName, cluster::PromotionScore> scores;
  bool is_forbidden = false;  ///< constraints forbid each winner, so that no score helps; then there are none
};

/// The winner is the first one that no constraint forbids. 1 for the candidate; for the winner 1000, and 999 for
/// another participant that has as much. Only where a participant has the primary's score the winner gets more than
/// that. Where constraints prefer the candidate in spite of that, -INFINITY for it, which alone overrules them: but
/// only if they let the winner be promoted, or nobody would be left. `placement` is what Pacemaker makes of the scores,
/// constraints included; it matters only where is_chosen_in_spite_of_scores(), and a node that is not in it has no
/// constraints. There must be a winner.
[[nodiscard]] Concession concede(const cluster::NodeName& candidate, const cluster::NodeList& winners,
                                 const cluster::NodeList& participants, const cluster::ScoreTable& scores,
                                 const cluster::ScoreTable& placement);

}  // namespace pgsqlms::decision
