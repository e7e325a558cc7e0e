// SPDX-License-Identifier: PostgreSQL
// Scoring: the promotion scores that a primary gives itself and its standbys, and the writing of any.
#pragma once

#include "pgsqlms/action/agent.hpp"

namespace pgsqlms::action {

/// Writes the scores that have changed. Needs a primary that Pacemaker itself has promoted: any other would take the
/// scores of the one that the cluster works with. Never fails, and takes no more than its own share of the deadline.
void keep_scores(Agent& agent);

/// Writes the score of a node, and logs it.
void give_score(Agent& agent, const cluster::NodeName& node, cluster::PromotionScore score, Deadline deadline);

}  // namespace pgsqlms::action
