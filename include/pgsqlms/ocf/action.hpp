// SPDX-License-Identifier: PostgreSQL
// The actions of the agent. The table feeds the dispatch, `methods`, the meta-data and the help.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace pgsqlms::ocf {

enum class Action {
  Start,
  Stop,
  Promote,
  Demote,
  Monitor,
  Notify,
  Reload,
  ReloadAgent,
  ValidateAll,
  MetaData,
  Methods,
};

enum class Role { Any, Promoted, Unpromoted };

/// One suggested operation. An interval of zero means that the operation is not recurring.
struct ActionSpec {
  Action action;
  std::string_view name;
  std::chrono::seconds timeout;
  std::chrono::seconds interval;
  Role role;
  std::string_view summary;
};

using std::chrono_literals::operator""s;

// clang-format off
inline constexpr ActionSpec kActions[] = {
    // action              name            timeout interval  role              summary
    {Action::Start,       "start",          60s,    0s, Role::Any,        "start the instance as a standby"},
    {Action::Stop,        "stop",           60s,    0s, Role::Any,        "stop the instance, fast mode"},
    {Action::Promote,     "promote",        30s,    0s, Role::Any,        "make the standby the primary, if no other one has more WAL"},
    {Action::Demote,      "demote",        120s,    0s, Role::Any,        "make the primary a standby"},
    {Action::Monitor,     "monitor",        10s,   15s, Role::Promoted,   "tell the state; a primary also keeps the promotion scores"},
    {Action::Monitor,     "monitor",        10s,   16s, Role::Unpromoted, "tell the state"},
    {Action::Notify,      "notify",         60s,    0s, Role::Any,        "prepare elections and switchovers"},
    {Action::Reload,      "reload",         20s,    0s, Role::Any,        "take over changed parameters"},
    {Action::ReloadAgent, "reload-agent",   20s,    0s, Role::Any,        "take over changed parameters (OCF 1.1)"},
    {Action::ValidateAll, "validate-all",    5s,    0s, Role::Any,        "check parameters and the instance's configuration"},
    {Action::MetaData,    "meta-data",       5s,    0s, Role::Any,        "print the meta-data"},
    {Action::Methods,     "methods",         5s,    0s, Role::Any,        "print the names of the actions"},
};
// clang-format on

/// The row of the action with that name; nullptr if there is no such action.
[[nodiscard]] const ActionSpec* find_action(std::string_view name);

/// The first row of that action.
[[nodiscard]] const ActionSpec& spec_of(Action action);

}  // namespace pgsqlms::ocf
