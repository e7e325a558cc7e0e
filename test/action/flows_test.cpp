// SPDX-License-Identifier: PostgreSQL
// Transitions of a whole cluster, replayed call by call as a real Pacemaker made them.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench.hpp"
#include "fake/printing.hpp"
#include "fake/recorded.hpp"
#include "pgsqlms/cluster/cluster.hpp"

namespace pgsqlms::action {
namespace {

using cluster::PrivateAttribute;
using decision::InstanceState;
using ocf::Action;
using ocf::ReturnCode;

/// Three nodes whose standbys stream from whoever has the most WAL.
struct ThreeNodes : World {
  ThreeNodes(InstanceState first, InstanceState second, InstanceState third)
      : srv1(*this, "srv1", first), srv2(*this, "srv2", second), srv3(*this, "srv3", third) {}

  Node& node(const std::string& name) { return name == "srv1" ? srv1 : name == "srv2" ? srv2 : srv3; }

  void stream() {
    const auto& most = std::max({srv1.instance.position, srv2.instance.position, srv3.instance.position});
    for (auto* each : {&srv1, &srv2, &srv3}) {
      if (frozen.count(each->name) > 0 || !each->instance.postmaster || each->instance.primary) continue;
      each->instance.position = most;
    }
  }

  /// A recorded call on the node in its name, "NN-node-action.env".
  ocf::Answer replay(const std::string& call) {
    const auto name = call.substr(call.find('/') + 4, 4);
    auto answer = node(name).replay(call);
    stream();
    return answer;
  }

  /// All calls of a transition. Every one but a monitor must succeed.
  void replay_all(const std::string& transition) {
    for (const auto& call : fake::recorded_calls(transition)) {
      SCOPED_TRACE(call);
      const auto answer = replay(call);
      if (call.find("-monitor") != std::string::npos) continue;
      ASSERT_EQ(answer.code, ReturnCode::Success) << answer.reason;
    }
  }

  [[nodiscard]] bool has_private_attributes() const {
    return !cluster.published(PrivateAttribute::Vote).empty() ||
           !cluster.published(PrivateAttribute::ShutdownCheckpoint).empty();
  }

