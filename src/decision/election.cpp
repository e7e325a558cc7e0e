// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/election.hpp"

#include <algorithm>

namespace pgsqlms::decision {
namespace {

using cluster::NodeName;
using cluster::PromotionScore;

PromotionScore score_of(const NodeName& node, const cluster::ScoreTable& scores) {
  return cluster::score_of(node, scores).value_or(-cluster::kInfinity);
}

/// What constraints add to the node's score.
PromotionScore constraints_on(const NodeName& node, const cluster::ScoreTable& scores,
                              const cluster::ScoreTable& placement) {
  return placement.count(node) == 0 ? 0 : score_of(node, placement) - score_of(node, scores);
}

/// Its placement is -INFINITY though its score is not.
bool is_forbidden(const NodeName& node, const cluster::ScoreTable& scores, const cluster::ScoreTable& placement) {
  return placement.count(node) > 0 && score_of(node, placement) <= -cluster::kInfinity &&
         score_of(node, scores) > -cluster::kInfinity;
}

}  // namespace

cluster::NodeList find_silent(const cluster::NodeList& participants, const Votes& votes) {
  cluster::NodeList silent;
  for (const auto& node : participants) {
    if (votes.count(node) == 0) silent.push_back(node);
  }
  return silent;
}

cluster::NodeList find_winners(const NodeName& candidate, const cluster::NodeList& participants, const Votes& votes,
                               const cluster::ScoreTable& scores) {
  auto best = votes.at(candidate).position;
  for (const auto& node : participants) {
    if (const auto vote = votes.find(node); vote != votes.end()) best = std::max(best, vote->second.position);
  }
  cluster::NodeList winners;
  if (best == votes.at(candidate).position) return winners;
  for (const auto& node : participants) {
    const auto vote = votes.find(node);
    const bool is_known = ocf::contains(winners, node);
    if (vote != votes.end() && vote->second.position == best && !is_known) winners.push_back(node);
  }
  std::sort(winners.begin(), winners.end(), [&](const auto& a, const auto& b) {
    return std::pair(-score_of(a, scores), a) < std::pair(-score_of(b, scores), b);
  });
  return winners;
}

bool is_chosen_in_spite_of_scores(const NodeName& candidate, const cluster::NodeList& participants,
                                  const cluster::ScoreTable& scores) {
  return std::any_of(participants.begin(), participants.end(),
                     [&](const auto& node) { return score_of(node, scores) > score_of(candidate, scores); });
}

Concession concede(const NodeName& candidate, const cluster::NodeList& winners, const cluster::NodeList& participants,
                   const cluster::ScoreTable& scores, const cluster::ScoreTable& placement) {
  const auto first = std::find_if(winners.begin(), winners.end(),
                                  [&](const auto& node) { return !is_forbidden(node, scores, placement); });
  if (first == winners.end()) return {winners.front(), {}, true};
  const auto& winner = *first;
  auto raised = std::max(cluster::kBestStandbyScore, score_of(winner, scores));
  Concession concession{winner, {}, false};
  for (const auto& node : participants) {
    const auto score = score_of(node, scores);
    if (node == candidate || node == winner || score < cluster::kBestStandbyScore) continue;
    // The primary's score tells who it was, so that neither another one gets it, nor the primary loses it.
    if (score < cluster::kPrimaryScore) concession.scores[node] = cluster::kBestStandbyScore - 1;
    else raised = std::max(raised, score + 1);
  }
  const auto lowered = cluster::kLowestPromotableScore;
  const bool would_be_chosen_again =
      score_of(candidate, placement) >= cluster::kInfinity ||
      lowered + constraints_on(candidate, scores, placement) >= raised + constraints_on(winner, scores, placement);
  concession.scores[candidate] = would_be_chosen_again ? cluster::kForbiddenScore : lowered;
  concession.scores[winner] = raised;
  return concession;
}

}  // namespace pgsqlms::decision
