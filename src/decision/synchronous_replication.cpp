// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/synchronous_replication.hpp"

#include <algorithm>
#include <vector>

namespace pgsqlms::decision {
namespace {

using cluster::NodeList;
using cluster::NodeName;

constexpr std::string_view kEverybody = "*";

bool is_listed_by(const std::string& name, const NodeName& node) {
  return name == kEverybody || pg::is_listed_as(name, node);
}

bool may_have_acknowledged(cluster::PromotionScore score) {
  return cluster::was_promotable(score) || score == cluster::kNotReadyScore;
}

/// The one with the primary's score; where there are more, or none, the one of them that Pacemaker took for promoted.
std::optional<NodeName> find_last_primary(const NodeList& promoted, const cluster::ScoreTable& scores) {
  NodeList scored;
  for (const auto& [node, score] : scores) {
    if (score == cluster::kPrimaryScore) scored.push_back(node);
  }
  if (scored.size() == 1) return scored.front();
  NodeList both;
  for (const auto& node : promoted) {
    if (scored.empty() || ocf::contains(scored, node)) both.push_back(node);
  }
  return both.size() == 1 ? std::optional(both.front()) : std::nullopt;
}

}  // namespace

bool is_enough_of_them(const pg::SynchronousStandbys& standbys, const NodeList& voters) {
  const auto is_absent = [&](const std::string& name) {
    return name == kEverybody ||
           std::none_of(voters.begin(), voters.end(), [&](const auto& node) { return is_listed_by(name, node); });
  };
  if (std::find(standbys.names.begin(), standbys.names.end(), kEverybody) != standbys.names.end()) return false;
  const auto absent = std::count_if(standbys.names.begin(), standbys.names.end(), is_absent);
  return static_cast<std::size_t>(absent) < standbys.count;
}

NodeList find_missing_acknowledgers(const pg::SynchronousStandbys& standbys, const NodeList& voters,
                                    const NodeList& promoted, const cluster::ScoreTable& scores) {
  const auto last_primary = find_last_primary(promoted, scores);
  if (standbys.count == 0 || (last_primary && ocf::contains(voters, *last_primary))) return {};
  NodeList missing;
  std::size_t connected_before = 0;
  NodeList seen;
  for (const auto& name : standbys.names) {
    std::size_t connected = 0;
    for (const auto& [node, ignored] : scores) {
      if (!is_listed_by(name, node) || ocf::contains(seen, node) || node == last_primary) continue;
      seen.push_back(node);
      const auto score = cluster::score_of(node, scores).value_or(cluster::kDisconnectedScore);
      if (ocf::contains(voters, node)) {
        connected += cluster::was_promotable(score) ? 1 : 0;
      } else if (may_have_acknowledged(score) && (standbys.any || connected_before < standbys.count)) {
        missing.push_back(node);
      }
    }
    connected_before += connected;
  }
  return missing.size() >= standbys.count ? missing : NodeList{};
}

}  // namespace pgsqlms::decision
