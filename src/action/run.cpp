// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/run.hpp"

#include <spdlog/spdlog.h>

#include "pgsqlms/action/monitor.hpp"
#include "pgsqlms/action/notifications.hpp"
#include "pgsqlms/action/standby_start.hpp"
#include "pgsqlms/action/transitions.hpp"
#include "pgsqlms/action/validate.hpp"
#include "pgsqlms/action/watching.hpp"

namespace pgsqlms::action {

namespace {

bool is_running(const ocf::Answer& answer) {
  return answer.code == ocf::ReturnCode::Success || answer.code == ocf::ReturnCode::RunningPromoted;
}

}  // namespace

ocf::Answer run(Agent& agent, ocf::Action action) {
  switch (action) {
    case ocf::Action::Monitor: {
      auto answer = monitor(agent);
      // A probe changes nothing; the recurring monitor comes right after it.
      if (is_running(answer) && !agent.context.probe) keep_watch(agent);
      return answer;
    }
    case ocf::Action::Start:
      validate(agent);
      change_state(agent, action);
      keep_watch(agent);
      break;
    case ocf::Action::Promote:
      validate_for_promotion(agent);
      change_state(agent, action);
      keep_watch(agent);
      break;
    case ocf::Action::Demote:
      end_watch(agent);
      change_state(agent, action);
      keep_watch(agent);
      break;
    case ocf::Action::Stop:
      end_watch(agent);
      stop(agent);
      break;
    case ocf::Action::Notify: notify(agent); break;
    case ocf::Action::ValidateAll:
      validate(agent);
      name_overridden_settings(agent);
      name_settings_not_in_force(agent);
      break;
    case ocf::Action::Reload:
    case ocf::Action::ReloadAgent:
      // Parameters are read anew by every action: there is nothing to take over.
      spdlog::info("parameters are in force with the next action");
      break;
    case ocf::Action::MetaData:
    case ocf::Action::Methods: break;
  }
  return {};
}

}  // namespace pgsqlms::action
