// SPDX-License-Identifier: PostgreSQL
// Validation of the parameters, the clone's options, the installation and the standby settings.
#pragma once

#include "pgsqlms/action/agent.hpp"

namespace pgsqlms::action {

/// Throws ocf::Failure naming the first thing that is wrong and its value.
void validate(Agent& agent);

}  // namespace pgsqlms::action
