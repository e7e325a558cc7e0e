// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "bench.hpp"
#include "fake/printing.hpp"
#include "pgsqlms/action/notifications.hpp"
#include "pgsqlms/cluster/cluster.hpp"

namespace pgsqlms::action {
namespace {

using cluster::PrivateAttribute;
using decision::InstanceState;
using ocf::Action;
using ocf::ReturnCode;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr const char* kTypes[] = {"pre", "post"};
constexpr const char* kOperations[] = {"start", "stop", "promote", "demote"};

bool means_something(const std::string& type, const std::string& operation) {
  for (const auto& row : kNotifications) {
    if (row.type == type && row.operation == operation) return true;
  }
  return false;
}

/// srv2 is lost; srv1 is to be promoted, srv3 is the other standby.
void plan_failover(Node& node) {
  node.set_transition({{"active", "srv1 srv2 srv3"},
                       {"promoted", "srv2"},
                       {"unpromoted", "srv1 srv3"},
                       {"demote", "srv2"},
                       {"stop", "srv2"},
                       {"promote", "srv1"}});
}

struct Candidate : World {
  Candidate() {
    plan_failover(srv1);
    cluster.scores = {{"srv1", 1000}, {"srv2", -1000}, {"srv3", 990}};
    cluster.leave("srv2");
    srv1.instance.position = {1, {100}};
  }

  Node srv1{*this, "srv1", InstanceState::Standby};
};

/// The same, as srv3 sees it.
struct Voter : World {
  explicit Voter(InstanceState state) : srv3(*this, "srv3", state) { plan_failover(srv3); }

  Node srv3;
};

/// What a notification writes on srv1 while nobody is promoted, and srv1 and srv3 are held back.
Orders written_without_primary(const std::string& operation, const std::string& start, const std::string& stop,
                               const std::string& promote = " ") {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  world.cluster.scores = {
      {"srv1", cluster::kHeldBackScore}, {"srv2", 1000}, {"srv3", cluster::kHeldBackScore}, {"srv4", -1000}};
  srv1.set_transition(
      {{"active", "srv1 srv3"}, {"unpromoted", "srv1 srv3"}, {"start", start}, {"stop", stop}, {"promote", promote}});
  EXPECT_EQ(srv1.be_notified("post", operation).code, ReturnCode::Success);
  return world.cluster.writes;
}

const Orders kAllReleased = {"score srv1 1", "score srv3 1"};

TEST(HeldBack, EndsWhenSomebodyComes) {
  EXPECT_EQ(written_without_primary("start", "srv2", " "), kAllReleased);
  EXPECT_EQ(written_without_primary("start", "srv3", " "), kAllReleased) << "it was away meanwhile";
}

TEST(HeldBack, EndsWhenSomebodyGoes) { EXPECT_EQ(written_without_primary("stop", " ", "srv2"), kAllReleased); }

TEST(HeldBack, DoesNotEndBecauseSomebodyIsRecoveredInPlace) {
  for (const auto* node : {"srv1", "srv3", "srv4"}) {
    EXPECT_EQ(written_without_primary("start", node, node), Orders{});
    EXPECT_EQ(written_without_primary("stop", node, node), Orders{});
  }
}

TEST(HeldBack, DoesNotEndBecauseOneOfThemGoes) { EXPECT_EQ(written_without_primary("stop", " ", "srv3"), Orders{}); }

TEST(HeldBack, DoesNotEndBeforeAPromotionThatIsPlanned) {
  EXPECT_EQ(written_without_primary("start", "srv2", " ", "srv2"), Orders{});
}

TEST(HeldBack, IsNotAskedForWhereThereIsAPrimary) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.set_transition({{"active", "srv1 srv2"}, {"promoted", "srv2"}, {"unpromoted", "srv1"}, {"start", "srv3"}});
  EXPECT_EQ(srv1.be_notified("post", "start").code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.calls, 0);
}

TEST(Notify, TouchesNeitherInstanceNorClusterWhereThereIsNothingToDo) {
  for (const auto* type : kTypes) {
    for (const auto* operation : kOperations) {
      if (means_something(type, operation)) continue;
      SCOPED_TRACE(std::string(type) + "-" + operation);
      World world;
      Node srv1(world, "srv1", InstanceState::CrashedPrimary);
      srv1.set_transition({{"active", "srv1"},
                           {"promoted", "srv1"},
                           {"demote", "srv1"},
                           {"stop", "srv1"},
                           {"start", "srv1"},
                           {"promote", "srv1"}});
      EXPECT_EQ(srv1.be_notified(type, operation).code, ReturnCode::Success);
      EXPECT_EQ(srv1.instance.questions, Orders{});
      EXPECT_EQ(srv1.instance.orders, Orders{});
      EXPECT_EQ(world.cluster.calls, 0);
    }
  }
}

TEST(Notify, TouchesNothingWithoutNotificationLists) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  EXPECT_EQ(srv1.act(Action::Notify).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.questions, Orders{});
  EXPECT_EQ(world.cluster.calls, 0);
}

