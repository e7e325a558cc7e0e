// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/role.hpp"

#include <utility>

#include "pgsqlms/action/observe.hpp"
#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using std::chrono_literals::operator""ms;

constexpr Duration kRolePoll = 20ms;
constexpr Duration kArchivePoll = 500ms;

bool is_server_gone(InstanceState state) {
  switch (state) {
    case InstanceState::Stopped:
    case InstanceState::CrashedPrimary:
    case InstanceState::CrashedStandby:
    case InstanceState::Damaged:
    case InstanceState::Absent: return true;
    case InstanceState::Primary:
    case InstanceState::Standby:
    case InstanceState::Pending:
    case InstanceState::Transitional:
    case InstanceState::Unresponsive:
    case InstanceState::Unreachable:
    case InstanceState::Broken:
    case InstanceState::SingleUser:
    case InstanceState::Unknown:
    case InstanceState::Misplaced: break;
  }
  return false;
}

std::string with_detail(const std::string& reason, const std::string& detail) {
  return detail.empty() ? reason : reason + ": " + detail;
}

/// Who takes no sessions for now, or keeps its role, is held up by the startup process.
std::string obstacle(Agent& agent, const Observation& now) {
  const bool is_under_way = now.state == InstanceState::Transitional || now.state == InstanceState::Standby;
  const auto trouble = is_under_way ? agent.instance.trouble() : "";
  return trouble.empty() ? decision::explain(now.state, now.facts) : trouble;
}

/// A standby is one, whether it takes sessions already or not.
bool is_role(InstanceState wanted, InstanceState found) {
  return found == wanted || (wanted == InstanceState::Standby && found == InstanceState::Pending);
}

}  // namespace

bool is_archive_hanging(Agent& agent) {
  const auto age = agent.instance.restore_command_age(agent.deadline);
  return age && *age >= pg::kHangingRestoreCommand;
}

bool reach_role(Agent& agent, InstanceState wanted, const std::string& purpose, Deadline archive_patience) {
  auto now = observe(agent, agent.deadline);
  while (!is_role(wanted, now.state)) {
    if (is_server_gone(now.state)) {
      throw ocf::Failure(with_detail("the server died " + purpose, agent.instance.trouble()));
    }
    if (agent.deadline.expired()) throw ocf::Failure(with_detail("out of time " + purpose, obstacle(agent, now)));
    if (archive_patience.expired()) {
      if (is_archive_hanging(agent)) return false;
      archive_patience = agent.deadline.within(kArchivePoll);
    }
    agent.deadline.pause(kRolePoll);
    now = observe_again(agent, agent.deadline, std::move(now));
  }
  return true;
}

}  // namespace pgsqlms::action
