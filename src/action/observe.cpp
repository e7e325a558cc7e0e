// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/observe.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace pgsqlms::action {
namespace {

using std::chrono_literals::operator""ms;

constexpr Duration kProcessPoll = 10ms;
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

bool is_somebody_at_work(const pg::ServerProcesses& processes) {
  return processes.postmaster || processes.single_user_backend;
}

void wait_until_gone(Agent& agent, Deadline deadline) {
  for (auto now = agent.instance.processes(); is_somebody_at_work(now); now = agent.instance.processes()) {
    if (deadline.expired()) {
      throw ocf::Failure(now.postmaster ? "the server did not stop in time (fast shutdown)"
                                        : "the single-user backend did not end in time, pid " +
                                              std::to_string(*now.single_user_backend));
    }
    deadline.pause(kProcessPoll);
  }
}

}  // namespace pgsqlms::action