TEST(Notify, NeverStartsAServerButOneThatTakesNoSessionsAndVotes) {
  for (const auto& answer : decision::kStateAnswers) {
    if (answer.state == InstanceState::Pending) continue;
    for (const auto* type : kTypes) {
      for (const auto* operation : kOperations) {
        SCOPED_TRACE(std::string(answer.name) + ", " + type + "-" + operation);
        World world;
        Node srv1(world, "srv1", answer.state);
        srv1.set_transition({{"active", "srv1"},
                             {"promoted", "srv1"},
                             {"demote", "srv1"},
                             {"stop", "srv1"},
                             {"start", "srv1"},
                             {"promote", "srv1"}});
        EXPECT_EQ(srv1.be_notified(type, operation).code, ReturnCode::Success);
        for (const auto& order : srv1.instance.orders) EXPECT_EQ(order, "checkpoint");
      }
    }
  }
}

TEST(Notify, SucceedsAndLogsWhatWentWrong) {
  Candidate world;
  world.cluster.fails = true;
  EXPECT_EQ(world.srv1.be_notified("pre", "promote").code, ReturnCode::Success);
  EXPECT_TRUE(world.log.has("error", "pre-promote notification: the cluster does not answer"));
}

// ---- Before a promotion

TEST(BeforePromotion, EveryParticipantPublishesItsPosition) {
  World world;
  for (const auto* name : {"srv1", "srv3"}) {
    Node node(world, name, InstanceState::Standby);
    plan_failover(node);
    node.instance.position = {9, {100663296}};
    static_cast<void>(node.be_notified("pre", "promote"));
  }
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote),
            (cluster::AttributeTable{{"srv1", "9#100663296###7"}, {"srv3", "9#100663296###7"}}));
}

TEST(BeforePromotion, AStandbyVotesOnceItHasReplayedItsOwnWal) {
  Voter world(InstanceState::Standby);
  auto& srv3 = world.srv3;
  srv3.instance.looks_before_all_is_replayed = 3;
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote).count("srv3"), 1U);
  EXPECT_GE(srv3.took(), 150ms);
}

TEST(BeforePromotion, AStandbyThatIsNotThroughItsOwnWalInTimeDoesNotVote) {
  Voter world(InstanceState::Standby);
  auto& srv3 = world.srv3;
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#1");  // of an election before
  srv3.instance.looks_before_all_is_replayed = 1'000'000;
  EXPECT_EQ(srv3.be_notified("pre", "promote").code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote).count("srv3"), 0U);
  EXPECT_TRUE(world.log.has("error", "no vote: still replaying its own WAL"));
}

