// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "bench.hpp"
#include "fake/printing.hpp"
#include "pgsqlms/cluster/cluster.hpp"

namespace pgsqlms::action {
namespace {

using cluster::PrivateAttribute;
using decision::InstanceState;
using ocf::Action;
using ocf::ReturnCode;
using pg::DbState;

const Orders kRestartedAsStandby = {"stop", "configure as standby", "start"};

TEST(Demote, RestartsAPrimaryAsAStandby) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, kRestartedAsStandby);
  EXPECT_FALSE(srv1.instance.primary);
  EXPECT_FALSE(srv1.instance.was_started_read_write);
}

TEST(Demote, TakesNoScore) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.scores.at("srv1"), std::nullopt) << "a former primary takes one at its start only";
}

TEST(Demote, PublishesWhereTheDemotedPrimarysWalEnds) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.position = {7, {0x303A4D0}};
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"promote", "srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).at("srv1"), "7#50570448###7");
}

TEST(Demote, PublishesWhereAPrimaryThatCouldNotBeReachedEnds) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.contact = pg::Contact::NotYet;
  srv1.instance.position = {7, {0x303A4D0}};
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"promote", "srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).at("srv1"), "7#50570448###7");
}

TEST(Demote, PublishesNothingWhenCalledByHand) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).empty()) << "nobody would take it back";
}

TEST(Demote, PublishesNothingOfAPrimaryBesideTheOneThatStays) {
  // srv1 was promoted by hand while srv2 is the primary.
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"promoted", "srv1 srv2"}, {"demote", "srv1"}, {"stop", "srv1"}, {"start", "srv1"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).empty()) << "nobody would take it back";
}

TEST(Demote, PublishesTheEndOfAPrimaryThatSomebodyHasStopped) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.instance.be_stopped_with(DbState::ShutDown);
  srv1.instance.control->checkpoint = pg::Lsn{0x303A4D0};
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"stop", "srv1"}, {"promote", "srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).at("srv1"), "1#50570448###7");
}

TEST(Demote, PublishesTheEndAlsoWherePacemakerListsItsInstanceTwice) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"promoted", "srv1 srv1"}, {"demote", "srv1"}, {"promote", "srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).count("srv1"), 1U);
}

TEST(Demote, PublishesNothingOfAStandbyThatWasStopped) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"stop", "srv1"}, {"promote", "srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).empty());
}

// srv1 was promoted by hand; the primary's node is in standby.
TEST(Demote, PublishesNothingOfAPrimaryBesideWhichAnotherHasThePrimarysScore) {
  for (const auto* stop : {" ", "srv1"}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Primary);
    world.cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
    srv1.set_transition({{"unpromoted", "srv1"}, {"demote", "srv1"}, {"stop", stop}, {"promote", "srv3"}});
    EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
    EXPECT_TRUE(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).empty());
    EXPECT_TRUE(world.log.has("warning", "srv1 ran as a primary, but srv2 has the primary's promotion score"));
    EXPECT_EQ(world.cluster.scores.at("srv1"), -1000) << "it did not follow the last primary to its end";
    EXPECT_EQ(world.cluster.scores.at("srv3"), 990);
  }
}

TEST(Demote, NamesThePrimaryBesideWhichItRan) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"promoted", "srv1 srv2"}, {"demote", "srv1"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_TRUE(world.log.has("warning", "srv1 ran as a primary beside srv2, with which the cluster goes on"));
}

TEST(Demote, RestartsAStandbyWhosePromotionMayBePending) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.promotion_takes = std::chrono::seconds(90);  // its startup process is frozen
  srv1.set_transition({{"active", "srv1"}, {"unpromoted", "srv1"}, {"promote", "srv1"}});
  world.cluster.publish(PrivateAttribute::Vote, "srv1", "1#50331648");
  EXPECT_EQ(srv1.act(Action::Promote).reason, "out of time while it was promoted");

  srv1.set_transition({{"active", "srv1"}, {"promoted", "srv1"}, {"demote", "srv1"}});  // on-fail=demote
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, (Orders{"promote", "stop", "configure as standby", "start"}));
  world.clock.sleep(std::chrono::seconds(90));
  static_cast<void>(srv1.instance.processes());
  EXPECT_FALSE(srv1.instance.primary);
}

TEST(Demote, LeavesAStandbyStoppedWhereAStopFollows) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"stop", "srv1"}, {"start", "srv1"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{"stop"});
}

TEST(Demote, DoesNotStartWhatTheTransitionStopsHere) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"stop", "srv1"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{"stop"});
  EXPECT_EQ(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).count("srv1"), 1U);
}

TEST(Demote, StartsWhatTheTransitionStopsElsewhere) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"stop", "srv10 srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, kRestartedAsStandby);
}

TEST(Demote, OfACrashedPrimaryStartsItAsAStandby) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  srv1.instance.orphans = 1;
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, (Orders{"end orphans", "configure as standby", "start"}));
  EXPECT_FALSE(srv1.instance.was_started_read_write);
}

TEST(Demote, OfACrashedPrimaryStartsNothingWhereAStopFollows) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  const auto answer = srv1.replay("primary-crash-srv1-recovered-in-place/06-srv1-demote.env");
  EXPECT_EQ(answer.code, ReturnCode::Success) << answer.reason;
  EXPECT_EQ(srv1.instance.orders, Orders{});
}

TEST(Demote, TakesDownAServerThatTellsNoRole) {
  for (const auto state : {InstanceState::Transitional, InstanceState::Unresponsive}) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Node srv1(world, "srv1", state);
    const auto answer = srv1.act(Action::Demote);
    EXPECT_EQ(answer.code, ReturnCode::Success) << answer.reason;
    EXPECT_EQ(srv1.instance.orders, kRestartedAsStandby);
  }
}

TEST(Demote, TakesDownAFullPrimary) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.contact = pg::Contact::Saturated;
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"promote", "srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, kRestartedAsStandby);
  EXPECT_EQ(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).count("srv1"), 1U);
}

TEST(Demote, FailsWhereTheShutdownWasNotClean) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.stops_uncleanly = true;
  const auto answer = srv1.act(Action::Demote);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason, "the primary was not shut down cleanly, pg_control says: in production");
  EXPECT_EQ(srv1.instance.orders, Orders{"stop"});
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).empty());
}

TEST(Demote, SucceedsThoughTheShutdownCheckpointCannotBePublished) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  world.cluster.fails = true;
  srv1.set_transition({{"promoted", "srv1"}, {"demote", "srv1"}, {"promote", "srv2"}});
  EXPECT_EQ(srv1.act(Action::Demote).code, ReturnCode::Success);
  EXPECT_TRUE(world.log.has("error", "shutdown checkpoint not published"));
}

TEST(Demote, EndsInTimeWhereTheServerDoesNotStop) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.stop_takes = fake::kNever;
  const auto answer = srv1.act(Action::Demote);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason, "the server did not stop in time (fast shutdown)");
  EXPECT_LT(srv1.took(), std::chrono::seconds(60));
}

TEST(Demote, IsRefusedWhereThereIsNothingToDemote) {
  for (const auto state : {InstanceState::Absent, InstanceState::Damaged}) {
    World world;
    Node srv1(world, "srv1", state);
    const auto answer = srv1.act(Action::Demote);
    EXPECT_EQ(answer.code, ReturnCode::ErrGeneric) << state;
    EXPECT_EQ(answer.reason.find("demote refused"), 0U) << answer.reason;
  }
}

}  // namespace
}  // namespace pgsqlms::action
