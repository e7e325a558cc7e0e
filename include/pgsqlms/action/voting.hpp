// SPDX-License-Identifier: PostgreSQL
// Voting: the participants of an election publish their WAL positions, the candidate counts them.
#pragma once

#include <string>

#include "pgsqlms/action/agent.hpp"
#include "pgsqlms/decision/verdict.hpp"
#include "pgsqlms/ocf/notify_context.hpp"

namespace pgsqlms::action {

/// As what the candidate's instance runs.
enum class CandidateRole { Standby, Primary };

/// Publishes the local instance's WAL position. Where the instance is down, reports that instead, as its failure.
void publish_vote(Agent& agent);

/// Waits until every participant that can vote has voted or left, or until the deadline, and judges. Changes nothing.
[[nodiscard]] decision::Verdict count_votes(Agent& agent, const ocf::NotifyContext& transition, Deadline patience,
                                            CandidateRole role);

/// What came of a refusal.
struct Refusal {
  std::string reason;  ///< for people
  /// Whose promotion is in vain as well, until somebody comes or goes or an administrator decides.
  cluster::NodeList hopeless = {};
};

/// After a refusal: sets the scores that make Pacemaker choose the successor instead of the local node, and reports a
/// rogue primary as failed.
[[nodiscard]] Refusal act_on_refusal(Agent& agent, const decision::Verdict& verdict);

/// Sees to it that none of them is chosen any more: each attempt counts as a failure of a node that is well. Not in a
/// notification: a failed promotion is what tells the administrator.
void hold_back(Agent& agent, const cluster::NodeList& nodes);

/// Makes those promotable again who were held back, when somebody has come or gone: whether that makes a difference,
/// the next election finds out. For a transition after which there is no primary.
void end_holding_back(Agent& agent);

}  // namespace pgsqlms::action
