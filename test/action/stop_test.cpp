// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <algorithm>

#include "bench.hpp"
#include "fake/printing.hpp"
#include "pgsqlms/cluster/cluster.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using ocf::Action;
using ocf::ReturnCode;

TEST(Stop, SucceedsWhereNoServerRunsWhateverPgControlSays) {
  for (const auto state : {InstanceState::Stopped, InstanceState::CrashedPrimary, InstanceState::CrashedStandby,
                           InstanceState::Damaged, InstanceState::Absent}) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Node srv1(world, "srv1", state);
    const auto answer = srv1.act(Action::Stop);
    EXPECT_EQ(answer.code, ReturnCode::Success) << answer.reason;
    EXPECT_EQ(srv1.instance.orders, Orders{});
  }
}

TEST(Stop, StopsARunningServerWhateverItsState) {
  for (const auto state : {InstanceState::Primary, InstanceState::Standby, InstanceState::Transitional,
                           InstanceState::Unresponsive, InstanceState::Unreachable}) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Node srv1(world, "srv1", state);
    EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
    EXPECT_EQ(srv1.instance.orders, Orders{"stop"});
    EXPECT_FALSE(srv1.instance.postmaster);
  }
}

TEST(Stop, AsksNothingOfTheServerBeforeItStopsIt) {
  World world;
  Node srv1(world, "srv1", InstanceState::Unresponsive);
  static_cast<void>(srv1.act(Action::Stop));
  EXPECT_LT(srv1.took(), std::chrono::seconds(1));
  for (const auto& question : srv1.instance.questions) EXPECT_EQ(question, "processes");
}

TEST(Stop, NeedsNoCluster) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  world.cluster.fails = true;
  EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.calls, 0);
}

constexpr int kPid = 812;

pg::Holder holder_of(pg::HolderKind kind) { return {kind, kPid, "somebody"}; }

TEST(Stop, EndsAConsumerThatHoldsUpTheShutdown) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.holders = {holder_of(pg::HolderKind::Consumer)};
  EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, (Orders{"stop", "ask to end 812"}));
  EXPECT_TRUE(world.log.has("warning", "somebody, pid 812"));
  EXPECT_LT(srv1.took(), std::chrono::seconds(12));
}

TEST(Stop, NamesNobodyAsEndedButTheConsumer) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.holders = {holder_of(pg::HolderKind::Consumer), {pg::HolderKind::WalSender, kPid + 1, "a standby"}};
  EXPECT_EQ(srv1.act(Action::Stop).reason,
            "the server did not stop in time (fast shutdown), it waits for a standby, pid 813");
  EXPECT_EQ(srv1.instance.orders, (Orders{"stop", "ask to end 812"}));
  EXPECT_TRUE(world.log.has("warning", "it is ended: somebody, pid 812"));
  EXPECT_FALSE(world.log.has("warning", "a standby"));
}

TEST(Stop, EndsTheArchiverOnceNothingElseIsLeft) {
  for (const bool is_immortal : {false, true}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Primary);
    srv1.instance.holders = {holder_of(pg::HolderKind::Archiver)};
    srv1.instance.has_immortal_archiver = is_immortal;
    srv1.instance.stop_takes = std::chrono::seconds(14);
    EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
    EXPECT_EQ(srv1.instance.orders, is_immortal ? (Orders{"stop", "ask to end 812", "abandon archiving"})
                                                : (Orders{"stop", "ask to end 812"}));
    EXPECT_EQ(srv1.instance.control->state, pg::DbState::ShutDown) << "not a moment before";
    EXPECT_GE(srv1.took(), std::chrono::seconds(19)) << "its own time begins when it is alone";
    EXPECT_LE(srv1.took(), std::chrono::seconds(26));
    EXPECT_TRUE(world.log.has("warning", "44 WAL segments are left unarchived"));
  }
}

TEST(Stop, WaitsForStandbysAndSaysSo) {
  for (const auto kind : {pg::HolderKind::WalSender, pg::HolderKind::Session}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Primary);
    srv1.instance.holders = {holder_of(kind), holder_of(pg::HolderKind::Archiver)};
    EXPECT_EQ(srv1.act(Action::Stop).reason,
              "the server did not stop in time (fast shutdown), it waits for somebody, pid 812");
    EXPECT_EQ(srv1.instance.orders, Orders{"stop"});
  }
}

TEST(Stop, AsksNobodyWhomItWaitsForWhileItIsQuick) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.stop_takes = std::chrono::seconds(9);
  EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
  EXPECT_EQ(std::count(srv1.instance.questions.begin(), srv1.instance.questions.end(), "shutdown_progress"), 0);
}

/// The attributes of the last primary's end after a stop of srv1 in that transition.
cluster::AttributeTable published_by_stop(Node& srv1, World& world,
                                          std::initializer_list<std::pair<std::string, std::string>> lists) {
  srv1.set_transition(lists);
  const auto answer = srv1.act(Action::Stop);
  EXPECT_EQ(answer.code, ReturnCode::Success) << answer.reason;
  return world.cluster.published(cluster::PrivateAttribute::ShutdownCheckpoint);
}

