// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/standby_ranking.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace pgsqlms::decision {
namespace {

using cluster::kForbiddenScore;
using pg::Lsn;
using pg::WalSender;
using std::chrono_literals::operator""s;

constexpr std::uint64_t kMegabyte = 1024 * 1024;
constexpr std::uint64_t kHere = 1000 * kMegabyte;  ///< the primary's position

WalSender streaming(const std::string& node, std::uint64_t written = kHere) {
  return {node, "streaming", Lsn{written}};
}

/// The primary srv1 with its score, and two nodes that never had one.
ScoreInputs inputs_with(std::vector<WalSender> walsenders) {
  ScoreInputs inputs;
  inputs.local_node = "srv1";
  inputs.members = {"srv1", "srv2", "srv3"};
  inputs.current = {{"srv1", 1001}, {"srv2", std::nullopt}, {"srv3", std::nullopt}};
  inputs.replication.current = Lsn{kHere};
  inputs.replication.walsenders = std::move(walsenders);
  return inputs;
}

ScoreInputs inputs_with(std::vector<WalSender> walsenders, cluster::PromotionScore srv2, cluster::PromotionScore srv3) {
  auto inputs = inputs_with(std::move(walsenders));
  inputs.current["srv2"] = srv2;
  inputs.current["srv3"] = srv3;
  return inputs;
}

void take_over(const ScoreChanges& changes, cluster::ScoreTable& scores) {
  for (const auto& [node, score] : changes) scores[node] = score;
}

/// Five nodes in every imaginable condition.
ScoreInputs random_inputs(std::mt19937& random) {
  const auto pick = [&](std::uint64_t count) { return random() % count; };
  const cluster::PromotionScore scores[] = {1001, 1000, 990, 980, 1, -1, -990, -1000, kForbiddenScore};
  const char* const states[] = {"streaming", "streaming", "catchup", "startup", "backup"};
  ScoreInputs inputs;
  inputs.local_node = "srv1";
  inputs.replication.current = Lsn{kHere};
  if (pick(2) == 0) inputs.lag_limit = pick(40) * kMegabyte + 1;
  for (const auto* node : {"srv1", "srv2", "srv3", "srv4", "srv5"}) {
    if (pick(5) > 0) inputs.members.emplace_back(node);
    inputs.current[node] = pick(6) == 0 ? std::nullopt : std::optional(scores[pick(std::size(scores))]);
  }
  for (auto rows = pick(9); rows > 0; --rows) {
    const auto name = pick(6) == 0 ? std::string("barman") : "srv" + std::to_string(2 + pick(4));
    const auto written = pick(8) == 0 ? std::nullopt : std::optional(Lsn{kHere - pick(80) * kMegabyte});
    inputs.replication.walsenders.push_back({name, states[pick(std::size(states))], written});
  }
  return inputs;
}

TEST(RankStandbys, ScoresByWrittenWalInStepsOfTen) {
  auto inputs = inputs_with({streaming("srv3", kHere), streaming("srv2", kHere - 20 * kMegabyte)});
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv3", 1000}, {"srv2", 990}}));
}

TEST(RankStandbys, ScoresEqualStandbysByName) {
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv3"), streaming("srv2")})),
            (ScoreChanges{{"srv2", 1000}, {"srv3", 990}}));
}

TEST(RankStandbys, PassesOverWhoStreamsAnEarlierTimelineOnly) {
  for (const auto since_promotion : {std::chrono::seconds(1), kReconnectGrace}) {
    auto inputs = inputs_with({streaming("srv2", kHere - 1), streaming("srv3")}, -1000, -1000);
    inputs.replication.since_promotion = since_promotion;
    inputs.replication.timeline_begin = Lsn{kHere - 1};
    EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv3", 1000}})) << "srv2 may have diverged";
    inputs.replication.timeline_begin = Lsn{kHere - 2};
    EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv2", 990}, {"srv3", 1000}}));
  }
}

TEST(RankStandbys, KeepsTheScoreOfWhoIsNotOverToTheNewTimelineYet) {
  auto inputs = inputs_with({streaming("srv2", kHere - 1), streaming("srv3")}, 990, 1000);
  inputs.replication.since_promotion = std::chrono::seconds(1);
  inputs.replication.timeline_begin = Lsn{kHere - 1};
  EXPECT_EQ(rank_standbys(inputs), ScoreChanges{});
}

