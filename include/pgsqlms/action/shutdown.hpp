// SPDX-License-Identifier: PostgreSQL
// The end of a server.
#pragma once

#include "pgsqlms/action/agent.hpp"

namespace pgsqlms::action {

/// Whether there is a process that can be asked to end: a postmaster or a single-user backend.
[[nodiscard]] bool is_somebody_at_work(const pg::ServerProcesses& processes);

/// Stops the server, whatever its state, by a fast shutdown, and ends what a killed postmaster left behind. A shutdown
/// that is held up by what is not the instance's data is helped on after a quarter of the time, or 10 seconds. Throws
/// ocf::Failure where that is not done in time, or where the server works in another directory.
void stop_server(Agent& agent);

}  // namespace pgsqlms::action