TEST(Stop, PublishesTheEndOfAPrimaryWhoseDemotionRanOutOfTime) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.stop_takes = std::chrono::seconds(80);
  srv1.set_transition({{"active", "srv1 srv2"}, {"promoted", "srv1"}, {"demote", "srv1"}, {"promote", "srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).reason, "the server did not stop in time (fast shutdown)");
  srv1.instance.stop_takes = std::chrono::seconds(10);
  // To Pacemaker an instance whose demotion failed is unpromoted.
  EXPECT_EQ(published_by_stop(srv1, world, {{"active", "srv1 srv2"}, {"unpromoted", "srv1 srv2"}, {"stop", "srv1"}}),
            (cluster::AttributeTable{{"srv1", "1#50331648###7"}}));
}

TEST(Stop, TakesTheScoreOfAPrimaryBesideWhichAnotherHasThePrimarysScore) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  world.cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
  EXPECT_TRUE(published_by_stop(srv1, world, {{"unpromoted", "srv1 srv3"}, {"stop", "srv1"}}).empty());
  EXPECT_EQ(world.cluster.scores.at("srv1"), -1000);
  EXPECT_EQ(world.cluster.scores.at("srv3"), 990);
}

TEST(Stop, PublishesTheEndOfAPrimaryThatNobodyDemoted) {
  for (const auto* promoted : {" ", "srv1", "srv1 srv1"}) {
    SCOPED_TRACE(promoted);
    World world;
    Node srv1(world, "srv1", InstanceState::Primary);
    EXPECT_EQ(published_by_stop(srv1, world, {{"promoted", promoted}, {"stop", "srv1"}}).count("srv1"), 1U);
  }
}

TEST(Stop, PublishesTheEndOfAPrimaryThatWasStoppedBefore) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.instance.be_stopped_with(pg::DbState::ShutDown);
  EXPECT_EQ(published_by_stop(srv1, world, {{"unpromoted", "srv1"}, {"stop", "srv1"}}).count("srv1"), 1U);
}

TEST(Stop, PublishesNothingASecondTimeAfterADemotion) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"stop", "srv1"}});
  static_cast<void>(srv1.act(Action::Demote));
  world.cluster.writes.clear();
  srv1.instance.questions.clear();
  EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.writes, Orders{});
  for (const auto& question : srv1.instance.questions) EXPECT_EQ(question, "processes");
}

TEST(Stop, OfAStandbyBesideAPrimaryAsksAndPublishesNothing) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  world.cluster.fails = true;
  EXPECT_TRUE(published_by_stop(srv1, world, {{"promoted", "srv2"}, {"unpromoted", "srv1"}, {"stop", "srv1"}}).empty());
  for (const auto& question : srv1.instance.questions) EXPECT_EQ(question, "processes");
}

TEST(Stop, PublishesNothingOfAStandbyOrOfACrashedPrimaryOrBesideAnotherPrimary) {
  struct Row {
    InstanceState state;
    const char* promoted;
  };
  for (const auto& row : {Row{InstanceState::Standby, " "}, Row{InstanceState::CrashedPrimary, "srv1"},
                          Row{InstanceState::Primary, "srv2"}, Row{InstanceState::Primary, "srv1 srv2"}}) {
    SCOPED_TRACE(std::string(answer_of(row.state).name) + ", promoted: " + row.promoted);
    World world;
    Node srv1(world, "srv1", row.state);
    EXPECT_TRUE(published_by_stop(srv1, world, {{"promoted", row.promoted}, {"stop", "srv1"}}).empty());
  }
}

TEST(Stop, SucceedsInTimeThoughTheEndCannotBePublished) {
  for (const bool hangs : {false, true}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Primary);
    world.cluster.fails = !hangs;
    world.cluster.latency = fake::kNever;
    EXPECT_TRUE(published_by_stop(srv1, world, {{"promoted", "srv1"}, {"stop", "srv1"}}).empty());
    EXPECT_LT(srv1.took(), std::chrono::seconds(9));
    EXPECT_TRUE(world.log.has("error", "shutdown checkpoint not published"));
  }
}

TEST(Stop, EndsWhatOutlivedTheirPostmaster) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  srv1.instance.orphans = 2;
  EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orphans, 0U);
}

TEST(Stop, FailsWhileAProcessIsLeft) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  srv1.instance.orphans = 2;
  srv1.instance.has_immortal_orphans = true;
  const auto answer = srv1.act(Action::Stop);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_NE(answer.reason.find("2 server processes are left"), std::string::npos) << answer.reason;
  EXPECT_LT(srv1.took(), std::chrono::seconds(60));
}

TEST(Stop, OfAServerThatHangsEndsInTimeWithAReason) {
  for (const auto state : {InstanceState::Primary, InstanceState::Standby, InstanceState::Unresponsive}) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Node srv1(world, "srv1", state);
    srv1.instance.stop_takes = fake::kNever;
    const auto answer = srv1.act(Action::Stop);
    EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
    EXPECT_EQ(answer.reason, "the server did not stop in time (fast shutdown)");
    EXPECT_LT(srv1.took(), std::chrono::seconds(60));
    EXPECT_GT(srv1.took(), std::chrono::seconds(50)) << "a slow shutdown is given all of the time but a margin";
  }
}

TEST(Stop, FailsWhereTheServerWorksInAnotherDirectory) {
  World world;
  Node srv1(world, "srv1", InstanceState::Misplaced);
  const auto answer = srv1.act(Action::Stop);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason,
            "not stopped: the server of this instance works in another directory than datadir: \"/srv/other\"");
  EXPECT_EQ(srv1.instance.orders, Orders{});
}

TEST(Stop, WaitsForAServerThatTakesItsTime) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.stop_takes = std::chrono::seconds(50);
  EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
}

TEST(Stop, StaysStoppedTheSecondTime) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  static_cast<void>(srv1.act(Action::Stop));
  EXPECT_EQ(srv1.act(Action::Stop).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{"stop"});
}

}  // namespace
}  // namespace pgsqlms::action