TEST(BeforePromotion, AVoterWhoseServerIsDownReportsThatInstead) {
  for (const auto state : {InstanceState::CrashedStandby, InstanceState::Stopped, InstanceState::Unreachable,
                           InstanceState::Unresponsive, InstanceState::Damaged}) {
    SCOPED_TRACE(std::string(decision::answer_of(state).name));
    World world;
    Node srv3(world, "srv3", state);
    plan_failover(srv3);
    EXPECT_EQ(srv3.be_notified("pre", "promote").code, ReturnCode::Success);
    EXPECT_EQ(world.cluster.writes, (Orders{"no vote srv3", "failure srv3"}));
  }
}

TEST(BeforePromotion, AVoterThatStartsUpIsNoFailure) {
  Voter world(InstanceState::Transitional);
  auto& srv3 = world.srv3;
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.writes, Orders{"no vote srv3"});
}

const Orders kRestarted = {"stop", "configure as standby", "start"};

TEST(BeforePromotion, AStandbyThatTakesNoSessionsIsRestartedToTellHowFarItIs) {
  Voter world(InstanceState::Pending);
  auto& srv3 = world.srv3;
  srv3.instance.position = {2, {300}};
  srv3.instance.history = {{1, {200}}};
  EXPECT_EQ(srv3.be_notified("pre", "promote").code, ReturnCode::Success);
  EXPECT_EQ(srv3.instance.orders, kRestarted);
  EXPECT_TRUE(srv3.instance.postmaster);
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote), (cluster::AttributeTable{{"srv3", "2#300#1:200##7"}}));
}

TEST(BeforePromotion, AStandbyThatTakesNoSessionsHasNoVoteBeforeItHasReplayedAll) {
  Voter world(InstanceState::Pending);
  auto& srv3 = world.srv3;
  srv3.instance.replays = true;
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_TRUE(world.log.has("error", "no vote: the standby takes no sessions and still replays WAL"));
  EXPECT_EQ(srv3.instance.orders, Orders{}) << "nothing is restarted for no answer";
  EXPECT_EQ(world.cluster.writes, Orders{"no vote srv3"});
}

TEST(BeforePromotion, AStandbyThatTakesSessionsMeanwhileVotesWithoutARestart) {
  Voter world(InstanceState::Pending);
  auto& srv3 = world.srv3;
  srv3.instance.replays = true;
  srv3.instance.looks_before_sessions = 3;
  EXPECT_EQ(srv3.be_notified("pre", "promote").code, ReturnCode::Success);
  EXPECT_EQ(srv3.instance.orders, Orders{});
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote).count("srv3"), 1U);
}

TEST(BeforePromotion, AStandbyThatTakesNoSessionsHasNoVoteWhereItsWalGoesOn) {
  Voter world(InstanceState::Pending);
  auto& srv3 = world.srv3;
  srv3.instance.has_unreplayed_wal = true;
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_TRUE(world.log.has("error", "no vote: there is WAL after 0/3000000 on timeline 1 that was not replayed"));
  EXPECT_EQ(srv3.instance.orders, kRestarted);
  EXPECT_EQ(world.cluster.writes, Orders{"no vote srv3"});
}

TEST(BeforePromotion, AStandbyThatTakesNoSessionsHasNoVoteWherePgControlDoesNotTell) {
  Voter world(InstanceState::Pending);
  auto& srv3 = world.srv3;
  srv3.instance.stops_uncleanly = true;
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_TRUE(world.log.has("error", "no vote: pg_control does not tell how far the standby is"));
  EXPECT_EQ(world.cluster.writes, Orders{"no vote srv3"});
}

TEST(BeforePromotion, AHangingArchiveKeepsNoStandbyFromItsVote) {
  Voter world(InstanceState::Standby);
  auto& srv3 = world.srv3;
  srv3.instance.looks_before_all_is_replayed = 3;
  srv3.instance.restore_command_runs = 12s;
  EXPECT_EQ(srv3.be_notified("pre", "promote").code, ReturnCode::Success);
  EXPECT_EQ(srv3.instance.orders, kRestarted) << "once";
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote).count("srv3"), 1U);
}

