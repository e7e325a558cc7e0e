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
using std::chrono_literals::operator""s;

constexpr const char* kSwitchover = "switchover-srv2-to-srv1/12-srv1-promote.env";

/// srv1 is to take over from srv2, which is lost; srv3 is the other standby.
struct Failover : World {
  explicit Failover(InstanceState state = InstanceState::Standby) : srv1(*this, "srv1", state) {
    srv1.set_transition({{"active", "srv1 srv2 srv3"},
                         {"promoted", "srv2"},
                         {"unpromoted", "srv1 srv3"},
                         {"demote", "srv2"},
                         {"stop", "srv2"},
                         {"promote", "srv1"}});
    cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
    cluster.leave("srv2");
  }

  void vote(const std::string& node, const std::string& position, Duration delay = {}) {
    cluster.publish(PrivateAttribute::Vote, node, position, delay);
  }

  Node srv1;
};

/// srv2 was demoted and runs as a standby, srv1 is to take over.
struct Switchover : World {
  Switchover() {
    for (const auto* node : {"srv1", "srv2", "srv3"}) {
      cluster.publish(PrivateAttribute::Vote, node, published_form(srv1.instance.position));
    }
    cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
  }

  Node srv1{*this, "srv1", InstanceState::Standby};
};

TEST(Promote, MakesAStandbyThatTakesNoSessionsThePrimary) {
  Failover world(InstanceState::Pending);
  auto& srv1 = world.srv1;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#99");
  EXPECT_EQ(srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{"promote"});
  EXPECT_TRUE(srv1.instance.primary);
}

TEST(Promote, CountsTheSynchronousStandbysThoughTheCandidateTakesNoSessions) {
  Failover world(InstanceState::Pending);
  auto& srv1 = world.srv1;
  srv1.instance.synchronous = "ANY 1 (srv1, srv2, srv3)";
  world.cluster.leave("srv3");
  world.vote("srv1", "1#100");
  EXPECT_NE(srv1.act(Action::Promote).code, ReturnCode::Success) << "srv3 may have more";
  EXPECT_EQ(srv1.instance.orders, Orders{});
}

TEST(Promote, GivesAHangingArchiveUp) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#99");
  world.srv1.instance.restore_command_runs = 10s;
  world.srv1.instance.words = "the startup process waits for \"scp archive:x\", pid 7, since 10 s";
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(world.srv1.instance.orders, (Orders{"promote", "stop", "configure as standby", "start", "promote"}));
  EXPECT_TRUE(world.srv1.instance.primary);
  EXPECT_TRUE(world.srv1.instance.is_overridden("restore_command"));
  EXPECT_TRUE(world.log.has("warning", "waits for \"scp archive:x\", pid 7, since 10 s: the standby is restarted"));
}

TEST(Promote, WaitsForAnArchiveThatIsSlow) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#99");
  world.srv1.instance.promotion_takes = 8s;
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(world.srv1.instance.orders, Orders{"promote"});
}

TEST(Promote, MakesTheNodeWithTheMostWalThePrimary) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#99");
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(world.srv1.instance.orders, Orders{"promote"});
  EXPECT_TRUE(world.srv1.instance.primary);
  EXPECT_EQ(world.cluster.writes, Orders{});
}

TEST(Promote, KeepsTheCandidateAmongEquals) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#100");
  world.cluster.scores["srv3"] = 1001;
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
}

TEST(Promote, RefusesWhereAnotherNodeHasMoreWal) {
  for (const auto* better : {"1#101", "2#101", "2#101#1:100"}) {
    SCOPED_TRACE(better);
    Failover world;
    world.vote("srv1", "1#100");
    world.vote("srv3", better);
    const auto answer = world.srv1.act(Action::Promote);
    EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
    EXPECT_EQ(answer.reason.find("not promoted: srv3 has more WAL"), 0U) << answer.reason;
    EXPECT_EQ(world.srv1.instance.orders, Orders{});
    EXPECT_EQ(world.cluster.writes, (Orders{"score srv1 1", "score srv3 1000"}));
  }
}

