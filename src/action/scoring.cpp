// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/scoring.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "pgsqlms/decision/standby_ranking.hpp"

namespace pgsqlms::action {
namespace {

using std::chrono_literals::operator""s;

/// The answer waits for the scores, and the next action for the answer: of a timeout no more than a third, and never
/// longer than this. All of it takes a fifth of a second where the cluster's tools answer.
constexpr Duration kScorePatience = 5s;

Deadline share_of_scores(const Agent& agent) {
  return agent.deadline.within(std::min<Duration>(agent.deadline.remaining() / 3, kScorePatience));
}

}  // namespace

void keep_scores(Agent& agent) try {
  const auto deadline = share_of_scores(agent);
  decision::ScoreInputs inputs;
  inputs.replication = agent.instance.replication_status(deadline);
  if (inputs.replication.is_partly_hidden) {
    spdlog::warn(
        "the agent's role does not see the states and positions of the standbys, so they are not ranked by them "
        "and maxlag is not kept: grant pg_monitor to \"{}\"",
        agent.parameters.system_user);
  }
  inputs.local_node = agent.cluster.local_node();
  inputs.current = agent.cluster.promotion_scores(deadline);
  inputs.lag_limit = ocf::lag_limit(agent.parameters);
  if (decision::depends_on_members(inputs)) inputs.members = agent.cluster.membership(deadline).online;
  for (const auto& [node, score] : decision::rank_standbys(inputs)) {
    give_score(agent, node, score, deadline);
  }
} catch (const ocf::Failure& failure) {
  spdlog::warn("promotion scores not kept up: {}", failure.what());
}

void give_score(Agent& agent, const cluster::NodeName& node, cluster::PromotionScore score, Deadline deadline) {
  spdlog::info("setting the promotion score of {} to {}", node, cluster::to_string(score));
  agent.cluster.set_promotion_score(node, score, deadline);
}

}  // namespace pgsqlms::action