TEST(BeforePromotion, AnArchiveThatIsSlowIsNotGivenUp) {
  Voter world(InstanceState::Standby);
  auto& srv3 = world.srv3;
  srv3.instance.looks_before_all_is_replayed = 3;
  srv3.instance.restore_command_runs = 9s;
  EXPECT_EQ(srv3.be_notified("pre", "promote").code, ReturnCode::Success);
  EXPECT_EQ(srv3.instance.orders, Orders{});
}

TEST(BeforePromotion, AVoteTellsWhereTheTimelinesBeforeWereLeft) {
  Voter world(InstanceState::Standby);
  auto& srv3 = world.srv3;
  srv3.instance.position = {3, {300}};
  srv3.instance.history = {{1, {100}}, {2, {200}}};
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote),
            (cluster::AttributeTable{{"srv3", "3#300#2:200,1:100##7"}}));
}

// Pacemaker took it for a standby after a maintenance; the others have received what it wrote since it voted.
TEST(BeforePromotion, ARunningPrimaryYieldsToNobodyThatFollowsIt) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"active", "srv1 srv3"}, {"unpromoted", "srv1 srv3"}, {"promote", "srv1"}});
  srv1.instance.position = {2, {100}};
  srv1.instance.history = {{1, {50}}};
  world.cluster.scores = {{"srv1", 1001}, {"srv3", 1000}};
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "2#276#1:50");
  static_cast<void>(srv1.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote).at("srv1"), "2#100#1:50#primary#7");
  EXPECT_EQ(world.cluster.scores["srv1"], 1001);
  EXPECT_EQ(world.cluster.scores["srv3"], 1000);
}

TEST(BeforePromotion, ACandidateYieldsToARunningPrimary) {
  for (const auto* vote : {"1#99##primary", "1#200##primary", "2#200#1:100#primary"}) {
    SCOPED_TRACE(vote);
    Candidate world;
    world.cluster.publish(PrivateAttribute::Vote, "srv3", vote);
    static_cast<void>(world.srv1.be_notified("pre", "promote"));
    EXPECT_GT(world.cluster.scores["srv3"], world.cluster.scores["srv1"]);
    EXPECT_TRUE(
        world.log.has("warning", "runs as a primary, so srv1 is not promoted: keep srv3, or stop it there first"));
  }
}

TEST(BeforePromotion, ANodeThatIsStoppedDoesNotVote) {
  World world;
  Node srv2(world, "srv2", InstanceState::Standby);
  plan_failover(srv2);
  static_cast<void>(srv2.be_notified("pre", "promote"));
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::Vote).empty());
}

TEST(BeforePromotion, ANodeThatDoesNotKnowItsPositionDoesNotVote) {
  Voter world(InstanceState::Standby);
  auto& srv3 = world.srv3;
  srv3.instance.knows_position = false;
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::Vote).empty());
  EXPECT_TRUE(world.log.has("error", "does not know its WAL position"));
}

TEST(BeforePromotion, TheVoteOfAnElectionThatWasGivenUpIsForgotten) {
  Voter world(InstanceState::Standby);
  auto& srv3 = world.srv3;
  static_cast<void>(srv3.be_notified("pre", "promote"));
  srv3.instance.contact = pg::Contact::NoResponse;
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::Vote).empty()) << "an old vote would pass for a new one";
}

TEST(BeforePromotion, TheBestCandidateLeavesTheScoresAlone) {
  Candidate world;
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#99");
  static_cast<void>(world.srv1.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.scores["srv1"], 1000);
  EXPECT_EQ(world.cluster.scores["srv3"], 990);
}