TEST(Promote, RefusesBesideARunningPrimary) {
  for (const auto* vote : {"1#99##primary", "1#200##primary", "2#200#1:100#primary"}) {
    SCOPED_TRACE(vote);
    Failover world;
    world.vote("srv1", "1#100");
    world.vote("srv3", vote);
    const auto answer = world.srv1.act(Action::Promote);
    EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
    EXPECT_NE(answer.reason.find("runs as a primary, so srv1 is not promoted: keep srv3, or stop it there first"),
              std::string::npos)
        << answer.reason;
    EXPECT_EQ(world.srv1.instance.orders, Orders{});
    EXPECT_EQ(world.cluster.writes, (Orders{"score srv1 1", "score srv3 1000"}));
  }
}

TEST(Promote, HasARunningPrimaryTakenDownWhoseWalDoesNotCount) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "2#300#1:60#primary");  // promoted by hand at 60 while the primary went on
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::ErrGeneric);
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
  EXPECT_EQ(world.cluster.writes, (Orders{"score srv3 -1000", "failure srv3"}));
}

// srv3 has been promoted by hand at 60 while the primary went on.
TEST(Promote, IsNotStoppedByADivergedNodeThatDidNotFollowTheLastPrimary) {
  for (const auto* diverged : {"2#300#1:60", "2#70", "3#300#2:200,1:60"}) {
    SCOPED_TRACE(diverged);
    Failover world;
    world.vote("srv1", "1#100");
    world.vote("srv3", diverged);
    world.cluster.scores["srv3"] = -1000;
    EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
    EXPECT_EQ(world.cluster.writes, Orders{});
    EXPECT_TRUE(world.log.has("warning", "srv3 did not stream from the last primary"));
  }
}

TEST(Promote, RefusesWhereNobodyCanTellWhichOfTwoDivergedNodesCounts) {
  for (const auto score : {0, 990, 1001}) {
    Failover world;
    world.vote("srv1", "1#100");
    world.vote("srv3", "2#300#1:60");
    world.cluster.scores["srv3"] = score;
    const auto answer = world.srv1.act(Action::Promote);
    EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
    EXPECT_EQ(answer.reason,
              "not promoted: srv3, 0/12C on timeline 2, and srv1, 0/64 on timeline 1, have diverged: each has WAL that "
              "the other lacks");
    EXPECT_EQ(world.srv1.instance.orders, Orders{});
    EXPECT_EQ(world.cluster.writes, Orders{});
  }
}

TEST(Promote, YieldsToADivergedNodeThatFollowedTheLastPrimaryWhereTheCandidateDidNot) {
  Failover world;
  world.vote("srv1", "2#300#1:60");
  world.vote("srv3", "1#100");
  world.cluster.scores["srv1"] = -1000;
  world.cluster.constraints["srv1"] = cluster::kInfinity;
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::ErrGeneric);
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
  EXPECT_EQ(world.cluster.writes, (Orders{"score srv1 -INFINITY", "score srv3 1000"}));
}

TEST(Promote, WaitsForALateVote) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#99", 3s);
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_GE(world.srv1.took(), 3s);
}

TEST(Promote, LetsALateVoteWin) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#200", 3s);
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::ErrGeneric);
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
}

TEST(Promote, RefusesPastAnOnlineNodeThatIsSilentAndNamesIt) {
  for (const auto* unusable : {"", "0/3000000", "0#5"}) {
    SCOPED_TRACE(unusable);
    Failover world;
    world.vote("srv1", "1#100");
    world.vote("srv3", unusable);
    const auto answer = world.srv1.act(Action::Promote);
    EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
    EXPECT_EQ(answer.reason, "not promoted: no vote from srv3, online: may have more WAL than srv1");
    EXPECT_EQ(world.srv1.instance.orders, Orders{});
    EXPECT_EQ(world.cluster.writes, Orders{});
    EXPECT_LE(world.srv1.took(), 11s);
  }
}

