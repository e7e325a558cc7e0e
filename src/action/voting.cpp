// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/voting.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "pgsqlms/action/observe.hpp"
#include "pgsqlms/decision/divergence.hpp"
#include "pgsqlms/decision/election.hpp"
#include "pgsqlms/decision/switchover.hpp"

namespace pgsqlms::action {
namespace {

using cluster::NodeName;
using cluster::PrivateAttribute;
using decision::Votes;
using std::chrono_literals::operator""ms;

constexpr Duration kVotePoll = 50ms;

/// What the participants said, and the online ones among them that kept silent until the deadline.
struct Count {
  Votes votes;
  decision::Histories histories;
  cluster::NodeList running_primaries;
  Votes shutdown_checkpoints;
  cluster::NodeList participants;
  cluster::NodeList silent;
};

void look(Agent& agent, Count& count) {
  const auto published = agent.cluster.attributes(PrivateAttribute::Vote, agent.deadline);
  count.votes = decision::read_votes(published);
  count.histories = decision::read_histories(published);
  count.running_primaries = decision::find_running_primaries(count.participants, published);
  count.silent = decision::find_silent(count.participants, count.votes);
}

/// Who has left the partition meanwhile cannot vote, and cannot be waited for.
void forget_who_has_left(Agent& agent, Count& count) {
  const auto members = agent.cluster.members(agent.deadline);
  const auto has_left = [&](const NodeName& node) { return !ocf::contains(members, node); };
  count.silent.erase(std::remove_if(count.silent.begin(), count.silent.end(), has_left), count.silent.end());
}

Count gather(Agent& agent, const ocf::NotifyContext& transition, Deadline patience) {
  Count count;
  count.participants = ocf::participants(transition);
  look(agent, count);
  while (!count.silent.empty() && !patience.expired()) {
    patience.pause(kVotePoll);
    look(agent, count);
    if (!count.silent.empty()) forget_who_has_left(agent, count);
  }
  // Not before the votes: who votes has published already where it was shut down.
  const auto checkpoints = agent.cluster.attributes(PrivateAttribute::ShutdownCheckpoint, agent.deadline);
  count.shutdown_checkpoints = decision::read_votes(checkpoints);
  return count;
}

std::string joined(const cluster::NodeList& nodes) {
  std::string text;
  for (const auto& node : nodes) text += (text.empty() ? "" : ", ") + node;
  return text;
}

std::string with_position(const NodeName& node, const Votes& votes) { return node + ", " + to_string(votes.at(node)); }

Verdict refuse_for_silence(const NodeName& candidate, const cluster::NodeList& silent) {
  return {"no vote from " + joined(silent) + ", online: may have more WAL than " + candidate, std::nullopt};
}

/// A second primary beside one that runs would split the data.
Verdict refuse_for_running_primary(Agent& agent, const NodeName& candidate, const Count& count) {
  const auto& primary = count.running_primaries.front();
  const auto reason = with_position(primary, count.votes) + ", runs as a primary, so " + candidate +
                      " is not promoted: keep " + primary + ", or stop it there first";
  std::optional<NodeName> successor = primary;
  if (!decision::find_diverged(candidate, {primary}, count.votes, count.histories).empty()) {
    successor = decision::whose_wal_counts(primary, candidate, agent.cluster.promotion_scores(agent.deadline));
    if (successor == candidate) successor.reset();
  }
  return {reason, successor};
}

Verdict refuse_for_winner(const NodeName& candidate, const NodeName& winner, const Votes& votes) {
  return {winner + " has more WAL, " + to_string(votes.at(winner)) + ", than " + candidate + ", " +
              to_string(votes.at(candidate)),
          winner};
}

/// Takes out of `count` who has diverged and is out of the race; nothing if that leaves one line of WAL. A node whose
/// WAL may be the one that counts is not overruled.
std::optional<Verdict> judge_divergence(Agent& agent, const NodeName& candidate, Count& count) {
  const auto diverged = decision::find_diverged(candidate, count.participants, count.votes, count.histories);
  if (diverged.empty()) return std::nullopt;
  const auto scores = agent.cluster.promotion_scores(agent.deadline);
  for (const auto& node : diverged) {
    const auto both = with_position(node, count.votes) + ", and " + with_position(candidate, count.votes) +
                      ", have diverged: each has WAL that the other lacks";
    const auto counts = decision::whose_wal_counts(candidate, node, scores);
    if (counts != candidate) return Verdict{both, counts};
    spdlog::warn("{}; {} did not stream from the last primary, so its vote does not count", both, node);
    auto& participants = count.participants;
    participants.erase(std::remove(participants.begin(), participants.end(), node), participants.end());
  }
  return std::nullopt;
}

/// The promotion would lose what a cleanly stopped primary wrote last.
std::optional<Verdict> judge_switchover(Agent& agent, const ocf::NotifyContext& transition, const NodeName& candidate,
                                        const Count& count) {
  const auto& position = count.votes.at(candidate);
  const auto& checkpoints = count.shutdown_checkpoints;
  const auto successor = [&](const NodeName& node) {
    return count.votes.count(node) > 0 ? std::optional(node) : std::nullopt;
  };
  if (const auto missed = decision::find_missed_shutdown(position, checkpoints)) {
    return Verdict{missed->node + " was shut down at " + to_string(missed->checkpoint) + ", " + candidate +
                       " only received " + to_string(position),
                   successor(missed->node)};
  }
  // A primary under PAF's agent publishes nothing; then the local WAL itself must end with the shutdown checkpoint.
  const auto demoted = decision::find_demoted_primary(transition, candidate);
  if (!demoted || checkpoints.count(*demoted) > 0) return std::nullopt;
  if (agent.instance.ends_with_shutdown_checkpoint(position, agent.deadline)) return std::nullopt;
  return Verdict{"the WAL of " + candidate + ", received up to " + to_string(position) +
                     ", does not end with the shutdown checkpoint of " + *demoted,
                 successor(*demoted)};
}

}  // namespace

void publish_vote(Agent& agent) try {
  const auto patience = agent.deadline.within(agent.deadline.remaining() / 2);
  decision::Vote vote;
  vote.runs_as_primary = observe(agent, patience).state == decision::InstanceState::Primary;
  vote.position = agent.instance.wal_position(patience);
  vote.history = agent.instance.timeline_history(vote.position.timeline);
  spdlog::info("voting with {}{}", to_string(vote.position), vote.runs_as_primary ? ", as a running primary" : "");
  agent.cluster.set_attribute(PrivateAttribute::Vote, published_form(vote), agent.deadline);
} catch (const ocf::Failure&) {
  // The vote of an election that was given up would pass for a new one.
  agent.cluster.delete_attribute(PrivateAttribute::Vote, agent.cluster.local_node(), agent.deadline);
  throw;
}

Verdict count_votes(Agent& agent, const ocf::NotifyContext& transition, Deadline patience) {
  const auto candidate = agent.cluster.local_node();
  auto count = gather(agent, transition, patience);
  spdlog::info("votes: {}", decision::describe(count.votes));
  if (ocf::contains(count.running_primaries, candidate)) {
    // Nobody gets ahead of it, whatever was written since it voted, and its promotion changes nothing.
    return judge_divergence(agent, candidate, count).value_or(Verdict{});
  }
  if (!count.running_primaries.empty()) return refuse_for_running_primary(agent, candidate, count);
  if (!count.silent.empty()) return refuse_for_silence(candidate, count.silent);
  if (count.votes.count(candidate) == 0) return refuse_for_silence(candidate, {candidate});
  if (auto refusal = judge_switchover(agent, transition, candidate, count)) return *refusal;
  if (auto refusal = judge_divergence(agent, candidate, count)) return *refusal;
  auto winner = decision::elect(candidate, count.participants, count.votes, {});
  if (winner == candidate) return {};
  // The scores decide only between equal winners, so they are asked for only where there is another winner.
  winner = decision::elect(candidate, count.participants, count.votes, agent.cluster.promotion_scores(agent.deadline));
  return refuse_for_winner(candidate, winner, count.votes);
}

void yield_to(Agent& agent, const NodeName& successor) {
  const auto local = agent.cluster.local_node();
  const auto& transition = *agent.context.transition;
  const auto scores = agent.cluster.promotion_scores(agent.deadline);
  for (const auto& [node, score] : decision::scores_for_winner(local, successor, transition, scores)) {
    spdlog::info("setting the promotion score of {} to {}", node, cluster::to_string(score));
    agent.cluster.set_promotion_score(node, score, agent.deadline);
  }
}

}  // namespace pgsqlms::action
