// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/verbs.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "pgsqlms/action/voting.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr Duration kRolePoll = 20ms;
constexpr Duration kElectionPatience = 10s;

pg::TemplateNames template_names(Agent& agent) { return {agent.host_name, agent.cluster.local_node()}; }

bool is_server_gone(InstanceState state) {
  switch (state) {
    case InstanceState::Stopped:
    case InstanceState::CrashedPrimary:
    case InstanceState::CrashedStandby:
    case InstanceState::Damaged:
    case InstanceState::Absent: return true;
    case InstanceState::Primary:
    case InstanceState::Standby:
    case InstanceState::Transitional:
    case InstanceState::Unresponsive:
    case InstanceState::Unreachable: break;
  }
  return false;
}

/// Waits for the wanted role; leaves at once when the server is gone.
void wait_for_role(Agent& agent, InstanceState wanted, const std::string& purpose) {
  auto now = observe(agent, agent.deadline);
  while (now.state != wanted) {
    if (is_server_gone(now.state)) throw ocf::Failure("the server died " + purpose);
    if (agent.deadline.expired()) {
      const auto detail = decision::explain(now.state, now.facts);
      throw ocf::Failure("out of time " + purpose + (detail.empty() ? "" : ": " + detail));
    }
    agent.deadline.pause(kRolePoll);
    now = observe_again(agent, agent.deadline, std::move(now));
  }
}

/// The primary on another node with which the cluster goes on.
std::optional<cluster::NodeName> find_successor(const Agent& agent) {
  const auto& transition = agent.context.transition;
  if (!transition) return std::nullopt;
  for (const auto& node : transition->promoted) {
    if (node != agent.cluster.local_node() && !ocf::contains(transition->demote, node)) return node;
  }
  return std::nullopt;
}

/// The score from its time as the primary is worth nothing once another one has taken over: it may have WAL that the
/// new primary lacks, which shows when it streams from it, or does not. At the first start of a cluster nobody has a
/// score, so Pacemaker would promote nobody: there it takes the lowest score that can be promoted.
void rescore_former_primary(Agent& agent) try {
  const auto local_node = agent.cluster.local_node();
  const auto scores = agent.cluster.promotion_scores(agent.deadline);
  const auto own = scores.find(local_node);
  if (const auto successor = find_successor(agent)) {
    if (own == scores.end() || own->second.value_or(-1) < 0) return;
    spdlog::info("{} has taken over from {}: the promotion score of {} is {} until it streams from {}", *successor,
                 local_node, local_node, cluster::kDisconnectedScore, *successor);
    return agent.cluster.set_promotion_score(local_node, cluster::kDisconnectedScore, agent.deadline);
  }
  const bool somebody_has_one =
      std::any_of(scores.begin(), scores.end(), [](const auto& entry) { return entry.second.value_or(-1) >= 0; });
  if (somebody_has_one) return;
  spdlog::info("no node has a promotion score and this instance was a primary: it takes score 1");
  agent.cluster.set_promotion_score(local_node, cluster::kLowestPromotableScore, agent.deadline);
} catch (const ocf::Failure& failure) {
  // The instance is started; a score can still be given later.
  spdlog::error("no promotion score set: {}", failure.what());
}

bool is_clean_primary(const std::optional<pg::ControlData>& control) {
  return control && control->state == pg::DbState::ShutDown;
}

/// Whether this transition knows no other primary. In a demotion by hand there is no transition; one that was promoted
/// by hand is demoted beside the primary that the cluster goes on with.
bool is_the_only_primary(Agent& agent) {
  const auto& transition = agent.context.transition;
  return transition && transition->promoted == cluster::NodeList{agent.cluster.local_node()};
}

/// Where the demoted primary's WAL ends, for the standby that is to take over. Nobody takes over from another one, and
/// nobody would take the attribute back.
void publish_shutdown_checkpoint(Agent& agent, const pg::ControlData& control) try {
  if (!is_the_only_primary(agent)) return;
  const pg::WalPosition checkpoint{control.timeline, control.checkpoint};
  spdlog::info("shut down cleanly at {}", to_string(checkpoint));
  agent.cluster.set_attribute(cluster::PrivateAttribute::ShutdownCheckpoint,
                              published_form(decision::ShutdownCheckpoint{checkpoint, control.system_identifier}),
                              agent.deadline);
} catch (const ocf::Failure& failure) {
  // The candidate then looks for the shutdown checkpoint in its own WAL.
  spdlog::error("shutdown checkpoint not published: {}", failure.what());
}

void promote(Agent& agent) {
  agent.instance.request_promotion(agent.deadline);
  wait_for_role(agent, InstanceState::Primary, "while it was promoted");
}

void start_in_standby_mode(Agent& agent) {
  agent.instance.end_orphans(agent.deadline);
  agent.instance.configure_as_standby(template_names(agent));
  agent.instance.start(agent.deadline);
  wait_for_role(agent, InstanceState::Standby, "while it was started as a standby");
}

}  // namespace

void stay(Agent& /*agent*/, const Observation& /*before*/) {}

void start_as_standby(Agent& agent, const Observation& before) {
  start_in_standby_mode(agent);
  if (decision::was_primary(before.facts)) rescore_former_primary(agent);
}

void stop(Agent& agent) {
  if (agent.instance.processes().postmaster) {
    agent.instance.request_stop();
    wait_until_gone(agent, agent.deadline);
  }
  agent.instance.end_orphans(agent.deadline);
}

void step_down(Agent& agent, const Observation& before) {
  stop(agent);
  const auto control = agent.instance.control_data(agent.deadline);
  if (!is_clean_primary(control)) {
    throw ocf::Failure("the primary was not shut down cleanly, pg_control says: " +
                       (control ? std::string(to_string(control->state)) : "nothing readable"));
  }
  publish_shutdown_checkpoint(agent, *control);
  start_unless_stopping(agent, before);
}

void take_down(Agent& agent, const Observation& before) {
  stop(agent);
  if (before.facts.processes.postmaster) {
    const auto control = agent.instance.control_data(agent.deadline);
    if (is_clean_primary(control)) publish_shutdown_checkpoint(agent, *control);
  }
  start_unless_stopping(agent, before);
}

void start_unless_stopping(Agent& agent, const Observation& /*before*/) {
  if (is_stop_following(agent)) {
    spdlog::info("left stopped: this transition stops the instance here");
    return;
  }
  start_in_standby_mode(agent);
}

void promote_if_best(Agent& agent, const Observation& /*before*/) {
  const auto& transition = agent.context.transition;
  if (!transition) {
    spdlog::warn("promotion forced by hand: there were no votes, other nodes may have more WAL");
    return promote(agent);
  }
  const auto patience = agent.deadline.within(std::min<Duration>(kElectionPatience, agent.deadline.remaining() / 2));
  const auto verdict = count_votes(agent, *transition, patience, CandidateRole::Standby);
  if (!verdict.refusal) return promote(agent);
  throw ocf::Failure("not promoted: " + act_on_refusal(agent, verdict));
}

void keep_primary_if_its_wal_counts(Agent& agent, const Observation& /*before*/) {
  const auto& transition = agent.context.transition;
  if (!transition) return;
  const auto verdict = count_votes(agent, *transition, agent.deadline.within({}), CandidateRole::Primary);
  if (verdict.refusal) throw ocf::Failure("not promoted: " + act_on_refusal(agent, verdict));
}

void start_and_promote(Agent& agent, const Observation& before) {
  start_in_standby_mode(agent);
  promote_if_best(agent, before);
}

}  // namespace pgsqlms::action
