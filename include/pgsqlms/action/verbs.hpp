// SPDX-License-Identifier: PostgreSQL
// The verbs: what the agent does to an instance in a known state. Each throws ocf::Failure if it could not do it.
#pragma once

#include "pgsqlms/action/agent.hpp"
#include "pgsqlms/action/observe.hpp"

namespace pgsqlms::action {

using Verb = void (*)(Agent& agent, const Observation& before);

/// Nothing to do.
void stay(Agent& agent, const Observation& before);

/// Leaves a running standby alone, unless a promotion that was asked for is still to come: then it is restarted.
void stay_a_standby(Agent& agent, const Observation& before);

/// Starts a stopped or crashed instance in standby mode and waits until it accepts connections. A former primary takes
/// a promotion score where no node has one.
void start_as_standby(Agent& agent, const Observation& before);

/// Stops the server, whatever its state, and makes sure that none of its processes is left. If it was the last primary
/// and ended cleanly, publishes where its WAL ends; whatever becomes of that, the stop has succeeded.
void stop(Agent& agent);

/// Stops a running primary, proves the shutdown clean and publishes where its WAL ends; then starts it as a standby,
/// unless this transition is going to stop it here anyway.
void step_down(Agent& agent, const Observation& before);

/// The same for an instance in any other state, that may be down already. A standby is restarted, too: whether a
/// promotion that was asked for is still to come cannot be told from outside once the startup process has taken the
/// request, and nothing but an end of that process takes it back.
void take_down(Agent& agent, const Observation& before);

/// Promotes the standby if the participants' votes allow it.
void promote_if_best(Agent& agent, const Observation& before);

/// Leaves a running primary as it is. Refuses only where another node is known to have the last primary's WAL and this
/// one has diverged from it.
void keep_primary_if_its_wal_counts(Agent& agent, const Observation& before);

/// Starts a stopped instance, then promote_if_best().
void start_and_promote(Agent& agent, const Observation& before);

}  // namespace pgsqlms::action
