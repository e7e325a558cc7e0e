// SPDX-License-Identifier: PostgreSQL
// The table of transitions: which verb an action comes down to in which state.
#pragma once

#include <string_view>

#include "pgsqlms/action/verbs.hpp"
#include "pgsqlms/decision/instance_state.hpp"
#include "pgsqlms/ocf/action.hpp"

namespace pgsqlms::action {

struct Transition {
  ocf::Action action;
  decision::InstanceState found;
  Verb verb;
  std::string_view comment;  ///< also the log line
};

// clang-format off
inline constexpr Transition kTransitions[] = {
    // action               found state                               verb                   comment
    {ocf::Action::Start,   decision::InstanceState::Standby,         stay_a_standby,        "already started as a standby"},
    {ocf::Action::Start,   decision::InstanceState::Pending,         stay_a_standby,        "already started as a standby, which takes no sessions yet"},
    {ocf::Action::Start,   decision::InstanceState::Stopped,         start_as_standby,      "starting as a standby"},
    {ocf::Action::Start,   decision::InstanceState::CrashedPrimary,  start_as_standby,      "starting the crashed primary as a standby"},
    {ocf::Action::Start,   decision::InstanceState::CrashedStandby,  start_as_standby,      "starting the crashed standby again"},
    {ocf::Action::Promote, decision::InstanceState::Primary,         keep_primary_if_its_wal_counts, "already promoted"},
    {ocf::Action::Promote, decision::InstanceState::Standby,         promote_if_best,       "promoting if no other node has more WAL"},
    {ocf::Action::Promote, decision::InstanceState::Pending,         promote_if_best,       "promoting a standby that takes no sessions yet if no other node has more WAL"},
    {ocf::Action::Promote, decision::InstanceState::Stopped,         start_and_promote,     "starting, then promoting if no other node has more WAL"},
    {ocf::Action::Demote,  decision::InstanceState::Standby,         take_down,             "restarting the standby, whose promotion may be pending"},
    {ocf::Action::Demote,  decision::InstanceState::Pending,         take_down,             "restarting the standby, which takes no sessions yet"},
    {ocf::Action::Demote,  decision::InstanceState::Primary,         step_down,             "shutting the primary down cleanly"},
    {ocf::Action::Demote,  decision::InstanceState::Stopped,         take_down,             "demoting a stopped instance"},
    {ocf::Action::Demote,  decision::InstanceState::CrashedPrimary,  take_down,             "demoting the crashed primary"},
    {ocf::Action::Demote,  decision::InstanceState::CrashedStandby,  take_down,             "demoting the crashed standby"},
    {ocf::Action::Demote,  decision::InstanceState::Transitional,    take_down,             "shutting down a server that accepts no connections"},
    {ocf::Action::Demote,  decision::InstanceState::Unresponsive,    take_down,             "shutting down a server that does not answer"},
    {ocf::Action::Demote,  decision::InstanceState::Unreachable,     take_down,             "shutting down a server that cannot be reached"},
    {ocf::Action::Demote,  decision::InstanceState::Broken,          take_down,             "shutting down a server that is broken inside"},
    {ocf::Action::Demote,  decision::InstanceState::SingleUser,      take_down,             "ending a single-user backend"},
};
// clang-format on

/// The row for that pair; nullptr if the action is refused in that state.
[[nodiscard]] const Transition* find_transition(ocf::Action action, decision::InstanceState found);

/// Observes the instance and does what the table says. Throws ocf::Failure where there is no row.
void change_state(Agent& agent, ocf::Action action);

}  // namespace pgsqlms::action
