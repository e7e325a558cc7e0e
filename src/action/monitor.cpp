// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/monitor.hpp"

#include "pgsqlms/action/observe.hpp"
#include "pgsqlms/action/scoring.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;

/// Two facts of the environment say that Pacemaker has promoted this instance: the monitor recurs, and it is the one of
/// promoted instances. A probe may find a former primary that was started by hand, a monitor without that role one that
/// was promoted by hand (an operation without a role recurs on unpromoted instances only). Its scores would make
/// Pacemaker demote the real primary.
bool may_keep_scores(const Agent& agent, const Observation& observation) {
  return observation.state == InstanceState::Primary && observation.facts.contact == pg::Contact::Accepted &&
         agent.context.promoted_monitor;
}

std::string explain(const ocf::Context& context, const Observation& observation) {
  if (observation.state == InstanceState::Primary && !context.probe && !context.promoted_monitor) {
    return "runs as a primary, though Pacemaker has not promoted it here";
  }
  return decision::explain(observation.state, observation.facts);
}

ocf::Answer answer_for(const ocf::Context& context, const Observation& observation) {
  const auto& row = decision::answer_of(observation.state);
  const auto code = context.probe ? row.probe : row.monitor;
  // That nothing runs here is what a probe is there to find out, and no news for anybody.
  if (context.probe && code == ocf::ReturnCode::NotRunning) return {code, ""};
  return {code, explain(context, observation)};
}

}  // namespace

ocf::Answer monitor(Agent& agent) {
  const auto observation = observe_settled(agent, agent.deadline);
  auto answer = answer_for(agent.context, observation);
  if (agent.context.probe && answer.code == ocf::ReturnCode::NotRunning && observation.facts.data_directory) {
    if (const auto program = agent.instance.installation().missing_program) {
      return {ocf::ReturnCode::ErrInstalled, "program \"" + *program + "\" cannot be executed (parameter bindir)"};
    }
  }
  if (may_keep_scores(agent, observation)) keep_scores(agent);
  return answer;
}

}  // namespace pgsqlms::action