TEST(BeforePromotion, ABeatenCandidateYieldsToTheWinner) {
  Candidate world;
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#200");
  EXPECT_EQ(world.srv1.be_notified("pre", "promote").code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.scores["srv1"], 1);
  EXPECT_EQ(world.cluster.scores["srv3"], 1000);
  EXPECT_EQ(world.srv1.instance.orders, Orders{});
  EXPECT_TRUE(world.log.has("warning", "srv1 must not be promoted: srv3 has more WAL"));
}

TEST(BeforePromotion, ABeatenCandidateThatAConstraintPrefersIsForbidden) {
  Candidate world;
  world.cluster.constraints["srv1"] = cluster::kInfinity;
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#200");
  static_cast<void>(world.srv1.be_notified("pre", "promote"));
  static_cast<void>(world.srv1.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.scores["srv1"], cluster::kForbiddenScore);
  EXPECT_EQ(world.cluster.scores["srv3"], 1000);
}

// The former primary has the most WAL, and no room for more: its server dies in each promotion. Once Pacemaker takes it
// out, the others must still be there.
TEST(BeforePromotion, ACandidateThatIsChosenWhileTheWinnerIsRecoveredIsNotForbidden) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.set_transition({{"active", "srv1 srv3"},
                       {"promoted", "srv3"},
                       {"unpromoted", "srv1"},
                       {"demote", "srv3"},
                       {"stop", "srv3"},
                       {"start", "srv3"},
                       {"promote", "srv1"}});
  srv1.instance.position = {1, {100}};
  world.cluster.scores = {{"srv1", 1000}, {"srv3", 1001}};
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#200");
  static_cast<void>(srv1.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.scores["srv1"], 1);
  EXPECT_EQ(world.cluster.scores["srv3"], 1001);
}

TEST(BeforePromotion, OnlyTheCandidateChangesScores) {
  Voter world(InstanceState::Standby);
  auto& srv3 = world.srv3;
  srv3.instance.position = {1, {100}};
  world.cluster.publish(PrivateAttribute::Vote, "srv1", "1#200");
  static_cast<void>(srv3.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.scores["srv1"], std::nullopt);
  EXPECT_EQ(world.cluster.scores["srv3"], std::nullopt);
}

TEST(BeforePromotion, ACandidateWaitsForLateVotes) {
  Candidate world;
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#200", 1500ms);
  static_cast<void>(world.srv1.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.scores["srv3"], 1000);
}

TEST(BeforePromotion, ACandidateLeavesTheScoresAloneWhereAVoteIsMissingAndHoldsUpNobodyForLong) {
  Candidate world;
  static_cast<void>(world.srv1.be_notified("pre", "promote"));
  EXPECT_EQ(world.cluster.scores["srv1"], 1000);
  EXPECT_EQ(world.cluster.scores["srv3"], 990);
  EXPECT_LE(world.srv1.took(), 2100ms);
  EXPECT_TRUE(world.log.has("warning", "no vote from srv3"));
}

TEST(BeforePromotion, ACandidateThatMissedTheShutdownYieldsToTheFormerPrimary) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.position = {1, {100}};
  world.cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
  world.cluster.publish(PrivateAttribute::ShutdownCheckpoint, "srv2", "1#100");
  world.cluster.publish(PrivateAttribute::Vote, "srv2", "1#220");
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#100");
  EXPECT_EQ(srv1.replay("switchover-srv2-to-srv1/10-srv1-notify-pre-promote.env").code, ReturnCode::Success);
  EXPECT_GT(world.cluster.scores["srv2"], world.cluster.scores["srv1"]);
  EXPECT_TRUE(world.log.has("warning", "srv2 was shut down at 0/64 on timeline 1, srv1 only received 0/64"));
}

// ---- After a promotion

TEST(AfterPromotion, EveryNodeTakesItsVoteBack) {
  World world;
  world.cluster.publish(PrivateAttribute::Vote, "srv1", "1#100");
  world.cluster.publish(PrivateAttribute::Vote, "srv3", "1#100");
  Node srv3(world, "srv3", InstanceState::Standby);
  plan_failover(srv3);
  EXPECT_EQ(srv3.be_notified("post", "promote").code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.published(PrivateAttribute::Vote), (cluster::AttributeTable{{"srv1", "1#100"}}));
}

