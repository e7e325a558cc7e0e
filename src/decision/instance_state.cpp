// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/instance_state.hpp"

#include <algorithm>
#include <iterator>

namespace pgsqlms::decision {
namespace {

using pg::Contact;
using pg::DbState;

/// There is a server, but it did not tell its role itself.
InstanceState role_by_control_data(const pg::ProbeFacts& facts) {
  if (!facts.control) return InstanceState::Unreachable;
  switch (facts.control->state) {
    case DbState::InProduction: return InstanceState::Primary;
    case DbState::InArchiveRecovery: return InstanceState::Standby;
    case DbState::StartingUp:
    case DbState::ShutDown:
    case DbState::ShutDownInRecovery:
    case DbState::ShuttingDown:
    case DbState::InCrashRecovery: break;
  }
  return InstanceState::Transitional;
}

/// A standby takes no sessions as long as it may not know all transactions that were open on its primary: one with more
/// than 64 subtransactions must have ended first. Until then it replays, streams and can be promoted as any other.
bool is_pending(const pg::ProbeFacts& facts) {
  return facts.replay && facts.control && pg::is_consistent(*facts.control, *facts.replay);
}

/// There is no postmaster, so nothing changes pg_control any more: its state is final.
InstanceState state_without_server(const pg::ProbeFacts& facts) {
  if (facts.processes.elsewhere) return InstanceState::Misplaced;
  if (!facts.data_directory) return InstanceState::Absent;
  if (!facts.control) return InstanceState::Damaged;
  switch (facts.control->state) {
    case DbState::ShutDown:
    case DbState::ShutDownInRecovery: return InstanceState::Stopped;
    case DbState::InArchiveRecovery: return InstanceState::CrashedStandby;
    case DbState::InProduction:
      // A fresh base backup of a primary says so too, and has never run.
      return facts.standby_signal ? InstanceState::Stopped : InstanceState::CrashedPrimary;
    case DbState::StartingUp:
    case DbState::ShuttingDown:
    case DbState::InCrashRecovery: break;
  }
  return facts.standby_signal ? InstanceState::CrashedStandby : InstanceState::CrashedPrimary;
}

}  // namespace

InstanceState classify(const pg::ProbeFacts& facts) {
  if (facts.contact == Contact::Accepted) return facts.in_recovery ? InstanceState::Standby : InstanceState::Primary;
  if (!facts.processes.postmaster) {
    if (!facts.processes.unknown.empty()) return InstanceState::Unknown;
    return facts.processes.single_user_backend ? InstanceState::SingleUser : state_without_server(facts);
  }
  switch (facts.contact) {
    case Contact::Saturated:
    case Contact::Denied: return role_by_control_data(facts);
    case Contact::NotYet: return is_pending(facts) ? InstanceState::Pending : InstanceState::Transitional;
    case Contact::NoResponse: return InstanceState::Unresponsive;
    case Contact::Broken: return InstanceState::Broken;
    case Contact::NotListening:
    case Contact::Accepted: break;
  }
  return InstanceState::Unreachable;
}

const StateAnswer& answer_of(InstanceState state) {
  return *std::find_if(std::begin(kStateAnswers), std::end(kStateAnswers),
                       [&](const auto& row) { return row.state == state; });
}

std::string explain(InstanceState state, const pg::ProbeFacts& facts) {
  std::string sentence(answer_of(state).reason);
  if (state == InstanceState::Misplaced) return sentence + ": \"" + facts.processes.elsewhere.value_or("") + "\"";
  const auto& processes = facts.processes;
  std::string detail = processes.postmaster ? facts.contact_detail : std::string();
  if (state == InstanceState::Unknown) detail = processes.unknown;
  if (state == InstanceState::SingleUser) detail = "pid " + std::to_string(processes.single_user_backend.value_or(0));
  if (!sentence.empty() && !detail.empty()) sentence += ": " + detail;
  return sentence;
}

bool may_settle(InstanceState state) {
  switch (state) {
    case InstanceState::Transitional:
    case InstanceState::Unreachable:
    case InstanceState::Broken:
    case InstanceState::SingleUser:
    case InstanceState::Unknown: return true;
    case InstanceState::Primary:
    case InstanceState::Standby:
    case InstanceState::Pending:
    case InstanceState::Stopped:
    case InstanceState::CrashedPrimary:
    case InstanceState::CrashedStandby:
    case InstanceState::Unresponsive:
    case InstanceState::Damaged:
    case InstanceState::Misplaced:
    case InstanceState::Absent: break;
  }
  return false;
}

bool was_primary(const pg::ProbeFacts& facts) {
  if (!facts.control || facts.backup_label || facts.standby_signal) return false;
  switch (facts.control->state) {
    case DbState::ShutDown:
    case DbState::ShuttingDown:
    case DbState::InCrashRecovery:
    case DbState::InProduction: return true;
    case DbState::StartingUp:
    case DbState::ShutDownInRecovery:
    case DbState::InArchiveRecovery: break;
  }
  return false;
}

}  // namespace pgsqlms::decision
