// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/standby_ranking.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

namespace pgsqlms::decision {
namespace {

using cluster::NodeName;
using cluster::PromotionScore;

struct Standby {
  NodeName node;
  bool ready = false;  ///< streams, or catches up where nobody waits for it
  bool streaming = false;
  bool synchronous = false;
  pg::Lsn written;  ///< 0 if unknown, so that it ranks last
};

/// What a standby has received and is not about to replay, because replay is paused or delayed, does not count: a
/// promotion would have to make up for it, if it can.
pg::Lsn position_of(const pg::WalSender& walsender) {
  const auto written = walsender.written.value_or(pg::Lsn{});
  const auto replayed = walsender.replayed.value_or(written);
  return written.bytes - std::min(written.bytes, replayed.bytes) > kWorthwhileLead ? replayed : written;
}

/// Of two walsenders of one node (the old one may linger until wal_sender_timeout) the better one.
bool is_better(const Standby& a, const Standby& b) {
  return std::tie(a.ready, a.streaming, a.written.bytes) > std::tie(b.ready, b.streaming, b.written.bytes);
}

/// Whether it has got anything of the primary's timeline. Who has diverged connects as well, streams the end of an
/// earlier timeline, and stays connected for a while.
bool is_on_our_timeline(const pg::WalSender& walsender, const std::optional<pg::Lsn>& timeline_begin) {
  return !timeline_begin || !walsender.written || *timeline_begin < *walsender.written;
}

/// One entry for each other node of the cluster that has a walsender, further ones first. Clients that are no cluster
/// node (pg_receivewal, Barman) are nobody's business.
std::vector<Standby> find_standbys(const ScoreInputs& inputs) {
  std::map<NodeName, Standby> best;
  for (const auto& row : inputs.replication.walsenders) {
    if (row.application_name == inputs.local_node || inputs.current.count(row.application_name) == 0) continue;
    if (!is_on_our_timeline(row, inputs.replication.timeline_begin)) continue;
    // Commits are acknowledged without one that catches up, by others or not at all.
    const bool lacks_commits = row.listed && row.state == "catchup";
    const bool ready = row.state != "startup" && row.state != "backup" && !lacks_commits;
    const Standby standby{row.application_name, ready, row.state == "streaming", row.synchronous, position_of(row)};
    const auto known = best.find(standby.node);
    if (known == best.end() || is_better(standby, known->second)) best[standby.node] = standby;
  }
  std::vector<Standby> standbys;
  standbys.reserve(best.size());
  for (auto& [node, standby] : best) standbys.push_back(std::move(standby));
  std::stable_sort(standbys.begin(), standbys.end(),
                   [](const auto& a, const auto& b) { return b.written < a.written; });
  return standbys;
}

std::optional<PromotionScore> score_now(const ScoreInputs& inputs, const NodeName& node) {
  return cluster::score_of(node, inputs.current);
}

bool has_worthwhile_lead(const Standby& a, const Standby& b) {
  return a.written.bytes - std::min(a.written.bytes, b.written.bytes) > kWorthwhileLead;
}

/// Puts those first that commits wait for, then those that had the higher score, and then those that were lagging,
/// whose score is negated; but nobody before one that has a lead over it that is worth it. So the order stays as it is
/// when nothing has changed.
std::vector<Standby> in_former_order(std::vector<Standby> standbys, const ScoreInputs& inputs) {
  const auto former_rank = [&](const Standby& standby) {
    const auto former = score_now(inputs, standby.node).value_or(0);
    const auto score = former == cluster::kForbiddenScore ? 0 : former;
    return std::tuple(standby.synchronous, std::max(score, 0), std::max(-score, 0));
  };
  std::stable_sort(standbys.begin(), standbys.end(),
                   [&](const auto& a, const auto& b) { return former_rank(a) > former_rank(b); });
  std::vector<Standby> ordered;
  while (!standbys.empty()) {
    // There is one: nobody leads the one that has written most.
    const auto next = std::find_if(standbys.begin(), standbys.end(), [&](const auto& candidate) {
      return std::none_of(standbys.begin(), standbys.end(),
                          [&](const auto& other) { return has_worthwhile_lead(other, candidate); });
    });
    ordered.push_back(std::move(*next));
    standbys.erase(next);
  }
  return ordered;
}

bool is_lagging(const Standby& standby, const ScoreInputs& inputs) {
  const auto current = inputs.replication.current.bytes;
  const auto lag = current - std::min(current, standby.written.bytes);
  return inputs.lag_limit && lag > *inputs.lag_limit;
}

std::map<NodeName, PromotionScore> score_connected(const ScoreInputs& inputs) {
  std::map<NodeName, PromotionScore> scores;
  std::vector<Standby> ready;
  for (auto& standby : find_standbys(inputs)) {
    if (!standby.streaming && score_now(inputs, standby.node) == cluster::kForbiddenScore) continue;
    if (standby.ready) ready.push_back(std::move(standby));
    else scores[standby.node] = cluster::kNotReadyScore;
  }
  ready = in_former_order(std::move(ready), inputs);
  std::stable_partition(ready.begin(), ready.end(), [&](const auto& standby) { return !is_lagging(standby, inputs); });
  PromotionScore next = cluster::kBestStandbyScore;
  for (const auto& standby : ready) {
    scores[standby.node] = is_lagging(standby, inputs) ? -next : next;
    next -= cluster::kStandbyScoreStep;
  }
  return scores;
}

/// What a node with that score is to get while it is not connected.
PromotionScore score_disconnected(const ScoreInputs& inputs, PromotionScore score, bool is_member) {
  const bool may_still_connect =
      inputs.replication.since_promotion && *inputs.replication.since_promotion < kReconnectGrace;
  if (is_member && may_still_connect) return std::min(score, cluster::kBestStandbyScore);  // below the new primary's
  // What an absent node was worth in the past must not win; a present one that is not connected cannot be worth
  // anything.
  return is_member || cluster::was_promotable(score) ? cluster::kDisconnectedScore : score;
}

cluster::ScoreTable find_disconnected(const ScoreInputs& inputs, const std::map<NodeName, PromotionScore>& connected) {
  cluster::ScoreTable disconnected;
  for (const auto& [node, score] : inputs.current) {
    const bool counts = score && *score != cluster::kForbiddenScore && node != inputs.local_node;
    if (counts && connected.count(node) == 0) disconnected[node] = score;
  }
  return disconnected;
}

}  // namespace

bool depends_on_members(const ScoreInputs& inputs) {
  const auto disconnected = find_disconnected(inputs, score_connected(inputs));
  return std::any_of(disconnected.begin(), disconnected.end(), [&](const auto& entry) {
    return score_disconnected(inputs, *entry.second, true) != score_disconnected(inputs, *entry.second, false);
  });
}

ScoreChanges rank_standbys(const ScoreInputs& inputs) {
  auto wanted = score_connected(inputs);
  for (const auto& [node, score] : find_disconnected(inputs, wanted)) {
    wanted[node] = score_disconnected(inputs, *score, ocf::contains(inputs.members, node));
  }
  wanted[inputs.local_node] = cluster::kPrimaryScore;
  ScoreChanges changes;
  for (const auto& [node, score] : wanted) {
    if (score_now(inputs, node) != score) changes[node] = score;
  }
  return changes;
}

}  // namespace pgsqlms::decision
