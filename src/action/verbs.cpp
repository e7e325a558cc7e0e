// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/verbs.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "pgsqlms/action/role.hpp"
#include "pgsqlms/action/scoring.hpp"
#include "pgsqlms/action/shutdown.hpp"
#include "pgsqlms/action/standby_start.hpp"
#include "pgsqlms/action/voting.hpp"
#include "pgsqlms/action/watching.hpp"
#include "pgsqlms/decision/votes.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using std::chrono_literals::operator""s;

constexpr Duration kElectionPatience = 10s;
/// What a stop may wait for the cluster, once the server is down.
constexpr Duration kPublicationPatience = 5s;
/// What a start waits for the primary, to hear whose WAL it has.
constexpr Duration kIntroductionPatience = 1s;
/// What a promotion waits for the archive, which may have more WAL than the standby.
constexpr Duration kLastLookPatience = 5s;
/// What a demotion waits for the scores, while the primary still serves.
constexpr Duration kQuestionPatience = 2s;

/// The primary on another node with which the cluster goes on.
std::optional<cluster::NodeName> find_successor(const Agent& agent) {
  const auto& transition = agent.context.transition;
  if (!transition) return std::nullopt;
  for (const auto& node : transition->promoted) {
    if (node != agent.cluster.local_node() && !ocf::contains(transition->demote, node)) return node;
  }
  return std::nullopt;
}

bool was_promotable(const std::optional<cluster::PromotionScore>& score) {
  return score && cluster::was_promotable(*score);
}

/// The score from its time as the primary is worth nothing once another one has taken over: it may have WAL that the
/// new primary lacks, which shows when it streams from it, or does not. At the first start of a cluster nobody has a
/// score, so Pacemaker would promote nobody: there it takes the lowest score that can be promoted.
void rescore_former_primary(Agent& agent) try {
  if (!agent.context.transition) return;  // by hand: nothing is changed in the cluster
  const auto local_node = agent.cluster.local_node();
  const auto scores = agent.cluster.promotion_scores(agent.deadline);
  if (const auto successor = find_successor(agent)) {
    if (!was_promotable(cluster::score_of(local_node, scores))) return;
    spdlog::info("{} has taken over from {}: the promotion score of {} is {} until it streams from {}", *successor,
                 local_node, local_node, cluster::kDisconnectedScore, *successor);
    return agent.cluster.set_promotion_score(local_node, cluster::kDisconnectedScore, agent.deadline);
  }
  const bool somebody_has_one =
      std::any_of(scores.begin(), scores.end(), [](const auto& entry) { return was_promotable(entry.second); });
  if (somebody_has_one) return;
  spdlog::info("no node has a promotion score and this instance was a primary: it takes score 1");
  agent.cluster.set_promotion_score(local_node, cluster::kLowestPromotableScore, agent.deadline);
} catch (const ocf::Failure& failure) {
  // The instance is started; a score can still be given later.
  spdlog::error("no promotion score set: {}", failure.what());
}

/// A member that returns may stream, and acknowledge commits, before the primary counts it with its next monitor: until
/// then its score says so, not that it is gone. A remote node that has no attribute yet is not known to the primary as
/// a node at all.
void score_returned_member(Agent& agent) try {
  if (!agent.context.transition) return;
  const bool may_acknowledge = !agent.instance.synchronous_standby_names(agent.deadline).empty();
  if (!may_acknowledge && !agent.context.remote_node) return;
  const auto local_node = agent.cluster.local_node();
  const auto scores = agent.cluster.promotion_scores(agent.deadline);
  const auto own = scores.find(local_node);
  const auto wanted = may_acknowledge ? cluster::kNotReadyScore : cluster::kDisconnectedScore;
  const bool is_unknown = own == scores.end();
  const bool was_disconnected = !is_unknown && own->second && *own->second < wanted && !was_promotable(own->second) &&
                                *own->second != cluster::kForbiddenScore;
  if (!is_unknown && !was_disconnected) return;
  give_score(agent, local_node, wanted, agent.deadline);
} catch (const ocf::Failure& failure) {
  // The instance is started; the primary's next monitor scores it.
  spdlog::error("no promotion score set: {}", failure.what());
}