TEST(Promote, WaitsForVotesNoLongerThanHalfOfItsTime) {
  Failover world;
  world.srv1.set("CRM_meta_timeout", "6000");
  world.vote("srv1", "1#100");
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::ErrGeneric);
  EXPECT_LE(world.srv1.took(), 3s);
}

TEST(Promote, DropsAParticipantThatLeftThePartition) {
  Failover world;
  world.vote("srv1", "1#100");
  world.cluster.leave("srv3");
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_LT(world.srv1.took(), 1s);
}

TEST(Promote, DropsAParticipantThatLeavesWhileItIsWaitedFor) {
  Failover world;
  world.vote("srv1", "1#100");
  world.cluster.leave("srv3", 2s);
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_GE(world.srv1.took(), 2s);
}

TEST(Promote, DropsAVoterThatLeftThePartition) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#200");
  world.cluster.leave("srv3");
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
}

TEST(Promote, RefusesWithoutTheCandidatesOwnVote) {
  Failover world;
  world.vote("srv3", "1#100");
  const auto answer = world.srv1.act(Action::Promote);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_NE(answer.reason.find("no vote from srv1"), std::string::npos) << answer.reason;
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
}

TEST(Promote, IgnoresTheVoteOfANodeThatTakesNoPart) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#90");
  world.cluster.scores["srv4"] = 1000;
  world.vote("srv4", "9#999");
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
}

TEST(Promote, RefusesWhereTheVotesCannotBeRead) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#90");
  world.cluster.fails = true;
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::ErrGeneric);
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
}

TEST(Promote, ComparesTheVotesOfARecoveryInPlaceToo) {
  // Pacemaker's lists look as if the node was the primary just now; only its WAL proves it.
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  world.cluster.publish(PrivateAttribute::Vote, "srv1", "1#100");
  world.cluster.publish(PrivateAttribute::Vote, "srv2", "1#200");
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#100");
  const auto answer = srv1.replay("primary-crash-srv1-recovered-in-place/25-srv1-promote.env");
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(srv1.instance.orders, Orders{});
}

// ---- Switchover

TEST(Promote, TakesOverWithTheShutdownCheckpoint) {
  Switchover world;
  const auto checkpoint = world.srv1.instance.position.lsn.bytes - fake::kShutdownRecord;
  world.cluster.publish(PrivateAttribute::ShutdownCheckpoint, "srv2", "1#" + std::to_string(checkpoint));
  EXPECT_EQ(world.srv1.replay(kSwitchover).code, ReturnCode::Success);
}

TEST(Promote, RefusesWithoutTheShutdownCheckpointAndShowsBothPositions) {
  Switchover world;
  world.cluster.publish(PrivateAttribute::ShutdownCheckpoint, "srv2", "1#50331648");  // 0/3000000, as the votes
  world.cluster.publish(PrivateAttribute::Vote, "srv2", "1#50331768");
  const auto answer = world.srv1.replay(kSwitchover);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason,
            "not promoted: srv2 was shut down at 0/3000000 on timeline 1, srv1 only received 0/3000000 on timeline 1");
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
  EXPECT_EQ(world.cluster.writes, (Orders{"score srv1 1", "score srv2 1001"}));
}

TEST(Promote, HoldsTheOthersBackWhereAConstraintForbidsTheWinnerAndSaysWhatToDecide) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#101");
  world.cluster.scores = {{"srv1", 990}, {"srv2", 1001}, {"srv3", 1000}};
  world.cluster.constraints["srv3"] = -cluster::kInfinity;
  EXPECT_EQ(
      world.srv1.act(Action::Promote).reason,
      "not promoted: srv3 has more WAL, 0/65 on timeline 1, than srv1, 0/64 on timeline 1; a constraint forbids to "
      "promote srv3: remove it, or take srv3 out");
  EXPECT_EQ(world.cluster.writes, Orders{"score srv1 -2"});
}

