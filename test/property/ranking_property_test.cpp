// SPDX-License-Identifier: PostgreSQL
#include "chance.hpp"
#include "pgsqlms/cluster/promotion_score.hpp"
#include "pgsqlms/decision/standby_ranking.hpp"

namespace pgsqlms::decision {
namespace {

using cluster::NodeName;
using property::Chance;
using property::try_often;

const std::vector<NodeName> kNodes = {"srv1", "srv2", "srv3", "srv4", "srv40", "srv-5.example.com"};

/// A primary on srv1 at any moment: walsenders of some nodes, some twice, some of clients that are no node.
ScoreInputs any_moment(Chance& chance) {
  constexpr std::uint64_t kMegabyte = 1 << 20;
  ScoreInputs inputs;
  inputs.local_node = "srv1";
  inputs.replication.current = pg::Lsn{chance.one_in(10) ? UINT64_MAX : (100 + chance.below(4)) * kMegabyte};
  if (chance.one_in(2)) inputs.replication.since_promotion = std::chrono::seconds(chance.below(60));
  if (chance.one_in(2)) inputs.lag_limit = chance.below(64) * kMegabyte;
  const std::vector<int> some_scores = {-1000000, -1000, -1, -990, 1, 970, 980, 990, 1000, 1001};
  for (const auto& node : kNodes) {
    if (node == inputs.local_node || !chance.one_in(5)) inputs.members.push_back(node);
    if (!chance.one_in(5)) inputs.current[node] = std::nullopt;
    if (!chance.one_in(3)) inputs.current[node] = chance.one_of(some_scores);
  }
  const std::vector<std::string> states = {"streaming", "streaming", "streaming", "catchup", "startup", "backup"};
  const auto current = inputs.replication.current.bytes;
  for (auto rows = chance.below(9); rows > 0; --rows) {
    pg::WalSender row{chance.one_in(8) ? "pg_receivewal" : chance.one_of(kNodes), chance.one_of(states), std::nullopt};
    if (!chance.one_in(6)) row.written = pg::Lsn{current - chance.below(9) * 8 * kMegabyte};
    inputs.replication.walsenders.push_back(row);
  }
  return inputs;
}

/// The scores after the changes are written.
cluster::ScoreTable scores_after(const ScoreInputs& inputs) {
  auto scores = inputs.current;
  for (const auto& [node, score] : rank_standbys(inputs)) scores[node] = score;
  return scores;
}

/// How far the best of the node's walsenders that stream or catch up has written; nothing if it has none.
std::optional<std::uint64_t> ready_position(const ScoreInputs& inputs, const NodeName& node) {
  std::optional<std::uint64_t> position;
  for (const bool streaming : {true, false}) {
    for (const auto& row : inputs.replication.walsenders) {
      const bool counts = streaming ? row.state == "streaming" : row.state == "catchup";
      if (row.application_name != node || !counts) continue;
      position = std::max(position.value_or(0), row.written.value_or(pg::Lsn{}).bytes);
    }
    if (position) return position;
  }
  return position;
}

TEST(RankingProperty, OnlyNodesOfTheClusterGetAScore) {
  try_often([](Chance& chance) {
    const auto inputs = any_moment(chance);
    for (const auto& [node, score] : rank_standbys(inputs)) {
      EXPECT_TRUE(node == inputs.local_node || inputs.current.count(node) > 0) << node;
      EXPECT_TRUE(score >= -cluster::kInfinity && score <= cluster::kPrimaryScore) << score;
    }
  });
}

TEST(RankingProperty, ThePrimaryHasTheHighestScoreAndNobodyElseHasIt) {
  try_often([](Chance& chance) {
    const auto inputs = any_moment(chance);
    for (const auto& [node, score] : scores_after(inputs)) {
      if (node == inputs.local_node) EXPECT_EQ(score, cluster::kPrimaryScore);
      else EXPECT_LT(score.value_or(0), cluster::kPrimaryScore) << node;
    }
  });
}

TEST(RankingProperty, NoStandbyIsRankedBelowOneThatItLeadsByMoreThanASegment) {
  try_often([](Chance& chance) {
    const auto inputs = any_moment(chance);
    const auto scores = scores_after(inputs);
    for (const auto& a : kNodes) {
      for (const auto& b : kNodes) {
        const auto ahead = ready_position(inputs, a);
        const auto behind = ready_position(inputs, b);
        if (a == inputs.local_node || b == inputs.local_node || !ahead || !behind || *ahead <= *behind) continue;
        if (*ahead - *behind <= kWorthwhileLead) continue;
        if (scores.count(a) == 0 || scores.count(b) == 0) continue;
        // A score that only an administrator or a streaming standby ends.
        if (scores.at(a) == cluster::kForbiddenScore || scores.at(b) == cluster::kForbiddenScore) continue;
        // Those that lag too far have negated scores, the best of them the lowest one.
        const auto above = scores.at(a).value_or(0);
        const auto below = scores.at(b).value_or(0);
        EXPECT_TRUE(below < 0 ? above >= 0 || above < below : above > below)
            << a << " at " << *ahead << " has " << above << ", " << b << " at " << *behind << " has " << below;
      }
    }
  });
}

TEST(RankingProperty, ThoseThatCanBePromotedHaveDifferentScores) {
  try_often([](Chance& chance) {
    const auto inputs = any_moment(chance);
    const auto scores = scores_after(inputs);
    for (const auto& a : kNodes) {
      for (const auto& b : kNodes) {
        if (a >= b || !ready_position(inputs, a) || !ready_position(inputs, b)) continue;
        if (scores.count(a) == 0 || scores.count(b) == 0 || scores.at(a) == cluster::kForbiddenScore) continue;
        EXPECT_NE(scores.at(a), scores.at(b)) << a << ' ' << b;
      }
    }
  });
}

TEST(RankingProperty, TheOrderOfWalsendersAndMembersDoesNotMatter) {
  try_often([](Chance& chance) {
    const auto inputs = any_moment(chance);
    auto other = inputs;
    other.replication.walsenders = chance.shuffled(other.replication.walsenders);
    other.members = chance.shuffled(other.members);
    EXPECT_EQ(rank_standbys(other), rank_standbys(inputs));
  });
}

TEST(RankingProperty, MembersMatterOnlyWhereTheRankingIsSaidToDependOnThem) {
  try_often([](Chance& chance) {
    auto nobody = any_moment(chance);
    nobody.members.clear();
    auto everybody = nobody;
    everybody.members = kNodes;
    EXPECT_EQ(rank_standbys(nobody) != rank_standbys(everybody), depends_on_members(nobody));
  });
}

TEST(RankingProperty, NothingIsLeftToChangeOnceTheChangesAreWritten) {
  try_often([](Chance& chance) {
    auto inputs = any_moment(chance);
    inputs.current = scores_after(inputs);
    EXPECT_EQ(rank_standbys(inputs), ScoreChanges{});
  });
}

TEST(RankingProperty, AStandbyBeyondTheLimitCannotBePromoted) {
  try_often([](Chance& chance) {
    const auto inputs = any_moment(chance);
    const auto scores = scores_after(inputs);
    for (const auto& node : kNodes) {
      const auto position = ready_position(inputs, node);
      if (node == inputs.local_node || !position || !inputs.lag_limit || scores.count(node) == 0) continue;
      if (inputs.replication.current.bytes - *position <= *inputs.lag_limit) continue;
      EXPECT_LT(scores.at(node), 0) << node;
    }
  });
}

}  // namespace
}  // namespace pgsqlms::decision
