// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/monitor.hpp"

#include <spdlog/spdlog.h>

#include "pgsqlms/action/observe.hpp"
#include "pgsqlms/decision/standby_ranking.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;

void keep_scores(Agent& agent) {
  decision::ScoreInputs inputs;
  inputs.replication = agent.instance.replication_status(agent.deadline);
  inputs.local_node = agent.cluster.local_node();
  inputs.current = agent.cluster.promotion_scores(agent.deadline);
  inputs.lag_limit = ocf::lag_limit(agent.parameters);
  if (decision::depends_on_members(inputs)) inputs.members = agent.cluster.membership(agent.deadline).online;
  for (const auto& [node, score] : decision::rank_standbys(inputs)) {
    spdlog::info("setting the promotion score of {} to {}", node, cluster::to_string(score));
    agent.cluster.set_promotion_score(node, score, agent.deadline);
  }
}

/// A primary that Pacemaker takes for a standby (promoted by hand, say) must not tell the cluster who is worth what.
bool may_keep_scores(const Agent& agent, const Observation& observation) {
  return observation.state == InstanceState::Primary && observation.facts.contact == pg::Contact::Accepted &&
         !agent.context.unpromoted_monitor;
}

ocf::Answer answer_for(const Observation& observation, bool probe) {
  const auto& row = decision::answer_of(observation.state);
  const auto code = probe ? row.probe : row.monitor;
  // That nothing runs here is what a probe is there to find out, and no news for anybody.
  if (probe && code == ocf::ReturnCode::NotRunning) return {code, ""};
  return {code, decision::explain(observation.state, observation.facts)};
}

}  // namespace

ocf::Answer monitor(Agent& agent) {
  const auto observation = observe_settled(agent, agent.deadline);
  auto answer = answer_for(observation, agent.context.probe);
  if (agent.context.probe && answer.code == ocf::ReturnCode::NotRunning && observation.facts.data_directory) {
    if (const auto program = agent.instance.installation().missing_program) {
      return {ocf::ReturnCode::ErrInstalled, "program \"" + *program + "\" cannot be executed (parameter bindir)"};
    }
  }
  if (may_keep_scores(agent, observation)) {
    try {
      keep_scores(agent);
    } catch (const ocf::Failure& failure) {
      spdlog::warn("promotion scores not kept up: {}", failure.what());
    }
  }
  return answer;
}

}  // namespace pgsqlms::action
