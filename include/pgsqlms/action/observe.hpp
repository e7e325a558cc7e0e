// SPDX-License-Identifier: PostgreSQL
// Observation: an instance's facts and the state that they amount to, now or as soon as it settles.
#pragma once

#include "pgsqlms/action/agent.hpp"
#include "pgsqlms/decision/instance_state.hpp"

namespace pgsqlms::action {

struct Observation {
  pg::ProbeFacts facts;
  decision::InstanceState state = decision::InstanceState::Absent;
};

/// Observes once. A server that does not answer is waited for until `deadline`.
[[nodiscard]] Observation observe(Agent& agent, Deadline deadline);

/// Observes once more. Where there was no time left to be answered in, what was seen before tells more, and is
/// returned.
[[nodiscard]] Observation observe_again(Agent& agent, Deadline deadline, Observation before);

/// Observes until the state is one that waiting does not change, or the deadline is over.
[[nodiscard]] Observation observe_settled(Agent& agent, Deadline deadline);

}  // namespace pgsqlms::action
