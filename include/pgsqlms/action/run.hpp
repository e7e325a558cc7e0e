// SPDX-License-Identifier: PostgreSQL
// run(): one action to its answer.
#pragma once

#include "pgsqlms/action/agent.hpp"
#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::action {

/// Not for meta-data and methods, which need no agent.
[[nodiscard]] ocf::Answer run(Agent& agent, ocf::Action action);

}  // namespace pgsqlms::action
