// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/election.hpp"

#include <algorithm>

namespace pgsqlms::decision {
namespace {

using cluster::NodeName;
using cluster::PromotionScore;

PromotionScore score_of(const NodeName& node, const cluster::ScoreTable& scores) {
  const auto found = scores.find(node);
  return found != scores.end() && found->second ? *found->second : -cluster::kInfinity;
}

}  // namespace

cluster::NodeList find_silent(const cluster::NodeList& participants, const Votes& votes) {
  cluster::NodeList silent;
  for (const auto& node : participants) {
    if (votes.count(node) == 0) silent.push_back(node);
  }
  return silent;
}

NodeName elect(const NodeName& candidate, const cluster::NodeList& participants, const Votes& votes,
               const cluster::ScoreTable& scores) {
  // Ordered from worst to best; the name only decides between equals, the first one being the best.
  const auto is_worse = [&](const NodeName& a, const NodeName& b) {
    if (!(votes.at(a) == votes.at(b))) return votes.at(a) < votes.at(b);
    if (score_of(a, scores) != score_of(b, scores)) return score_of(a, scores) < score_of(b, scores);
    return b < a;
  };
  NodeName winner = candidate;
  for (const auto& node : participants) {
    if (votes.count(node) == 0 || !(votes.at(candidate) < votes.at(node))) continue;
    if (winner == candidate || is_worse(winner, node)) winner = node;
  }
  return winner;
}

std::map<NodeName, PromotionScore> scores_for_winner(const NodeName& candidate, const NodeName& winner,
                                                     const ocf::NotifyContext& transition,
                                                     const cluster::ScoreTable& scores) {
  PromotionScore best_third = -cluster::kInfinity;
  for (const auto& node : ocf::participants(transition)) {
    if (node != candidate && node != winner) best_third = std::max(best_third, score_of(node, scores));
  }
  const bool chosen_in_spite_of_scores = score_of(candidate, scores) < std::max(best_third, score_of(winner, scores));
  const bool winner_was_recovered = ocf::contains(transition.stop, winner);
  return {{candidate, chosen_in_spite_of_scores && !winner_was_recovered ? cluster::kForbiddenScore
                                                                         : cluster::kLowestPromotableScore},
          {winner, std::max({cluster::kBestStandbyScore, score_of(winner, scores), best_third + 1})}};
}

}  // namespace pgsqlms::decision
