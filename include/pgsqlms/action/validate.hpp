// SPDX-License-Identifier: PostgreSQL
// Validation of the parameters, the clone's options, the installation and the standby settings.
#pragma once

#include "pgsqlms/action/agent.hpp"

namespace pgsqlms::action {

/// Throws ocf::Failure naming the first thing that is wrong and its value.
void validate(Agent& agent);

/// The same for what a promotion needs: parameters, the clone's options (without notifications there are no votes) and
/// the installation. A primary uses no standby settings, and they must not keep the last standby from taking over.
void validate_for_promotion(Agent& agent);

}  // namespace pgsqlms::action