/// An instance of another initdb never streams, and nothing but the server's log would tell why.
void name_foreign_primary(Agent& agent, const std::optional<pg::ControlData>& control) try {
  const auto primary = find_successor(agent);
  if (!primary || !control) return;
  const auto theirs =
      agent.instance.primary_system_identifier(template_names(agent), agent.deadline.within(kIntroductionPatience));
  if (!theirs || !decision::are_foreign(*theirs, control->system_identifier)) return;
  spdlog::warn("{} is no copy of the primary, {}: system identifier {} instead of {}; rebuild it, it will never stream",
               agent.cluster.local_node(), *primary, control->system_identifier, *theirs);
} catch (const ocf::Failure& failure) {
  spdlog::warn("the primary was not asked for its system identifier: {}", failure.what());
}

bool is_clean_primary(const std::optional<pg::ControlData>& control) {
  return control && control->state == pg::DbState::ShutDown;
}

/// A primary on another node at the beginning of this transition, whether it is demoted too or not.
std::optional<cluster::NodeName> find_other_primary(Agent& agent) {
  const auto local = agent.cluster.local_node();
  for (const auto& node : agent.context.transition->promoted) {
    if (node != local) return node;
  }
  return std::nullopt;
}

/// Whether it is this instance's end that the next primary must have received. One that was promoted by hand, or came
/// back beside its successor, is demoted beside the primary that the cluster goes on with, or after it: then another
/// node is promoted, or Pacemaker has not promoted this one and another has the primary's score. By hand there is no
/// transition, and nobody would take the end back.
bool is_last_primary(Agent& agent) try {
  if (!agent.context.transition) return false;
  const auto local = agent.cluster.local_node();
  if (const auto other = find_other_primary(agent)) {
    spdlog::warn("{} ran as a primary beside {}, with which the cluster goes on", local, *other);
    return false;
  }
  if (ocf::contains(agent.context.transition->promoted, local)) return true;
  const auto scores = agent.cluster.promotion_scores(agent.deadline.within(kQuestionPatience));
  const auto other = std::find_if(scores.begin(), scores.end(), [&](const auto& entry) {
    return entry.first != local && entry.second.value_or(0) >= cluster::kPrimaryScore;
  });
  if (other == scores.end()) return true;
  spdlog::warn("{} ran as a primary, but {} has the primary's promotion score", local, other->first);
  return false;
} catch (const ocf::Failure& failure) {
  spdlog::warn("whether another node was the last primary is not known: {}", failure.what());
  return true;  // an end too many only refuses who has not received it
}

/// Who ran as a primary beside the last one did not follow it, whatever its score says: that is from before, where the
/// last one was lost before its next monitor.
void disclaim_score(Agent& agent) try {
  if (!agent.context.transition) return;
  const auto local_node = agent.cluster.local_node();
  const auto patience = agent.deadline.within(kPublicationPatience);
  if (!was_promotable(cluster::score_of(local_node, agent.cluster.promotion_scores(patience)))) return;
  give_score(agent, local_node, cluster::kDisconnectedScore, patience);
} catch (const ocf::Failure& failure) {
  // The election then refuses both, where their WAL has diverged.
  spdlog::error("no promotion score set: {}", failure.what());
}

/// For the standby that is to take over.
void publish_shutdown_checkpoint(Agent& agent, const pg::ControlData& control) try {
  const pg::WalPosition checkpoint{control.timeline, control.checkpoint};
  spdlog::info("shut down cleanly at {}", to_string(checkpoint));
  agent.cluster.set_attribute(cluster::PrivateAttribute::ShutdownCheckpoint,
                              published_form(decision::ShutdownCheckpoint{checkpoint, control.system_identifier}),
                              agent.deadline.within(kPublicationPatience));
} catch (const ocf::Failure& failure) {
  // The candidate then looks for the shutdown checkpoint in its own WAL.
  spdlog::error("shutdown checkpoint not published: {}", failure.what());
}

/// Publishes the end of a stopped instance that was the last primary and ended cleanly, whoever stopped it. Costs
/// nothing where another node is promoted.
void publish_end(Agent& agent) try {
  if (!agent.context.transition || find_other_primary(agent)) return;
  const auto control = agent.instance.control_data(agent.deadline.within(kPublicationPatience));
  if (!is_clean_primary(control)) return;
  if (!is_last_primary(agent)) return disclaim_score(agent);
  publish_shutdown_checkpoint(agent, *control);
} catch (const ocf::Failure& failure) {
  spdlog::error("the end of this instance is not known: {}", failure.what());
}