TEST(Promote, HoldsEverybodyBackWhereAnAbsentNodeMayHaveAcknowledgedAlone) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#100");
  world.cluster.scores["srv4"] = 980;
  world.srv1.instance.synchronous = "ANY 1 (srv1, srv2, srv3, srv4)";
  EXPECT_EQ(world.srv1.act(Action::Promote).reason.find("not promoted: srv4 may have commits that no voter has"), 0U);
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
  EXPECT_EQ(world.cluster.writes, (Orders{"score srv1 -2", "score srv3 -2"}));
}

TEST(Promote, HoldsNobodyBackWhoIsItselfAbsent) {
  Failover world;
  world.srv1.set_transition({{"active", "srv1 srv3"}, {"unpromoted", "srv1 srv3"}, {"promote", "srv1"}});
  world.vote("srv1", "1#100");
  world.cluster.leave("srv3");
  world.srv1.instance.synchronous = "ANY 1 (srv1, srv2, srv3)";
  EXPECT_EQ(world.srv1.act(Action::Promote).reason.find("not promoted: srv3 may have commits that no voter has"), 0U);
  EXPECT_EQ(world.cluster.writes, Orders{"score srv1 -2"});
}

TEST(Promote, HoldsEverybodyBackWhereOnlyAnAbsentNodeHasTheLastRecord) {
  Failover world;
  world.srv1.set_transition({{"active", "srv1"}, {"unpromoted", "srv1"}, {"promote", "srv1"}});
  world.vote("srv1", "1#100");
  world.cluster.publish(PrivateAttribute::ShutdownCheckpoint, "srv3", "1#101");
  EXPECT_EQ(world.srv1.act(Action::Promote).reason,
            "not promoted: srv3 was shut down at 0/65 on timeline 1, srv1 only received 0/64 on timeline 1");
  EXPECT_EQ(world.cluster.writes, Orders{"score srv1 -2"});
}

TEST(Promote, RestartsAStandbyFirstWhoseSettingsAreTooLowForItsWal) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.hot_standby.required = {{"max_connections", 200}};
  srv1.instance.hot_standby.configured = {{"max_connections", 100}};
  EXPECT_EQ(srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{"promote"}) << "it still replays";
  Node srv2(world, "srv2", InstanceState::Standby);
  srv2.instance.replay_paused = true;
  EXPECT_EQ(srv2.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(srv2.instance.orders, Orders{"promote"}) << "paused by hand";
  Node srv3(world, "srv3", InstanceState::Standby);
  srv3.instance.hot_standby = srv1.instance.hot_standby;
  srv3.instance.replay_paused = true;
  EXPECT_EQ(srv3.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(srv3.instance.orders, (Orders{"stop", "configure as standby", "start", "start", "promote"}));
  EXPECT_TRUE(srv3.instance.primary);
}

TEST(Promote, DoesNotWaitForANodeInMaintenance) {
  Failover world;
  world.vote("srv1", "1#100");
  world.cluster.in_maintenance = {"srv3"};
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_LT(world.srv1.took(), 1s);
  EXPECT_TRUE(world.log.has("warning", "srv3 is in maintenance and has no vote"));
}

TEST(Promote, KeepsARunningPrimaryWithoutWaitingForAnybody) {
  for (const auto* own : {"", "1#100##primary"}) {
    Failover world;
    Node primary(world, "srv1", InstanceState::Primary);
    primary.environment = world.srv1.environment;
    world.vote("srv1", own);
    EXPECT_EQ(primary.act(Action::Promote).code, ReturnCode::Success);
    EXPECT_LT(primary.took(), 1s);
    EXPECT_EQ(primary.instance.orders, Orders{});
    EXPECT_EQ(world.cluster.writes, Orders{});
  }
}

TEST(Promote, RefusesARunningPrimaryThatDidNotFollowTheLastOne) {
  Failover world(InstanceState::Primary);
  auto& rogue = world.srv1;
  world.vote("srv1", "2#300#1:60#primary");
  world.vote("srv3", "1#100");
  EXPECT_EQ(rogue.act(Action::Promote).code, ReturnCode::ErrGeneric);
  EXPECT_EQ(world.cluster.writes, (Orders{"score srv1 1", "score srv3 1000"}));
}

TEST(Promote, TakesOverFromAPredecessorsPrimaryIfItsOwnWalEndsWithTheShutdown) {
  Switchover world;
  world.srv1.instance.has_shutdown_record = true;
  EXPECT_EQ(world.srv1.replay(kSwitchover).code, ReturnCode::Success);
}

TEST(Promote, RefusesToTakeOverFromAPredecessorsPrimaryOtherwise) {
  Switchover world;
  const auto answer = world.srv1.replay(kSwitchover);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_NE(answer.reason.find("does not end with the shutdown checkpoint of srv2"), std::string::npos)
      << answer.reason;
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
}

TEST(Promote, AsksForNoShutdownCheckpointInAFailover) {
  Failover world;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#100");
  EXPECT_EQ(world.srv1.act(Action::Promote).code, ReturnCode::Success);
  for (const auto& question : world.srv1.instance.questions) EXPECT_NE(question, "ends_with_shutdown_checkpoint");
}

// ---- By hand

TEST(Promote, ByHandNeedsNoVotesAndWarns) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  EXPECT_EQ(srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_TRUE(srv1.instance.primary);
  EXPECT_TRUE(world.log.has("warning", "promotion forced by hand: there were no votes"));
}

// ---- The instance

TEST(Promote, LeavesAPrimaryAlone) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  EXPECT_EQ(srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{});
}

