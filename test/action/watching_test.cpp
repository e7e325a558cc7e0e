// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/watching.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench.hpp"
#include "fake/printing.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using ocf::Action;
using ocf::ReturnCode;

constexpr InstanceState kRunning[] = {InstanceState::Primary, InstanceState::Standby};
constexpr InstanceState kNotRunning[] = {InstanceState::Stopped, InstanceState::CrashedPrimary,
                                         InstanceState::CrashedStandby, InstanceState::Damaged, InstanceState::Absent};

/// A node whose instance is to be watched, called as by a monitor that recurs.
struct Watched : Node {
  Watched(World& world, InstanceState state) : Node(world, "srv1", state) {
    set("watch", "true");
    set("CRM_meta_interval", "15000");
  }
};

/// The cluster knows of nothing but an instance that runs and is managed.
void expect_nothing(World& world) {
  auto& status = world.cluster.statuses["srv1"];
  status.online = true;
  status.instance.emplace();
  status.instance->managed = true;
}

TEST(Watching, IsOffWithoutTheParameter) {
  for (const auto* value : {"", "false", "no", "0", "perhaps"}) {
    SCOPED_TRACE(value);
    World world;
    Watched srv1(world, InstanceState::Standby);
    srv1.set("watch", value);
    EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::Success);
    EXPECT_FALSE(srv1.watcher.there);
  }
}

TEST(Watching, IsSeenToByAMonitorThatFindsTheInstanceRunning) {
  for (const auto state : kRunning) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Watched srv1(world, state);
    EXPECT_EQ(srv1.act(Action::Monitor).code, decision::answer_of(state).monitor);
    EXPECT_TRUE(srv1.watcher.there);
    EXPECT_EQ(srv1.act(Action::Monitor).code, decision::answer_of(state).monitor);
    EXPECT_EQ(srv1.instance.orders, Orders{"watch"});
  }
}

TEST(Watching, IsNoBusinessOfAProbe) {
  for (const auto state : kRunning) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Watched srv1(world, state);
    srv1.set("CRM_meta_interval", "0");
    EXPECT_EQ(srv1.act(Action::Monitor).code, decision::answer_of(state).probe);
    EXPECT_EQ(srv1.instance.orders, Orders{});
  }
}

TEST(Watching, DoesNotBeginWhereNoServerRuns) {
  for (const auto state : kNotRunning) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Watched srv1(world, state);
    EXPECT_EQ(srv1.act(Action::Monitor).code, decision::answer_of(state).monitor);
    EXPECT_EQ(srv1.instance.orders, Orders{});
  }
}

TEST(Watching, BeginsWithTheStartAndLastsThroughThePromotion) {
  World world;
  Watched srv1(world, InstanceState::Stopped);
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders.back(), "watch");
  EXPECT_EQ(srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_TRUE(srv1.watcher.there);
  EXPECT_EQ(std::count(srv1.instance.orders.begin(), srv1.instance.orders.end(), "watch"), 1);
}

TEST(Watching, EndsBeforeTheServerIsStopped) {
  for (const auto action : {Action::Stop, Action::Demote}) {
    SCOPED_TRACE(ocf::spec_of(action).name);
    World world;
    Watched srv1(world, InstanceState::Primary);
    srv1.watcher.there = true;
    EXPECT_EQ(srv1.act(action).code, ReturnCode::Success);
    ASSERT_GE(srv1.instance.orders.size(), 2U);
    EXPECT_EQ(srv1.instance.orders[0], "unwatch");
    EXPECT_EQ(srv1.instance.orders[1], "stop");
    EXPECT_EQ(srv1.watcher.there, action == Action::Demote) << "the standby that a demotion leaves is watched again";
  }
}

TEST(Watching, EndsWithTheInstanceAlsoWhenTheParameterWasTakenBackOrTheServerIsGone) {
  for (const auto action : {Action::Stop, Action::Demote}) {
    SCOPED_TRACE(ocf::spec_of(action).name);
    World world;
    Watched srv1(world, InstanceState::CrashedPrimary);
    srv1.set("watch", "false");
    srv1.set_transition({{"demote", "srv1"}, {"stop", "srv1"}});
    srv1.watcher.there = true;
    EXPECT_EQ(srv1.act(action).code, ReturnCode::Success);
    EXPECT_FALSE(srv1.watcher.there);
  }
}

TEST(Watching, EndsWithTheFirstMonitorAfterTheParameterWasTakenBack) {
  World world;
  Watched srv1(world, InstanceState::Standby);
  srv1.watcher.there = true;
  srv1.set("watch", "false");
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{"unwatch"});
}

TEST(Watching, ChangesNoAnswerWhenItFails) {
  for (const auto action : {Action::Monitor, Action::Start, Action::Promote, Action::Demote, Action::Stop}) {
    SCOPED_TRACE(ocf::spec_of(action).name);
    World world;
    Watched srv1(world, InstanceState::Standby);
    srv1.watcher.there = action == Action::Demote || action == Action::Stop;
    srv1.watcher.fails = true;
    EXPECT_EQ(srv1.act(action).code, ReturnCode::Success);
    EXPECT_TRUE(world.log.has("warning", action == Action::Stop ? "4711" : "watch"));
  }
}

TEST(ReportDeath, TellsTheClusterOnce) {
  World world;
  Watched srv1(world, InstanceState::CrashedPrimary);
  expect_nothing(world);
  srv1.report_death();
  EXPECT_EQ(world.cluster.writes, Orders{"failure srv1"});
  EXPECT_EQ(srv1.instance.orders, Orders{}) << "it restarts nothing";
}

TEST(ReportDeath, IsSilentAndSaysWhyWhereTheClusterHasItsReasons) {
  World world;
  Watched srv1(world, InstanceState::CrashedPrimary);
  expect_nothing(world);
  world.cluster.statuses["srv1"].instance->managed = false;
  srv1.report_death();
  EXPECT_EQ(world.cluster.writes, Orders{});
  EXPECT_TRUE(world.log.has("info", "not managed"));
}

TEST(ReportDeath, AsksTheClusterNothingWhereAServerAnswersAgain) {
  for (const auto state : {InstanceState::Primary, InstanceState::Standby, InstanceState::Transitional}) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Watched srv1(world, state);
    expect_nothing(world);
    srv1.report_death();
    EXPECT_EQ(world.cluster.calls, 0);
  }
}

TEST(ReportDeath, LeavesItToTheMonitorsWhereTheClusterDoesNotAnswer) {
  World world;
  Watched srv1(world, InstanceState::CrashedPrimary);
  expect_nothing(world);
  world.cluster.fails = true;
  srv1.report_death();
  EXPECT_EQ(world.cluster.writes, Orders{});
  EXPECT_TRUE(world.log.has("warning", "left to the next monitor"));
}

}  // namespace
}  // namespace pgsqlms::action