  Node srv1;
  Node srv2;
  Node srv3;
  std::set<std::string> frozen;  ///< nodes whose walreceiver hangs
};

TEST(RecoveryInPlace, OfACrashedPrimaryCostsOneStartAndNoMomentOfReadWrite) {
  ThreeNodes world(InstanceState::CrashedPrimary, InstanceState::Standby, InstanceState::Standby);
  world.cluster.scores = {{"srv1", 1001}, {"srv2", 1000}, {"srv3", 990}};
  ASSERT_NO_FATAL_FAILURE(world.replay_all("primary-crash-srv1-recovered-in-place"));
  EXPECT_EQ(world.srv1.instance.orders, (Orders{"configure as standby", "start", "promote"}));
  EXPECT_FALSE(world.srv1.instance.was_started_read_write);
  EXPECT_TRUE(world.srv1.instance.primary);
  EXPECT_FALSE(world.has_private_attributes());
}

TEST(RecoveryInPlace, OfACrashedPrimaryTouchesNoStandby) {
  ThreeNodes world(InstanceState::CrashedPrimary, InstanceState::Standby, InstanceState::Standby);
  ASSERT_NO_FATAL_FAILURE(world.replay_all("primary-crash-srv1-recovered-in-place"));
  EXPECT_EQ(world.srv2.instance.orders, Orders{});
  EXPECT_EQ(world.srv3.instance.orders, Orders{});
}

TEST(RecoveryInPlace, OfACrashedPrimaryBeginsWithAFailedMonitor) {
  ThreeNodes world(InstanceState::CrashedPrimary, InstanceState::Standby, InstanceState::Standby);
  const auto answer = world.replay("primary-crash-srv1-recovered-in-place/01-srv1-monitor.env");
  EXPECT_EQ(answer.code, ReturnCode::FailedPromoted);
}

TEST(RecoveryInPlace, OfACrashedStandbyRestartsItAlone) {
  ThreeNodes world(InstanceState::Primary, InstanceState::CrashedStandby, InstanceState::Standby);
  ASSERT_NO_FATAL_FAILURE(world.replay_all("standby-crash-srv2"));
  EXPECT_EQ(world.srv2.instance.orders, (Orders{"configure as standby", "start"}));
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
  EXPECT_EQ(world.srv3.instance.orders, Orders{});
  EXPECT_FALSE(world.has_private_attributes());
}

TEST(Switchover, ExchangesTheRoles) {
  ThreeNodes world(InstanceState::Standby, InstanceState::Primary, InstanceState::Standby);
  ASSERT_NO_FATAL_FAILURE(world.replay_all("switchover-srv2-to-srv1"));
  EXPECT_EQ(world.srv2.instance.orders, (Orders{"checkpoint", "stop", "configure as standby", "start"}));
  EXPECT_EQ(world.srv1.instance.orders, Orders{"promote"});
  EXPECT_EQ(world.srv3.instance.orders, Orders{});
  EXPECT_TRUE(world.srv1.instance.primary);
  EXPECT_FALSE(world.srv2.instance.primary);
  EXPECT_FALSE(world.has_private_attributes());
}

TEST(Switchover, GivesTheNewPrimaryTheHighestScore) {
  ThreeNodes world(InstanceState::Standby, InstanceState::Primary, InstanceState::Standby);
  world.cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
  const auto here = world.srv1.instance.position.lsn;
  world.srv1.instance.replication = {here, std::nullopt, {{"srv2", "streaming", here}, {"srv3", "streaming", here}}};
  ASSERT_NO_FATAL_FAILURE(world.replay_all("switchover-srv2-to-srv1"));
  EXPECT_EQ(world.cluster.scores, (cluster::ScoreTable{{"srv1", 1001}, {"srv2", 1000}, {"srv3", 990}}));
}

TEST(Switchover, ToAStandbyThatMissedTheLastRecordGoesBackToTheFormerPrimary) {
  ThreeNodes world(InstanceState::Standby, InstanceState::Primary, InstanceState::Standby);
  world.cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
  world.cluster.constraints["srv1"] = cluster::kInfinity;
  world.frozen = {"srv1"};
  for (const auto& call : fake::recorded_calls("switchover-srv2-to-srv1")) {
    if (call.find("/11-") != std::string::npos) break;  // the promotion that Pacemaker gives up
    static_cast<void>(world.replay(call));
  }
  EXPECT_EQ(world.cluster.scores["srv1"], cluster::kForbiddenScore) << "a constraint wanted it, srv2 had more";
  EXPECT_EQ(world.cluster.scores["srv2"], 1001);
  EXPECT_EQ(world.replay("switchover-srv2-to-srv1/12-srv1-promote.env").code, ReturnCode::ErrGeneric);
  EXPECT_FALSE(world.srv1.instance.primary);

  world.srv2.set_transition({{"active", "srv1 srv2 srv3"}, {"unpromoted", "srv1 srv2 srv3"}, {"promote", "srv2"}});
  static_cast<void>(world.srv2.be_notified("pre", "promote"));
  EXPECT_EQ(world.srv2.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_TRUE(world.srv2.instance.primary);
}

TEST(Failover, GoesToTheBetterStandbyWithoutAFailedAction) {
  ThreeNodes world(InstanceState::Standby, InstanceState::CrashedPrimary, InstanceState::Standby);
  world.cluster.scores = {{"srv1", 1000}, {"srv2", -1000}, {"srv3", 990}};
  world.cluster.leave("srv2");
  world.srv3.instance.position.lsn.bytes += 100;
  const auto plan = [&](const std::string& candidate) {
    for (auto* node : {&world.srv3, &world.srv1}) {
      node->set_transition({{"active", "srv1 srv3"}, {"unpromoted", "srv1 srv3"}, {"promote", candidate}});
    }
  };
  plan("srv1");
  static_cast<void>(world.srv3.be_notified("pre", "promote"));
  static_cast<void>(world.srv1.be_notified("pre", "promote"));
  EXPECT_GT(world.cluster.scores["srv3"], world.cluster.scores["srv1"]);

  plan("srv3");  // what Pacemaker computes from the changed scores
  static_cast<void>(world.srv1.be_notified("pre", "promote"));
  static_cast<void>(world.srv3.be_notified("pre", "promote"));
  EXPECT_EQ(world.srv3.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_TRUE(world.srv3.instance.primary);
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
}

TEST(FirstStart, PromotesTheFormerPrimaryAmongItsCopies) {
  ThreeNodes world(InstanceState::Stopped, InstanceState::Stopped, InstanceState::Stopped);
  world.srv2.instance.be_stopped_with(pg::DbState::ShutDown);
  world.srv2.instance.position.lsn.bytes += fake::kShutdownRecord;
  for (auto* node : {&world.srv1, &world.srv2, &world.srv3}) {
    node->set_transition({{"start", "srv1 srv2 srv3"}});
    EXPECT_EQ(node->act(Action::Start).code, ReturnCode::Success);
  }
  EXPECT_EQ(world.cluster.scores, (cluster::ScoreTable{{"srv1", std::nullopt}, {"srv2", 1}, {"srv3", std::nullopt}}));
  for (auto* node : {&world.srv1, &world.srv3, &world.srv2}) {
    node->set_transition({{"active", "srv1 srv2 srv3"}, {"unpromoted", "srv1 srv2 srv3"}, {"promote", "srv2"}});
    static_cast<void>(node->be_notified("pre", "promote"));
  }
  EXPECT_EQ(world.srv2.act(Action::Promote).code, ReturnCode::Success);
}

}  // namespace
}  // namespace pgsqlms::action
