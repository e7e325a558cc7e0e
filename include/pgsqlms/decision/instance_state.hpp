// SPDX-License-Identifier: PostgreSQL
// InstanceState: what the facts of a probe amount to, and what a monitor answers in that state.
#pragma once

#include <string>
#include <string_view>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/pg/instance.hpp"

namespace pgsqlms::decision {

enum class InstanceState {
  Primary,
  Standby,
  Pending,
  Stopped,
  CrashedPrimary,
  CrashedStandby,
  Transitional,
  Unresponsive,
  Unreachable,
  Broken,
  SingleUser,
  Unknown,
  Damaged,
  Misplaced,
  Absent,
};

/// One state: what a recurring monitor and a probe answer, and the sentence for people.
struct StateAnswer {
  InstanceState state;
  std::string_view name;
  ocf::ReturnCode monitor;
  ocf::ReturnCode probe;
  std::string_view reason;
};

// clang-format off
inline constexpr StateAnswer kStateAnswers[] = {
    // state                        name               recurring monitor                 probe                             reason
    {InstanceState::Primary,        "primary",         ocf::ReturnCode::RunningPromoted, ocf::ReturnCode::RunningPromoted, ""},
    {InstanceState::Standby,        "standby",         ocf::ReturnCode::Success,         ocf::ReturnCode::Success,         ""},
    {InstanceState::Pending,        "pending standby", ocf::ReturnCode::Success,         ocf::ReturnCode::Success,         ""},
    {InstanceState::Stopped,        "stopped",         ocf::ReturnCode::NotRunning,      ocf::ReturnCode::NotRunning,      ""},
    {InstanceState::CrashedPrimary, "crashed primary", ocf::ReturnCode::FailedPromoted,  ocf::ReturnCode::NotRunning,      "the primary has crashed: no server process, pg_control says it was not shut down"},
    {InstanceState::CrashedStandby, "crashed standby", ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::NotRunning,      "the standby has crashed: no server process, pg_control says it was not shut down"},
    {InstanceState::Transitional,   "transitional",    ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::ErrGeneric,      "the server accepts no connections yet"},
    {InstanceState::Unresponsive,   "unresponsive",    ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::ErrGeneric,      "the server does not answer"},
    {InstanceState::Unreachable,    "unreachable",     ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::ErrGeneric,      "the server runs but cannot be reached"},
    {InstanceState::Broken,         "broken",          ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::ErrGeneric,      "the server runs but is broken inside"},
    {InstanceState::SingleUser,     "single-user",     ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::NotRunning,      "a single-user backend works in the data directory"},
    {InstanceState::Unknown,        "unknown",         ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::ErrGeneric,      "whether a server runs cannot be told"},
    {InstanceState::Damaged,        "damaged",         ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::NotRunning,      "no server process, and pg_control cannot be read"},
    {InstanceState::Misplaced,      "misplaced",       ocf::ReturnCode::ErrGeneric,      ocf::ReturnCode::ErrGeneric,      "the server of this instance works in another directory than datadir"},
    {InstanceState::Absent,         "absent",          ocf::ReturnCode::NotRunning,      ocf::ReturnCode::NotRunning,      ""},
};
// clang-format on

[[nodiscard]] InstanceState classify(const pg::ProbeFacts& facts);

[[nodiscard]] const StateAnswer& answer_of(InstanceState state);

/// The state's sentence with what the server or libpq said of it.
[[nodiscard]] std::string explain(InstanceState state, const pg::ProbeFacts& facts);

/// Whether waiting may bring another state: a process is there that takes no sessions for now, or what is there could
/// not be seen or did not work at this moment.
[[nodiscard]] bool may_settle(InstanceState state);

/// Whether a stopped instance was a primary when it last ran. A backup_label, standby.signal or recovery.conf says that
/// it was none, though pg_control may say `in production` (a fresh base backup).
[[nodiscard]] bool was_primary(const pg::ProbeFacts& facts);

}  // namespace pgsqlms::decision
