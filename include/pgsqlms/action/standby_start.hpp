// SPDX-License-Identifier: PostgreSQL
// What has to be right before a start in standby mode, and what such a start overrides.
#pragma once

#include <vector>

#include "pgsqlms/action/agent.hpp"

namespace pgsqlms::action {

/// Throws ocf::Failure where the server would work in another directory than the agent's.
void check_server_directory(Agent& agent);

/// The hot-standby settings that are configured lower than the primary had them, with its values; logs them. Starts a
/// program for each.
[[nodiscard]] std::vector<pg::Setting> raise_low_settings(Agent& agent);

/// Starts the server; where it does not come up, once more with the hot-standby settings that are lower than the
/// primary had them raised to that.
void start_with_enough(Agent& agent);

/// Removes the lock files that keep the server from its start, if they cannot be a living server's, and logs either.
/// No process of the instance is left.
void clear_lock_files(Agent& agent);

/// Logs which settings a reload has refused, or only the next start takes over.
void name_settings_not_in_force(Agent& agent);

/// Logs which settings every start in standby mode overrides because they would do harm.
void name_overridden_settings(Agent& agent);

}  // namespace pgsqlms::action