TEST(RankStandbys, GivesThePrimaryTheHighestScore) {
  auto inputs = inputs_with({});
  for (const auto former : {std::optional<int>(), std::optional(1), std::optional(kForbiddenScore)}) {
    inputs.current["srv1"] = former;
    EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv1", 1001}}));
  }
}

TEST(RankStandbys, ChangesNothingThatIsAsItShouldBe) {
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2"), streaming("srv3")}, 1000, 990)), ScoreChanges{});
}

TEST(RankStandbys, NegatesTheScoreOfALaggingStandby) {
  auto inputs = inputs_with({streaming("srv2", kHere - 9), streaming("srv3", kHere - 11)}, 1000, 990);
  inputs.lag_limit = 10;
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv3", -990}}));
}

TEST(RankStandbys, NegatesNoScoreAtTheLimitItself) {
  auto inputs = inputs_with({streaming("srv2", kHere - 10), streaming("srv3", kHere + 1000)}, 1000, 990);
  inputs.lag_limit = 10;
  EXPECT_EQ(rank_standbys(inputs), ScoreChanges{});
}

TEST(RankStandbys, NegatesNoScoreWithoutALimit) {
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2", 1), streaming("srv3", 0)})),
            (ScoreChanges{{"srv2", 1000}, {"srv3", 990}}));
}

TEST(RankStandbys, RanksALaggingStandbyAfterTheOthers) {
  auto inputs = inputs_with({streaming("srv2", kHere - 11), streaming("srv3", kHere)}, 1000, 990);
  inputs.lag_limit = 10;
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv2", -990}, {"srv3", 1000}}));
}

TEST(RankStandbys, RefusesAStandbyThatStartsUpOrIsBackedUp) {
  for (const auto* state : {"startup", "backup"}) {
    SCOPED_TRACE(state);
    EXPECT_EQ(rank_standbys(inputs_with({{"srv2", state, Lsn{kHere}}, streaming("srv3")})),
              (ScoreChanges{{"srv2", -1}, {"srv3", 1000}}));
  }
}

TEST(RankStandbys, RanksAStandbyThatCatchesUp) {
  EXPECT_EQ(rank_standbys(inputs_with({{"srv2", "catchup", Lsn{1}}, streaming("srv3")})),
            (ScoreChanges{{"srv2", 990}, {"srv3", 1000}}));
}

TEST(RankStandbys, DoesNotCountOnAListedStandbyThatCatchesUp) {
  auto behind = WalSender{"srv2", "catchup", Lsn{1}};
  behind.listed = true;
  EXPECT_EQ(rank_standbys(inputs_with({behind, streaming("srv3")})), (ScoreChanges{{"srv2", -1}, {"srv3", 1000}}));
}

TEST(RankStandbys, DisconnectsAMemberWithoutAWalsender) {
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2")}, 1000, 990)), (ScoreChanges{{"srv3", -1000}}));
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2")}, 1000, -1)), (ScoreChanges{{"srv3", -1000}}));
}

TEST(RankStandbys, LeavesANodeAloneThatNeverHadAScore) {
  auto inputs = inputs_with({streaming("srv2")});
  inputs.members.emplace_back("quorum-only");
  inputs.current["quorum-only"] = std::nullopt;
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv2", 1000}}));
}

TEST(RankStandbys, TakesFromAnAbsentNodeWhatItWasWorthInThePast) {
  for (const cluster::PromotionScore score : {1001, 1000, 1, 0}) {
    SCOPED_TRACE(score);
    auto inputs = inputs_with({streaming("srv2")}, 1000, score);
    inputs.members = {"srv1", "srv2"};
    EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv3", -1000}}));
  }
}

TEST(RankStandbys, LeavesAnAbsentNodeAloneThatCannotWin) {
  for (const cluster::PromotionScore score : {-1, -990, -1000, kForbiddenScore}) {
    SCOPED_TRACE(score);
    auto inputs = inputs_with({streaming("srv2")}, 1000, score);
    inputs.members = {"srv1", "srv2"};
    EXPECT_EQ(rank_standbys(inputs), ScoreChanges{});
  }
}

TEST(RankStandbys, IgnoresWalsendersOfClientsThatAreNoNode) {
  for (const auto* client : {"barman", "backup (nightly", "srv", "srv22", "SRV2", "pg_receivewal", "", ".*", "rv2"}) {
    SCOPED_TRACE(client);
    const auto inputs = inputs_with({streaming(client), streaming("srv2", kHere - 1), streaming(client)}, 1000, -1000);
    EXPECT_EQ(rank_standbys(inputs), ScoreChanges{});
  }
}

