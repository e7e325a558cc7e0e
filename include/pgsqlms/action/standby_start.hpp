// SPDX-License-Identifier: PostgreSQL
// The start in standby mode: what has to be right before it, what it overrides, and how it comes up all the same.
#pragma once

#include <vector>

#include "pgsqlms/action/agent.hpp"

namespace pgsqlms::action {

/// Throws ocf::Failure where the server would work in another directory than the agent's.
void check_server_directory(Agent& agent);

/// The hot-standby settings that are configured lower than the primary had them, with its values; logs them. Starts a
/// program for each.
[[nodiscard]] std::vector<pg::Setting> raise_low_settings(Agent& agent);

/// Starts a stopped server, and returns when it is a standby, whether it takes sessions already or not. Where it does
/// not come up, it is started once more with the hot-standby settings that are lower than the primary had them raised
/// to that; where restore_command hangs and half of the time is over, without that.
void start_in_standby_mode(Agent& agent);

/// Stops the server first, and its watcher.
void restart_as_standby(Agent& agent);

/// The same, and restore_command is not in force until the next start. Recovery waits for one that hangs.
void restart_without_archive(Agent& agent);

/// Logs which settings a reload has refused, or only the next start takes over.
void name_settings_not_in_force(Agent& agent);

/// Logs which settings every start in standby mode overrides because they would do harm.
void name_overridden_settings(Agent& agent);

}  // namespace pgsqlms::action
