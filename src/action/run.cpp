// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/run.hpp"

#include <spdlog/spdlog.h>

#include "pgsqlms/action/monitor.hpp"
#include "pgsqlms/action/notifications.hpp"
#include "pgsqlms/action/transitions.hpp"
#include "pgsqlms/action/validate.hpp"

namespace pgsqlms::action {

ocf::Answer run(Agent& agent, ocf::Action action) {
  switch (action) {
    case ocf::Action::Monitor: return monitor(agent);
    case ocf::Action::Start:
    case ocf::Action::Promote:
      validate(agent);
      change_state(agent, action);
      break;
    case ocf::Action::Demote: change_state(agent, action); break;
    case ocf::Action::Stop: stop(agent); break;
    case ocf::Action::Notify: notify(agent); break;
    case ocf::Action::ValidateAll: validate(agent); break;
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
