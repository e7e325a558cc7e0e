// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/notifications.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "pgsqlms/action/observe.hpp"
#include "pgsqlms/action/scoring.hpp"
#include "pgsqlms/action/voting.hpp"

namespace pgsqlms::action {
namespace {

using cluster::PrivateAttribute;
using std::chrono_literals::operator""s;

/// How long a candidate waits for the others' votes; the promotion itself has the last word anyway. Not long: a busy
/// Pacemaker runs one action at a time in the whole cluster, and then the others vote only after this one has ended.
constexpr Duration kVotePatience = 2s;
constexpr Duration kContactPatience = 5s;
/// How long the checkpoint may hold up a demotion. A gigabyte of dirty buffers took 2 s on a plain disk. What is not
/// written by then, the checkpointer goes on writing while the demotion waits for it.
constexpr Duration kCheckpointPatience = 10s;

/// A primary that has failed is demoted as well, to be recovered in place or elsewhere; that must not wait for its
/// storage. Where the transition also stops it, the lists look the same as those of a node that is put in standby.
bool is_switchover(Agent& agent) {
  const auto& transition = *agent.context.transition;
  const auto local = agent.cluster.local_node();
  const bool is_promoted_elsewhere = std::any_of(transition.promote.begin(), transition.promote.end(),
                                                 [&](const auto& node) { return node != local; });
  if (!is_promoted_elsewhere || !is_stop_following(agent)) return is_promoted_elsewhere;
  const auto instance = agent.cluster.local_status(agent.deadline.within(kContactPatience)).instance;
  return instance && !instance->failed;
}

}  // namespace

void before_promotion(Agent& agent) {
  const auto& transition = *agent.context.transition;
  const auto local = agent.cluster.local_node();
  if (!ocf::contains(ocf::participants(transition), local)) return;
  publish_vote(agent);
  if (!ocf::contains(transition.promote, local)) return;
  const auto verdict = count_votes(agent, transition, agent.deadline.within(kVotePatience), CandidateRole::Standby);
  if (!verdict.refusal) return;
  // Changed scores make Pacemaker give this promotion up before it is tried, and choose again.
  spdlog::warn("{} must not be promoted: {}", local, act_on_refusal(agent, verdict).reason);
}

void after_promotion(Agent& agent) {
  const auto local = agent.cluster.local_node();
  agent.cluster.delete_attribute(PrivateAttribute::Vote, local, agent.deadline);
  if (!ocf::contains(agent.context.transition->promote, local)) return;
  // A promotion that failed is notified of as well. The next candidate is measured by what was published for this one.
  if (observe(agent, agent.deadline.within(kContactPatience)).state != decision::InstanceState::Primary) return;
  for (const auto& [node, value] : agent.cluster.attributes(PrivateAttribute::ShutdownCheckpoint, agent.deadline)) {
    agent.cluster.delete_attribute(PrivateAttribute::ShutdownCheckpoint, node, agent.deadline);
  }
  // Not first with the monitor: whatever the cluster decides until then, it decides by the scores.
  give_score(agent, local, cluster::kPrimaryScore, agent.deadline);
}

void reconsider_without_primary(Agent& agent) {
  const auto& transition = *agent.context.transition;
  const bool has_primary = std::any_of(transition.promoted.begin(), transition.promoted.end(),
                                       [&](const auto& node) { return !ocf::contains(transition.demote, node); });
  if (!has_primary && transition.promote.empty()) end_holding_back(agent);
}

void before_demotion(Agent& agent) {
  const auto& transition = *agent.context.transition;
  const auto local = agent.cluster.local_node();
  if (!ocf::contains(transition.demote, local) || !ocf::contains(transition.promoted, local)) return;
  if (!is_switchover(agent)) return;
  if (observe(agent, agent.deadline.within(kContactPatience)).state != decision::InstanceState::Primary) return;
  spdlog::info("writing a checkpoint while the primary still serves");
  agent.instance.checkpoint(agent.deadline.within(kCheckpointPatience));
}

void notify(Agent& agent) {
  const auto& transition = agent.context.transition;
  if (!transition) return;
  for (const auto& row : kNotifications) {
    if (row.type != transition->type || row.operation != transition->operation) continue;
    try {
      row.verb(agent);
    } catch (const ocf::Failure& failure) {
      spdlog::error("{}-{} notification: {}", transition->type, transition->operation, failure.what());
    }
  }
}

}  // namespace pgsqlms::action