TEST(AfterPromotion, OnlyTheNewPrimaryRemovesTheShutdownCheckpoints) {
  World world;
  world.cluster.publish(PrivateAttribute::ShutdownCheckpoint, "srv1", "1#50");
  world.cluster.publish(PrivateAttribute::ShutdownCheckpoint, "srv2", "1#60");
  Node srv1(world, "srv1", InstanceState::Primary);
  Node srv3(world, "srv3", InstanceState::Standby);
  plan_failover(srv1);
  plan_failover(srv3);
  world.cluster.publish(PrivateAttribute::Vote, "srv1", "1#70");
  static_cast<void>(srv3.be_notified("post", "promote"));
  EXPECT_EQ(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).size(), 2U);
  static_cast<void>(srv1.be_notified("post", "promote"));
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).empty());
}

TEST(AfterPromotion, TheNewPrimaryHasItsScoreBeforeItsFirstMonitor) {
  World world;
  world.cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
  Node srv1(world, "srv1", InstanceState::Primary);
  plan_failover(srv1);
  static_cast<void>(srv1.be_notified("post", "promote"));
  EXPECT_EQ(world.cluster.scores.at("srv1"), 1001);
  EXPECT_EQ(world.cluster.scores.at("srv3"), 990);
}

TEST(AfterPromotion, AFailedOneLeavesTheShutdownCheckpointsToTheNextCandidate) {
  for (const auto state : {InstanceState::Standby, InstanceState::Stopped, InstanceState::CrashedStandby,
                           InstanceState::Transitional, InstanceState::Unresponsive, InstanceState::Unreachable}) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    world.cluster.publish(PrivateAttribute::ShutdownCheckpoint, "srv2", "1#60");
    Node srv1(world, "srv1", state);
    plan_failover(srv1);
    world.cluster.publish(PrivateAttribute::Vote, "srv1", "1#50");
    static_cast<void>(srv1.be_notified("post", "promote"));
    EXPECT_EQ(world.cluster.published(PrivateAttribute::ShutdownCheckpoint),
              (cluster::AttributeTable{{"srv2", "1#60"}}));
    EXPECT_LE(srv1.took(), 5s);
  }
}

TEST(AfterPromotion, AFormerPrimaryThatHasBecomeThePrimaryAgainRemovesItsOwnShutdownCheckpoint) {
  World world;
  world.cluster.publish(PrivateAttribute::ShutdownCheckpoint, "srv2", "1#60");
  world.cluster.publish(PrivateAttribute::Vote, "srv2", "1#180");
  Node srv2(world, "srv2", InstanceState::Primary);
  srv2.set_transition({{"active", "srv1 srv2 srv3"}, {"unpromoted", "srv1 srv2 srv3"}, {"promote", "srv2"}});
  static_cast<void>(srv2.be_notified("post", "promote"));
  EXPECT_TRUE(world.cluster.published(PrivateAttribute::ShutdownCheckpoint).empty());
}

// ---- Before a demotion

TEST(BeforeDemotion, ThePrimaryWritesACheckpointWhileItServes) {
  World world;
  Node srv2(world, "srv2", InstanceState::Primary);
  EXPECT_EQ(srv2.replay("switchover-srv2-to-srv1/03-srv2-notify-pre-demote.env").code, ReturnCode::Success);
  EXPECT_EQ(srv2.instance.orders, Orders{"checkpoint"});
}

TEST(BeforeDemotion, AStandbyDoesNothing) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  EXPECT_EQ(srv1.replay("switchover-srv2-to-srv1/01-srv1-notify-pre-demote.env").code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{});
  EXPECT_EQ(srv1.instance.questions, Orders{});
}

