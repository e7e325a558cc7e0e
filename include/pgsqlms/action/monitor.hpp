// SPDX-License-Identifier: PostgreSQL
// The monitor: the instance's state as an answer, and the promotion scores kept by a primary.
#pragma once

#include "pgsqlms/action/agent.hpp"
#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::action {

/// The answer is settled before the scores are looked at; nothing that happens to them changes it. A probe, and a
/// monitor of an instance that Pacemaker has not promoted, write nothing.
[[nodiscard]] ocf::Answer monitor(Agent& agent);

}  // namespace pgsqlms::action
