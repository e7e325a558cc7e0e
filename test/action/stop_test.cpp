// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "bench.hpp"
#include "fake/printing.hpp"

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