TEST(Promote, StartsAStoppedInstanceFirst) {
  Failover world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.environment = world.srv1.environment;
  world.vote("srv1", "1#100");
  world.vote("srv3", "1#100");
  EXPECT_EQ(srv1.act(Action::Promote).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, (Orders{"configure as standby", "start", "promote"}));
}

TEST(Promote, IsRefusedInAnyOtherState) {
  for (const auto state : {InstanceState::CrashedPrimary, InstanceState::CrashedStandby, InstanceState::Transitional,
                           InstanceState::Unresponsive, InstanceState::Unreachable}) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Node srv1(world, "srv1", state);
    const auto answer = srv1.act(Action::Promote);
    EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
    EXPECT_EQ(answer.reason.find("promote refused: " + std::string(answer_of(state).reason)), 0U) << answer.reason;
    EXPECT_EQ(srv1.instance.orders, Orders{});
  }
}

TEST(Promote, FailsAtOnceWhenTheServerDies) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.dies_while_promoted = true;
  const auto answer = srv1.act(Action::Promote);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason, "the server died while it was promoted");
  EXPECT_LT(srv1.took(), 1s);
}

TEST(Promote, TellsWhyTheServerDied) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.dies_while_promoted = true;
  srv1.instance.words = "could not write to file \"pg_wal/xlogtemp.7\": No space left on device";
  EXPECT_EQ(srv1.act(Action::Promote).reason, "the server died while it was promoted: " + srv1.instance.words);
}

TEST(Promote, NamesWhatTheServerWaitsForWhenItsTimeIsOver) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.promotion_takes = fake::kNever;
  srv1.instance.words = "the startup process waits for \"sleep 600\", pid 7, since 9 s";
  EXPECT_EQ(srv1.act(Action::Promote).reason, "out of time while it was promoted: " + srv1.instance.words);
}

TEST(Promote, GivesALongPromotionAllOfItsTime) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.promotion_takes = 55s;
  EXPECT_EQ(srv1.act(Action::Promote).code, ReturnCode::Success);
}

TEST(Promote, SaysWhatItWaitedForWhenItsTimeIsOver) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.promotion_takes = fake::kNever;
  const auto answer = srv1.act(Action::Promote);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason, "out of time while it was promoted");
  EXPECT_LT(srv1.took(), 60s);
}

}  // namespace
}  // namespace pgsqlms::action
