// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/observe.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace pgsqlms::action {
namespace {

using std::chrono_literals::operator""ms;

constexpr Duration kSettlePoll = 50ms;

void warn_if_role_is_inferred(const Observation& observation) {
  const auto contact = observation.facts.contact;
  if (contact != pg::Contact::Saturated && contact != pg::Contact::Denied) return;
  spdlog::warn("the server is alive but lets the agent not in, its role is taken from pg_control: {}",
               observation.facts.contact_detail);
}

}  // namespace

Observation observe(Agent& agent, Deadline deadline) {
  Observation observation;
  observation.facts = agent.instance.probe(deadline);
  observation.state = decision::classify(observation.facts);
  warn_if_role_is_inferred(observation);
  spdlog::debug("the instance is: {}", std::string(decision::answer_of(observation.state).name));
  return observation;
}

Observation observe_again(Agent& agent, Deadline deadline, Observation before) {
  auto next = observe(agent, deadline);
  if (deadline.expired() && next.state == decision::InstanceState::Unresponsive) return before;
  return next;
}

Observation observe_settled(Agent& agent, Deadline deadline) {
  auto observation = observe(agent, deadline);
  while (decision::may_settle(observation.state) && !deadline.expired()) {
    deadline.pause(kSettlePoll);
    observation = observe_again(agent, deadline, std::move(observation));
  }
  return observation;
}

}  // namespace pgsqlms::action
