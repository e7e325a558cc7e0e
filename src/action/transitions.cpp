// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/transitions.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

namespace pgsqlms::action {
namespace {

using ocf::Action;

/// A demotion has a row for a server in any state and needs its time for the shutdown; the others need a settled one.
Observation observe_for(Agent& agent, Action action) {
  if (action == Action::Demote) return observe(agent, agent.deadline.within(agent.deadline.remaining() / 4));
  return observe_settled(agent, agent.deadline);
}

std::string refusal(Action action, const Observation& found) {
  const auto reason = decision::explain(found.state, found.facts);
  const auto name = std::string(decision::answer_of(found.state).name);
  return std::string(ocf::spec_of(action).name) + " refused: " + (reason.empty() ? "the instance is " + name : reason);
}

}  // namespace

const Transition* find_transition(Action action, decision::InstanceState found) {
  const auto* const row = std::find_if(std::begin(kTransitions), std::end(kTransitions), [&](const auto& candidate) {
    return candidate.action == action && candidate.found == found;
  });
  return row == std::end(kTransitions) ? nullptr : row;
}

void change_state(Agent& agent, Action action) {
  const auto found = observe_for(agent, action);
  const auto* const transition = find_transition(action, found.state);
  if (transition == nullptr) throw ocf::Failure(refusal(action, found));
  spdlog::info("{}", std::string(transition->comment));
  transition->verb(agent, found);
}

}  // namespace pgsqlms::action