/// Whether the demotion before this stop, in the same transition, has published all that there is.
bool is_end_published(const Agent& agent) {
  const auto& context = agent.context;
  return context.node && context.transition && ocf::contains(context.transition->demote, *context.node);
}

/// Since PostgreSQL 14 a standby whose settings are below the primary's replays nothing more, and ends when it is
/// promoted. With enough of them it replays the rest first.
void see_to_enough_for_all_wal(Agent& agent) {
  if (!agent.instance.is_replay_paused(agent.deadline) || raise_low_settings(agent).empty()) return;
  spdlog::warn("the standby cannot replay all of its WAL with these settings and is restarted before its promotion");
  restart_as_standby(agent);
}

void promote(Agent& agent) {
  see_to_enough_for_all_wal(agent);
  const auto request = [&](Deadline archive_patience) {
    agent.instance.request_promotion(agent.deadline);
    return reach_role(agent, InstanceState::Primary, "while it was promoted", archive_patience);
  };
  if (request(agent.deadline.within(kLastLookPatience))) return;
  restart_without_archive(agent);
  static_cast<void>(request(agent.deadline));
}

/// Where no server has just been seen to work in the data directory.
void start_anew(Agent& agent) {
  check_server_directory(agent);
  start_in_standby_mode(agent);
}

/// Whether this transition is going to stop the instance here anyway, so that it need not be started.
bool may_stay_stopped(Agent& agent) {
  const bool is_following = is_stop_following(agent);
  if (is_following) spdlog::info("left stopped: this transition stops the instance here");
  return is_following;
}

/// A primary that runs is not failed because the cluster does not answer.
decision::Verdict count_beside_running_primary(Agent& agent) try {
  return count_votes(agent, *agent.context.transition, agent.deadline.within({}), CandidateRole::Primary);
} catch (const ocf::Failure& failure) {
  spdlog::warn("the running primary is kept without a look at the votes: {}", failure.what());
  return {};
}

}  // namespace

void stay(Agent& /*agent*/, const Observation& /*before*/) {}

void start_as_standby(Agent& agent, const Observation& before) {
  start_anew(agent);
  if (decision::was_primary(before.facts)) rescore_former_primary(agent);
  score_returned_member(agent);
  name_foreign_primary(agent, before.facts.control);
}

void stay_a_standby(Agent& agent, const Observation& /*before*/) {
  if (!agent.instance.is_promotion_requested()) return;
  spdlog::warn("somebody has asked the standby to become a primary: it is restarted instead");
  restart_as_standby(agent);
}

void stop(Agent& agent) {
  const bool was_running = agent.instance.processes().postmaster;
  stop_server(agent);
  if (was_running || !is_end_published(agent)) publish_end(agent);
}

void step_down(Agent& agent, const Observation& /*before*/) {
  const bool is_last = is_last_primary(agent);  // asked while it still serves, so that nobody waits for the answer
  stop_server(agent);
  const auto control = agent.instance.control_data(agent.deadline);
  if (!is_clean_primary(control)) {
    throw ocf::Failure("the primary was not shut down cleanly, pg_control says: " +
                       (control ? std::string(to_string(control->state)) : "nothing readable"));
  }
  if (is_last) publish_shutdown_checkpoint(agent, *control);
  else disclaim_score(agent);
  if (!may_stay_stopped(agent)) start_in_standby_mode(agent);
}

void take_down(Agent& agent, const Observation& /*before*/) {
  stop_server(agent);
  publish_end(agent);
  if (!may_stay_stopped(agent)) start_anew(agent);
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
  const auto refusal = act_on_refusal(agent, verdict);
  hold_back(agent, refusal.hopeless);
  throw ocf::Failure("not promoted: " + refusal.reason);
}

void keep_primary_if_its_wal_counts(Agent& agent, const Observation& /*before*/) {
  if (!agent.context.transition) return;
  const auto verdict = count_beside_running_primary(agent);
  if (verdict.refusal) throw ocf::Failure("not promoted: " + act_on_refusal(agent, verdict).reason);
}

void start_and_promote(Agent& agent, const Observation& before) {
  start_anew(agent);
  promote_if_best(agent, before);
}

}  // namespace pgsqlms::action
