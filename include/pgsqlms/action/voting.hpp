// SPDX-License-Identifier: PostgreSQL
// Voting: the participants of an election publish their WAL positions, the candidate counts them.
#pragma once

#include <optional>
#include <string>

#include "pgsqlms/action/agent.hpp"
#include "pgsqlms/ocf/notify_context.hpp"

namespace pgsqlms::action {

/// What the votes say about promoting the local node.
struct Verdict {
  std::optional<std::string> refusal;          ///< why it must not be promoted; nothing if it may
  std::optional<cluster::NodeName> successor;  ///< who is to be promoted instead, if that is known
};

/// Publishes the local instance's WAL position.
void publish_vote(Agent& agent);

/// Waits until every online participant has voted, or until the deadline, and judges. Changes nothing.
[[nodiscard]] Verdict count_votes(Agent& agent, const ocf::NotifyContext& transition, Deadline patience);

/// Sets the scores that make Pacemaker choose `successor` instead of the local node.
void yield_to(Agent& agent, const cluster::NodeName& successor);

}  // namespace pgsqlms::action
