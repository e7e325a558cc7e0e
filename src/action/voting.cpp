// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/voting.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "pgsqlms/action/observe.hpp"
#include "pgsqlms/action/role.hpp"
#include "pgsqlms/action/scoring.hpp"
#include "pgsqlms/action/shutdown.hpp"
#include "pgsqlms/action/standby_start.hpp"
#include "pgsqlms/action/watching.hpp"
#include "pgsqlms/decision/election.hpp"

namespace pgsqlms::action {
namespace {

using cluster::NodeName;
using cluster::PrivateAttribute;
using decision::Ballot;
using decision::InstanceState;
using std::chrono_literals::operator""ms;

constexpr Duration kVotePoll = 50ms;

/// Whose silence may still end: not those who have left, nor those whom Pacemaker does not ask.
cluster::NodeList find_awaited(const Ballot& ballot) {
  auto awaited = decision::find_silent(ballot.participants, ballot.votes);
  const auto is_excused = [&](const NodeName& node) { return ocf::contains(ballot.in_maintenance, node); };
  awaited.erase(std::remove_if(awaited.begin(), awaited.end(), is_excused), awaited.end());
  return awaited;
}

/// Who has left the cluster meanwhile cannot vote, and cannot be waited for. Its vote, where it gave one, is forgotten
/// with it.
void look_who_is_there(Agent& agent, Ballot& ballot) {
  const auto membership = agent.cluster.membership(agent.deadline);
  const auto has_left = [&](const NodeName& node) {
    return !ocf::contains(membership.online, node) && ballot.votes.count(node) == 0;
  };
  auto& nodes = ballot.participants;
  nodes.erase(std::remove_if(nodes.begin(), nodes.end(), has_left), nodes.end());
  ballot.in_maintenance = membership.in_maintenance;
}

void look_at_votes(Agent& agent, Ballot& ballot) {
  ballot.votes = decision::read_votes(agent.cluster.attributes(PrivateAttribute::Vote, agent.deadline));
}

void wait_for_votes(Agent& agent, Ballot& ballot, Deadline patience) {
  look_at_votes(agent, ballot);
  while (!find_awaited(ballot).empty() && !patience.expired()) {
    patience.pause(kVotePoll);
    look_at_votes(agent, ballot);
    if (!find_awaited(ballot).empty()) look_who_is_there(agent, ballot);
  }
}

/// What has been acknowledged to whom cannot be told without the setting; a promotion is not refused for that.
pg::SynchronousStandbys read_synchronous_standbys(Agent& agent) try {
  const auto setting = agent.instance.synchronous_standby_names(agent.deadline);
  const auto standbys = pg::parse_synchronous_standby_names(setting);
  if (!standbys) spdlog::warn("synchronous_standby_names \"{}\" is not understood and not counted", setting);
  return standbys.value_or(pg::SynchronousStandbys{});
} catch (const ocf::Failure& failure) {
  spdlog::warn("synchronous standbys not counted: {}", failure.what());
  return {};
}

void answer(Agent& agent, Ballot& ballot, decision::Question question) {
  switch (question) {
    case decision::Question::Scores: ballot.scores = agent.cluster.promotion_scores(agent.deadline); return;
    case decision::Question::WalEnd:
      ballot.ends_with_shutdown =
          agent.instance.ends_with_shutdown_checkpoint(ballot.votes.at(ballot.candidate).position, agent.deadline);
      return;
  }
}

/// Whether a monitor would call the instance failed in that state, so that it cannot vote.
bool is_down(InstanceState state) {
  switch (state) {
    case InstanceState::Primary:
    case InstanceState::Standby:
    case InstanceState::Pending:
    case InstanceState::Transitional: return false;
    default: return true;
  }
}

/// Less than there is would be a wrong vote.
pg::Identity identify_once_replayed(Agent& agent, Deadline patience) {
  auto identity = agent.instance.identify(patience);
  while (identity.has_more_wal) {
    if (patience.expired()) {
      throw ocf::Failure("no vote: still replaying its own WAL, at " + to_string(identity.position));
    }
    if (is_archive_hanging(agent)) restart_without_archive(agent);
    patience.pause(kVotePoll);
    identity = agent.instance.identify(patience);
  }
  return identity;
}

bool is_pending(const Observation& observation) { return observation.state == InstanceState::Pending; }

/// A pending standby whose startup process works, or may.
bool is_replaying(const Observation& observation) {
  return is_pending(observation) && !observation.facts.replay->is_idle;
}

/// A server that takes no sessions for now may be about to take them, or to have replayed what it has.
Observation observe_voter(Agent& agent, Deadline patience) {
  auto observation = observe(agent, patience);
  while ((observation.state == InstanceState::Transitional || is_replaying(observation)) && !patience.expired()) {
    patience.pause(kVotePoll);
    observation = observe_again(agent, patience, std::move(observation));
  }
  return observation;
}

/// Without a session nothing tells how far a standby is but pg_control, and only when the server is stopped: it then
/// has the end of the last record that was replayed.
pg::Identity identify_by_restart(Agent& agent) {
  spdlog::info("the standby takes no sessions: it is restarted, so that pg_control tells how far it is");
  end_watch(agent);
  stop_server(agent);
  const auto control = agent.instance.control_data(agent.deadline).value_or(pg::ControlData{});
  const pg::WalPosition position{control.minimum_recovery_timeline, control.minimum_recovery};
  start_in_standby_mode(agent);
  if (control.state != pg::DbState::ShutDownInRecovery) {
    throw ocf::Failure("no vote: pg_control does not tell how far the standby is");
  }
  const bool has_more_wal = agent.instance.has_wal_after(position, agent.deadline);
  if (has_more_wal) throw ocf::Failure("no vote: there is WAL after " + to_string(position) + " that was not replayed");
  return {control.system_identifier, position};
}

/// The promotion of somebody else must not wait for this node, nor pass it over, nor fail for it: as a failure of this
/// instance the news makes Pacemaker give the promotion up before it is tried, and recover the instance first.
void report_that_it_is_down(Agent& agent, const Observation& observation) {
  spdlog::warn("no vote: the instance is {}; reporting it as failed", decision::answer_of(observation.state).name);
  agent.cluster.report_failure(agent.cluster.local_node(), agent.deadline);
}

}  // namespace

void publish_vote(Agent& agent) {
  const auto patience = agent.deadline.within(agent.deadline.remaining() / 2);
  const auto observation = observe_voter(agent, patience);
  try {
    if (is_replaying(observation)) throw ocf::Failure("no vote: the standby takes no sessions and still replays WAL");
    const auto identity =
        is_pending(observation) ? identify_by_restart(agent) : identify_once_replayed(agent, patience);
    decision::Vote vote;
    vote.position = identity.position;
    vote.system_identifier = identity.system_identifier;
    vote.runs_as_primary = observation.state == InstanceState::Primary;
    vote.history = agent.instance.timeline_history(vote.position.timeline);
    spdlog::info("voting with {}{}", to_string(vote.position), vote.runs_as_primary ? ", as a running primary" : "");
    agent.cluster.set_attribute(PrivateAttribute::Vote, published_form(vote), agent.deadline);
  } catch (const ocf::Failure&) {
    // The vote of an election that was given up would pass for a new one.
    agent.cluster.delete_attribute(PrivateAttribute::Vote, agent.cluster.local_node(), agent.deadline);
    if (is_down(observation.state)) report_that_it_is_down(agent, observation);
    throw;
  }
}

decision::Verdict count_votes(Agent& agent, const ocf::NotifyContext& transition, Deadline patience,
                              CandidateRole role) {
  Ballot ballot;
  ballot.resource = agent.context.resource;
  ballot.candidate = agent.cluster.local_node();
  ballot.transition = transition;
  ballot.participants = ocf::participants(transition);
  ballot.runs_as_primary = role == CandidateRole::Primary;
  wait_for_votes(agent, ballot, patience);
  spdlog::info("votes: {}", decision::describe(ballot.votes));
  // Not before the votes: who votes has published already where it was shut down.
  ballot.shutdown_checkpoints = decision::read_shutdown_checkpoints(
      agent.cluster.attributes(PrivateAttribute::ShutdownCheckpoint, agent.deadline));
  if (!ballot.runs_as_primary) ballot.synchronous = read_synchronous_standbys(agent);
  while (const auto question = decision::open_question(ballot)) answer(agent, ballot, *question);
  auto verdict = decision::judge(ballot);
  for (const auto& remark : verdict.remarks) spdlog::warn("{}", remark);
  return verdict;
}

namespace {

/// Pacemaker recovers it as a standby, and gives the promotion up for that; the score says what its WAL is worth.
void take_down_rogue(Agent& agent, const NodeName& rogue) {
  spdlog::warn("{} runs as a primary that nobody has promoted: its score is {} and it is reported as failed", rogue,
               cluster::kDisconnectedScore);
  agent.cluster.set_promotion_score(rogue, cluster::kDisconnectedScore, agent.deadline);
  agent.cluster.report_failure(rogue, agent.deadline);
}

/// Nothing where Pacemaker cannot be asked.
cluster::ScoreTable read_placement(Agent& agent) try {
  return agent.cluster.placement_scores(agent.deadline);
} catch (const ocf::Failure& failure) {
  spdlog::warn("constraints not looked at: {}", failure.what());
  return {};
}

}  // namespace

Refusal act_on_refusal(Agent& agent, const decision::Verdict& verdict) {
  if (verdict.rogue) take_down_rogue(agent, *verdict.rogue);
  if (verdict.successors.empty()) return {*verdict.refusal, verdict.hopeless};
  const auto candidate = agent.cluster.local_node();
  const auto participants = ocf::participants(*agent.context.transition);
  const auto scores = agent.cluster.promotion_scores(agent.deadline);
  const bool is_constrained = decision::is_chosen_in_spite_of_scores(candidate, participants, scores);
  const auto placement = is_constrained ? read_placement(agent) : cluster::ScoreTable{};
  const auto concession = decision::concede(candidate, verdict.successors, participants, scores, placement);
  for (const auto& [node, score] : concession.scores) {
    give_score(agent, node, score, agent.deadline);
  }
  if (!concession.is_forbidden) return {*verdict.refusal};
  return {*verdict.refusal + "; a constraint forbids to promote " + concession.winner + ": remove it, or take " +
              concession.winner + " out",
          {candidate}};
}

void hold_back(Agent& agent, const cluster::NodeList& nodes) {
  if (nodes.empty()) return;
  const auto scores = agent.cluster.promotion_scores(agent.deadline);
  for (const auto& node : nodes) {
    if (cluster::score_of(node, scores).value_or(-1) < 0) continue;
    spdlog::info("holding back {}: its promotion score is {} until somebody else comes or goes", node,
                 cluster::kHeldBackScore);
    agent.cluster.set_promotion_score(node, cluster::kHeldBackScore, agent.deadline);
  }
}

void end_holding_back(Agent& agent) {
  const auto scores = agent.cluster.promotion_scores(agent.deadline);
  const auto& start = agent.context.transition->start;
  const auto& stop = agent.context.transition->stop;
  const auto is_held_back = [&](const NodeName& node) {
    return cluster::score_of(node, scores) == cluster::kHeldBackScore;
  };
  // Who is recovered in place brings nothing new; who was held back and leaves does not, either.
  const bool has_come =
      std::any_of(start.begin(), start.end(), [&](const auto& node) { return !ocf::contains(stop, node); });
  const bool has_gone = std::any_of(
      stop.begin(), stop.end(), [&](const auto& node) { return !ocf::contains(start, node) && !is_held_back(node); });
  if (!has_come && !has_gone) return;
  // Also the others: PAF's agent does not know this score.
  for (const auto& [node, score] : scores) {
    if (!is_held_back(node)) continue;
    spdlog::info("somebody has come or gone, {} may be chosen again: its promotion score is {}", node,
                 cluster::kLowestPromotableScore);
    agent.cluster.set_promotion_score(node, cluster::kLowestPromotableScore, agent.deadline);
  }
}

}  // namespace pgsqlms::action