TEST(RankStandbys, TellsNodesApartWhoseNamesContainEachOther) {
  auto inputs = inputs_with({streaming("db10", kHere), streaming("db.1", kHere - 30 * kMegabyte)});
  inputs.local_node = "dbx1";
  inputs.members = {"dbx1", "db1", "db10", "db.1"};
  inputs.current = {{"dbx1", 1001}, {"db1", 1000}, {"db10", 990}, {"db.1", 980}};
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"db1", -1000}, {"db10", 1000}, {"db.1", 990}}));
}

TEST(RankStandbys, IgnoresAWalsenderFromThePrimarysOwnNode) {
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv1"), streaming("srv2")})), (ScoreChanges{{"srv2", 1000}}));
}

TEST(RankStandbys, RanksAnUnknownPositionLast) {
  EXPECT_EQ(rank_standbys(inputs_with({{"srv2", "streaming", std::nullopt}, streaming("srv3", 1)})),
            (ScoreChanges{{"srv2", 990}, {"srv3", 1000}}));
}

TEST(RankStandbys, CountsTheBetterOfANodesTwoWalsenders) {
  const WalSender lingering = {"srv2", "startup", std::nullopt};
  const WalSender behind = {"srv2", "catchup", Lsn{kHere - 50 * kMegabyte}};
  const auto before = inputs_with({streaming("srv2"), streaming("srv3", kHere - 20 * kMegabyte)}, 1000, 990);
  for (const auto& second : {lingering, behind, streaming("srv2", 1)}) {
    auto inputs = before;
    inputs.replication.walsenders.push_back(second);
    EXPECT_EQ(rank_standbys(inputs), ScoreChanges{}) << second.state;
    std::reverse(inputs.replication.walsenders.begin(), inputs.replication.walsenders.end());
    EXPECT_EQ(rank_standbys(inputs), ScoreChanges{}) << second.state;
  }
}

TEST(RankStandbys, KeepsTheOrderOfTwoThatWriteInTurn) {
  for (const std::uint64_t lead : {std::uint64_t{0}, std::uint64_t{1}, kMegabyte, kWorthwhileLead}) {
    SCOPED_TRACE(lead);
    EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2", kHere - lead), streaming("srv3", kHere)}, 1000, 990)),
              ScoreChanges{});
    EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2", kHere), streaming("srv3", kHere - lead)}, 990, 1000)),
              ScoreChanges{});
  }
}

TEST(RankStandbys, ChangesTheOrderForALeadThatIsWorthIt) {
  const auto behind = kHere - kWorthwhileLead - 1;
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2", behind), streaming("srv3")}, 1000, 990)),
            (ScoreChanges{{"srv2", 990}, {"srv3", 1000}}));
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2"), streaming("srv3", behind)}, 990, 1000)),
            (ScoreChanges{{"srv2", 1000}, {"srv3", 990}}));
}

TEST(RankStandbys, PutsTheFirstOneBehindALeadThatIsWorthItThoughNobodyBetweenHasOne) {
  auto inputs = inputs_with({streaming("srv2", kHere - kWorthwhileLead - 1), streaming("srv3", kHere - 8 * kMegabyte),
                             streaming("srv4", kHere)},
                            1000, 990);
  inputs.members.emplace_back("srv4");
  inputs.current["srv4"] = 980;
  const auto changes = rank_standbys(inputs);
  EXPECT_EQ(changes, (ScoreChanges{{"srv3", 1000}, {"srv4", 990}, {"srv2", 980}}));
  for (const auto& [node, score] : changes) inputs.current[node] = score;
  EXPECT_EQ(rank_standbys(inputs), ScoreChanges{});
}

TEST(RankStandbys, KeepsTheOrderOfTwoLaggingOnesThatWriteInTurn) {
  auto inputs = inputs_with({streaming("srv2", 50), streaming("srv3", 60)}, -1000, -990);
  inputs.lag_limit = 10;
  EXPECT_EQ(rank_standbys(inputs), ScoreChanges{});
  inputs.replication.walsenders = {streaming("srv2", 70), streaming("srv3", 60)};
  EXPECT_EQ(rank_standbys(inputs), ScoreChanges{});
}

TEST(RankStandbys, RanksANewcomerAfterThoseThatHaveAScore) {
  auto inputs = inputs_with({streaming("srv2", kHere), streaming("srv3", kHere - kMegabyte)});
  inputs.current["srv3"] = 1000;
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv2", 990}}));
}

