// SPDX-License-Identifier: PostgreSQL
// The wait for the role that a server was asked to take.
#pragma once

#include <string>

#include "pgsqlms/action/agent.hpp"
#include "pgsqlms/decision/instance_state.hpp"

namespace pgsqlms::action {

/// Whether recovery waits for a restore_command that has run for so long that it is taken for hanging.
[[nodiscard]] bool is_archive_hanging(Agent& agent);

/// Waits until the instance has the wanted role; a standby that takes no sessions yet is one. Returns false where a
/// hanging restore_command holds it up, once `archive_patience` is over. Throws ocf::Failure when the server has ended,
/// or the action's time is over; `purpose` says what for, "while it was promoted".
[[nodiscard]] bool reach_role(Agent& agent, decision::InstanceState wanted, const std::string& purpose,
                              Deadline archive_patience);

}  // namespace pgsqlms::action
