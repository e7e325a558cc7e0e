// SPDX-License-Identifier: PostgreSQL
// The verbs: what the agent does to an instance in a known state. Each throws ocf::Failure if it could not do it.
#pragma once

#include "pgsqlms/action/agent.hpp"
#include "pgsqlms/action/observe.hpp"

namespace pgsqlms::action {

using Verb = void (*)(Agent& agent, const Observation& before);

/// Nothing to do.
void stay(Agent& agent, const Observation& before);

/// Starts a stopped or crashed instance in standby mode and waits until it accepts connections. A former primary takes
/// a promotion score where no node has one.
void start_as_standby(Agent& agent, const Observation& before);

/// Stops the server, whatever its state, and makes sure that none of its processes is left.
void stop(Agent& agent);

/// Stops a running primary, proves the shutdown clean and publishes where its WAL ends; then start_unless_stopping().
void step_down(Agent& agent, const Observation& before);

/// Makes sure that a server in any other state is down; what was a primary and ended cleanly is published as well. Then
/// start_unless_stopping().
void take_down(Agent& agent, const Observation& before);

/// Starts a stopped instance as a standby, unless this transition is going to stop it here anyway.
void start_unless_stopping(Agent& agent, const Observation& before);

/// Promotes the standby if the participants' votes allow it.
void promote_if_best(Agent& agent, const Observation& before);

/// Leaves a running primary as it is. Refuses only where another node is known to have the last primary's WAL and this
/// one has diverged from it.
void keep_primary_if_its_wal_counts(Agent& agent, const Observation& before);

/// Starts a stopped instance, then promote_if_best().
void start_and_promote(Agent& agent, const Observation& before);

}  // namespace pgsqlms::action