TEST(RankStandbys, KeepsAForbiddenNodeForbiddenUntilItStreams) {
  for (const auto* state : {"catchup", "startup", "backup"}) {
    SCOPED_TRACE(state);
    EXPECT_EQ(rank_standbys(inputs_with({{"srv2", state, Lsn{kHere}}, streaming("srv3")}, kForbiddenScore, 1000)),
              ScoreChanges{});
  }
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv3")}, kForbiddenScore, 1000)), ScoreChanges{});
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2"), streaming("srv3")}, kForbiddenScore, 1000)),
            (ScoreChanges{{"srv2", 990}}));
}

TEST(RankStandbys, LetsStandbysReconnectToANewPrimary) {
  auto inputs = inputs_with({}, 1001, 990);
  inputs.replication.since_promotion = kReconnectGrace - 1s;
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv2", 1000}}));
  inputs.replication.since_promotion = kReconnectGrace;
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv2", -1000}, {"srv3", -1000}}));
}

TEST(RankStandbys, GivesNoGraceToAnAbsentNode) {
  auto inputs = inputs_with({}, 1001, 990);
  inputs.members = {"srv1", "srv3"};
  inputs.replication.since_promotion = 0s;
  EXPECT_EQ(rank_standbys(inputs), (ScoreChanges{{"srv2", -1000}}));
}

TEST(RankStandbys, DoesNotDependOnTheOrderOfTheWalsenders) {
  auto inputs = inputs_with({streaming("srv2", 90),
                             {"srv2", "startup", Lsn{95}},
                             streaming("srv3", 90),
                             {"srv3", "catchup", std::nullopt},
                             streaming("barman", 99)},
                            990, 1000);
  auto& rows = inputs.replication.walsenders;
  const auto by_fields = [](const WalSender& a, const WalSender& b) {
    return std::tie(a.application_name, a.state) < std::tie(b.application_name, b.state);
  };
  std::sort(rows.begin(), rows.end(), by_fields);
  const auto expected = rank_standbys(inputs);
  while (std::next_permutation(rows.begin(), rows.end(), by_fields)) ASSERT_EQ(rank_standbys(inputs), expected);
}

TEST(RankStandbys, ChangesNothingMoreWhenNothingChanges) {
  std::mt19937 random(1);  // NOLINT: the same numbers in every run
  for (int round = 0; round < 5000; ++round) {
    SCOPED_TRACE(round);
    auto inputs = random_inputs(random);
    take_over(rank_standbys(inputs), inputs.current);
    ASSERT_EQ(rank_standbys(inputs), ScoreChanges{});
  }
}

TEST(RankStandbys, GivesNoTwoStandbysTheSamePromotableScore) {
  std::mt19937 random(2);  // NOLINT: the same numbers in every run
  for (int round = 0; round < 5000; ++round) {
    SCOPED_TRACE(round);
    auto inputs = random_inputs(random);
    take_over(rank_standbys(inputs), inputs.current);
    std::set<cluster::PromotionScore> seen;
    for (const auto& [node, score] : inputs.current) {
      if (score.value_or(-1) < 0) continue;
      ASSERT_TRUE(seen.insert(*score).second) << node << " " << *score;
    }
    ASSERT_EQ(inputs.current.at("srv1"), 1001);
  }
}

TEST(RankStandbys, DoesNotCountWhatAStandbyIsNotAboutToReplay) {
  auto delayed = streaming("srv2");
  delayed.replayed = Lsn{kHere - 17 * kMegabyte};
  EXPECT_EQ(rank_standbys(inputs_with({delayed, streaming("srv3")}, 1000, 990)),
            (ScoreChanges{{"srv2", 990}, {"srv3", 1000}}));
  delayed.replayed = Lsn{kHere - 15 * kMegabyte};
  EXPECT_EQ(rank_standbys(inputs_with({delayed, streaming("srv3")}, 1000, 990)), ScoreChanges{});
}

TEST(RankStandbys, PutsTheStandbyFirstThatCommitsWaitFor) {
  auto synchronous = streaming("srv3", kHere - kMegabyte);
  synchronous.synchronous = true;
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2"), synchronous}, 1000, 990)),
            (ScoreChanges{{"srv2", 990}, {"srv3", 1000}}));
  EXPECT_EQ(rank_standbys(inputs_with({streaming("srv2"), synchronous}, 990, 1000)), ScoreChanges{});
}

}  // namespace
}  // namespace pgsqlms::decision
