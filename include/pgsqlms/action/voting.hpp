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

/// After a refusal: sets the scores that make Pacemaker choose the successor instead of the local node, and reports a
/// rogue primary as failed. Returns the reason for people.
std::string act_on_refusal(Agent& agent, const decision::Verdict& verdict);

}  // namespace pgsqlms::action
