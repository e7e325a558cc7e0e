// SPDX-License-Identifier: PostgreSQL
// Watching: when an instance has a watcher, and what the watcher does once the server has ended.
//
// The recurring monitors do not rely on any of it: whatever goes wrong here is logged and changes no answer.
#pragma once

#include "pgsqlms/action/agent.hpp"

namespace pgsqlms::action {

/// A running server has a watcher if the parameter `watch` says so, else none.
void keep_watch(Agent& agent);

/// Before the agent ends a server itself: its end is no news then.
void end_watch(Agent& agent);

/// In the watcher: the server has ended. Reports it to the cluster, once, unless there is a reason not to.
void report_death(Agent& agent);

}  // namespace pgsqlms::action