TEST(BeforeDemotion, ANodeThatPacemakerDoesNotTakeForThePrimaryDoesNothing) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"active", "srv1 srv2"}, {"promoted", "srv2"}, {"demote", "srv1 srv2"}});
  static_cast<void>(srv1.be_notified("pre", "demote"));
  EXPECT_EQ(srv1.instance.orders, Orders{});
}

TEST(BeforeDemotion, ACrashedPrimaryIsLeftToTheDemotion) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  const auto answer = srv1.replay("primary-crash-srv1-recovered-in-place/03-srv1-notify-pre-demote.env");
  EXPECT_EQ(answer.code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{});
}

TEST(BeforeDemotion, APrimaryThatIsRecoveredInPlaceIsNotHeldUp) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  const auto answer = srv1.replay("primary-crash-srv1-recovered-in-place/03-srv1-notify-pre-demote.env");
  EXPECT_EQ(answer.code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{}) << "its storage or checkpointer may be what has failed";
}

TEST(BeforeDemotion, APrimaryThatIsDemotedForGoodIsNotHeldUp) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.set_transition({{"active", "srv1 srv2"}, {"promoted", "srv1"}, {"demote", "srv1"}});
  static_cast<void>(srv1.be_notified("pre", "demote"));
  EXPECT_EQ(srv1.instance.orders, Orders{}) << "nobody waits for the next primary";
}

/// srv1 is demoted and stopped, srv2 promoted: its node is put in standby, or it has failed as often as it may.
struct MovedAway : World {
  MovedAway() {
    srv1.set_transition({{"active", "srv1 srv2"},
                         {"promoted", "srv1"},
                         {"unpromoted", "srv2"},
                         {"demote", "srv1"},
                         {"stop", "srv1"},
                         {"promote", "srv2"}});
  }
  void notify(std::optional<cluster::InstanceStatus> status) {
    cluster.statuses["srv1"].instance = std::move(status);
    static_cast<void>(srv1.be_notified("pre", "demote"));
  }
  Node srv1{*this, "srv1", InstanceState::Primary};
};

TEST(BeforeDemotion, APrimaryWhoseNodeIsPutInStandbyWritesACheckpoint) {
  MovedAway world;
  world.notify(cluster::InstanceStatus{});
  EXPECT_EQ(world.srv1.instance.orders, Orders{"checkpoint"});
}

TEST(BeforeDemotion, AFailedPrimaryThatIsReplacedIsNotHeldUp) {
  cluster::InstanceStatus failed;
  failed.failed = true;
  for (const auto& status : {std::optional(failed), std::optional<cluster::InstanceStatus>()}) {
    MovedAway world;
    world.notify(status);
    EXPECT_EQ(world.srv1.instance.orders, Orders{});
  }
}

TEST(BeforeDemotion, ACheckpointThatDoesNotEndHoldsUpTheDemotionForTenSecondsAtMost) {
  World world;
  Node srv2(world, "srv2", InstanceState::Primary);
  srv2.instance.checkpoint_takes = fake::kNever;
  EXPECT_EQ(srv2.replay("switchover-srv2-to-srv1/03-srv2-notify-pre-demote.env").code, ReturnCode::Success);
  EXPECT_LE(srv2.took(), 10s);
  EXPECT_TRUE(world.log.has("error", "pre-demote notification"));
}

TEST(BeforeDemotion, AServerThatDoesNotAnswerIsNotWaitedForLong) {
  World world;
  Node srv2(world, "srv2", InstanceState::Unresponsive);
  EXPECT_EQ(srv2.replay("switchover-srv2-to-srv1/03-srv2-notify-pre-demote.env").code, ReturnCode::Success);
  EXPECT_LE(srv2.took(), 5s);
  EXPECT_EQ(srv2.instance.orders, Orders{});
}

}  // namespace
}  // namespace pgsqlms::action
