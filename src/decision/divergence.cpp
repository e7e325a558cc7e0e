// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/divergence.hpp"

#include <algorithm>

namespace pgsqlms::decision {
namespace {

using cluster::NodeName;
using pg::TimelineHistory;
using pg::WalPosition;

const TimelineHistory& history_of(const NodeName& node, const Histories& histories) {
  static const TimelineHistory unknown;
  const auto found = histories.find(node);
  return found == histories.end() ? unknown : found->second;
}

/// Two timelines may bear one number: they were left for at different positions.
bool have_different_ancestors(const TimelineHistory& a, const TimelineHistory& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& entry) {
    const auto other = b.find(entry.first);
    return other != b.end() && other->second != entry.second;
  });
}

/// Whether `older`, on a lower timeline, has WAL that is not in the history of `newer`.
bool went_on_after_the_switch(const WalPosition& older, const WalPosition& newer, const TimelineHistory& history) {
  const auto switched = history.find(older.timeline);
  return (switched == history.end() ? newer.lsn : switched->second) < older.lsn;
}

bool followed_the_last_primary(const NodeName& node, const cluster::ScoreTable& scores) {
  const auto found = scores.find(node);
  return found != scores.end() && found->second.value_or(-1) >= 0;
}

}  // namespace

cluster::NodeList find_diverged(const NodeName& candidate, const cluster::NodeList& participants, const Votes& votes,
                                const Histories& histories) {
  const auto& own = votes.at(candidate);
  const auto& own_history = history_of(candidate, histories);
  cluster::NodeList diverged;
  for (const auto& node : participants) {
    const auto vote = votes.find(node);
    if (node == candidate || vote == votes.end()) continue;
    const auto& [name, position] = *vote;
    const auto& history = history_of(node, histories);
    const bool has_diverged =
        have_different_ancestors(own_history, history) ||
        (position.timeline < own.timeline && went_on_after_the_switch(position, own, own_history)) ||
        (own.timeline < position.timeline && went_on_after_the_switch(own, position, history));
    if (has_diverged) diverged.push_back(node);
  }
  return diverged;
}

std::optional<NodeName> whose_wal_counts(const NodeName& one, const NodeName& other,
                                         const cluster::ScoreTable& scores) {
  const bool one_followed = followed_the_last_primary(one, scores);
  if (one_followed == followed_the_last_primary(other, scores)) return std::nullopt;
  return one_followed ? one : other;
}

}  // namespace pgsqlms::decision
