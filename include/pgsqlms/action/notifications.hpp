// SPDX-License-Identifier: PostgreSQL
// The notifications that mean something to the agent. All others are nothing to do, and cost nothing.
#pragma once

#include <string_view>

#include "pgsqlms/action/agent.hpp"

namespace pgsqlms::action {

/// Publishes the local position; the candidate also counts the votes and, if it is beaten, sets the scores at once.
void before_promotion(Agent& agent);
/// Takes the votes back. Who has become the primary also removes the shutdown checkpoints and keeps the scores.
void after_promotion(Agent& agent);
/// Where nobody is promoted or going to be, who was held back may be chosen again if somebody has come or gone.
void reconsider_without_primary(Agent& agent);
/// In a switchover the primary writes a checkpoint while it still serves, so that its shutdown is short.
void before_demotion(Agent& agent);

struct Notification {
  std::string_view type;
  std::string_view operation;
  void (*verb)(Agent& agent);
};

// clang-format off
inline constexpr Notification kNotifications[] = {
    {"pre",  "promote", before_promotion},
    {"post", "promote", after_promotion},
    {"post", "start",   reconsider_without_primary},
    {"post", "stop",    reconsider_without_primary},
    {"pre",  "demote",  before_demotion},
};
// clang-format on

/// Never fails: Pacemaker ignores a notification's result. What went wrong is logged.
void notify(Agent& agent);

}  // namespace pgsqlms::action
