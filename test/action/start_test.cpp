// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "bench.hpp"
#include "fake/printing.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using ocf::Action;
using ocf::ReturnCode;
using pg::DbState;
using std::chrono_literals::operator""s;

const Orders kStartedAsStandby = {"configure as standby", "start"};

TEST(Start, StartsAStoppedInstanceAsAStandby) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, kStartedAsStandby);
  EXPECT_TRUE(srv1.instance.postmaster);
}

TEST(Start, IsDoneWithAStandbyThatTakesNoSessions) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  srv1.instance.takes_no_sessions = true;
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, kStartedAsStandby);
  EXPECT_FALSE(srv1.instance.was_started_read_write);
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, kStartedAsStandby) << "it is left alone then";
}

TEST(Start, GivesAHangingArchiveUpOnceHalfOfTheTimeIsOver) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedStandby);
  srv1.set("CRM_meta_timeout", "60000");
  srv1.instance.restore_command_runs = 30s;
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, (Orders{"configure as standby", "start", "stop", "configure as standby", "start"}));
  EXPECT_GT(srv1.took(), 25s);
  EXPECT_LT(srv1.took(), 35s);
}

TEST(Start, LeavesARunningStandbyAlone) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{});
  EXPECT_EQ(world.cluster.calls, 1) << "its own name, for the check of application_name";
}

TEST(Start, BringsACrashedPrimaryBackAsAStandby) {
  for (const auto state :
       {DbState::InProduction, DbState::ShuttingDown, DbState::InCrashRecovery, DbState::StartingUp}) {
    SCOPED_TRACE(to_string(state));
    World world;
    Node srv1(world, "srv1", InstanceState::CrashedPrimary);
    srv1.instance.be_stopped_with(state);
    EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
    EXPECT_EQ(srv1.instance.orders, kStartedAsStandby);
    EXPECT_FALSE(srv1.instance.was_started_read_write);
  }
}

TEST(Start, BringsACrashedStandbyBack) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedStandby);
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, kStartedAsStandby);
}

/// What the start of a standby writes whose node had that score, beside the primary on srv2.
Orders written_by_start(std::optional<cluster::PromotionScore> score, const std::string& synchronous_standby_names) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  world.cluster.scores = {{"srv1", score}, {"srv2", 1001}};
  srv1.instance.synchronous = synchronous_standby_names;
  srv1.set_transition({{"active", "srv2"}, {"promoted", "srv2"}, {"start", "srv1"}});
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  return world.cluster.writes;
}

TEST(Start, OfAMemberThatReturnsSaysThatItMayAcknowledgeCommits) {
  EXPECT_EQ(written_by_start(-1000, "ANY 1 (srv1, srv2)"), Orders{"score srv1 -1"});
  EXPECT_EQ(written_by_start(-1000, ""), Orders{});
  for (const auto score : {std::optional<int>(990), std::optional<int>(-1), std::optional<int>(),
                           std::optional<int>(cluster::kForbiddenScore)}) {
    EXPECT_EQ(written_by_start(score, "ANY 1 (srv1, srv2)"), Orders{});
  }
}

TEST(Start, MakesARemoteNodeKnownThatHasNoAttributeYet) {
  for (const bool is_remote : {false, true}) {
    World world;
    world.cluster.scores = {{"srv2", 1001}};
    Node srv1(world, "srv1", InstanceState::Stopped);
    srv1.set("CRM_meta_on_node_uuid", is_remote ? "srv1" : "1");
    srv1.set_transition({{"active", "srv2"}, {"promoted", "srv2"}, {"start", "srv1"}});
    EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
    EXPECT_EQ(world.cluster.writes, is_remote ? Orders{"score srv1 -1000"} : Orders{});
  }
}

TEST(Start, EndsWhatOutlivedACrashedPostmasterFirst) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  srv1.instance.orphans = 3;
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, (Orders{"end orphans", "configure as standby", "start"}));
}

TEST(Start, IsRefusedForARunningPrimary) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  const auto answer = srv1.act(Action::Start);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason, "start refused: the instance is primary");
  EXPECT_EQ(srv1.instance.orders, Orders{});
}

TEST(Start, FailsWithTheServersLastWords) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.instance.start_failure = "FATAL:  could not map anonymous shared memory: Cannot allocate memory";
  const auto answer = srv1.act(Action::Start);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_NE(answer.reason.find("could not map anonymous shared memory"), std::string::npos) << answer.reason;
}

TEST(Start, FailsAtOnceWhenTheServerDies) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.instance.dies_while_starting = true;
  srv1.instance.words = "startup process (PID 12) was terminated by signal 9: Killed";
  const auto answer = srv1.act(Action::Start);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason, "the server died while it was started as a standby: " + srv1.instance.words);
  EXPECT_LT(srv1.took(), std::chrono::seconds(1));
}

TEST(Start, SaysWhatItWaitedForWhenItsTimeIsOver) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.instance.start_takes = fake::kNever;
  srv1.instance.contact_detail = "the database system is starting up";
  const auto answer = srv1.act(Action::Start);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason,
            "out of time while it was started as a standby: the server accepts no connections yet: the database system "
            "is starting up");
  EXPECT_LT(srv1.took(), std::chrono::seconds(60));
}

TEST(Start, WaitsForAServerThatIsStartingAlready) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.instance.start_takes = std::chrono::seconds(20);
  srv1.instance.start({}, Deadline(world.clock, std::chrono::seconds(60)));
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, Orders{"start"}) << "the one before the action";
}

TEST(Start, RestartsAStandbyWhosePromotionWasAskedFor) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.promotion_requested = true;
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, (Orders{"stop", "configure as standby", "start"}));
  EXPECT_FALSE(srv1.instance.promotion_requested);
}

// ---- What the configuration has and a standby must not have

TEST(StartOverrides, TakeWhatWouldEndTheReplayFromTheConfiguration) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.instance.harmful = {{"recovery_target_name", "before_upgrade"}};
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(pg::as_options(srv1.instance.overrides), pg::as_options(pg::standby_overrides({150000})));
  EXPECT_TRUE(world.log.has("warning", "recovery_target_name is \"before_upgrade\" in the configuration"));
}

TEST(StartOverrides, RaiseWhatIsLowerThanThePrimaryHadIt) {
  for (const auto action : {Action::Start, Action::Demote}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Stopped);
    srv1.instance.hot_standby.required = {{"max_connections", 200}, {"max_wal_senders", 10}};
    srv1.instance.hot_standby.configured = {{"max_connections", 100}, {"max_wal_senders", 20}};
    EXPECT_EQ(srv1.act(action).code, ReturnCode::Success);
    const auto& overrides = srv1.instance.overrides;
    ASSERT_EQ(overrides.size(), pg::standby_overrides({150000}).size() + 1);
    EXPECT_EQ(overrides.back().name + "=" + overrides.back().value, "max_connections=200");
    EXPECT_TRUE(world.log.has("warning", "max_connections is 100 in the configuration, the primary had 200"));
  }
}

TEST(StartOverrides, AreNamedByValidateAllWhichSucceeds) {
  World world;
  Node srv1(world, "srv1", InstanceState::Primary);
  srv1.instance.harmful = {{"hot_standby", "off"}};
  EXPECT_EQ(srv1.act(Action::ValidateAll).code, ReturnCode::Success);
  EXPECT_TRUE(world.log.has("warning", "hot_standby is \"off\" in the configuration"));
}

TEST(StartInAnotherDirectory, IsRefusedBeforeAnythingIsWritten) {
  for (const auto action : {Action::Start, Action::Promote, Action::Demote}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Stopped);
    srv1.instance.directory = {"/srv/data", false};
    const auto answer = srv1.act(action);
    EXPECT_EQ(answer.code, ReturnCode::ErrArgs);
    EXPECT_EQ(answer.reason,
              "the server would work in \"/srv/data\" (data_directory), not in datadir \"/var/lib/pgsql/data\"");
    EXPECT_EQ(srv1.instance.orders, Orders{});
  }
}

TEST(StartInAnotherDirectory, IsRefusedWhereAServerWorksThereAlready) {
  for (const auto action : {Action::Start, Action::Promote, Action::Demote}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Misplaced);
    const auto answer = srv1.act(action);
    EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
    EXPECT_NE(answer.reason.find("refused: the server of this instance works in another directory"), std::string::npos);
    EXPECT_EQ(srv1.instance.orders, Orders{});
  }
}

TEST(StartAfterACrash, RemovesTheLockFilesThatNoLivingServerCanOwn) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  srv1.instance.left_locks = {{"/data/postmaster.pid", pg::LockHolder::Nobody, 0, false},
                              {"/run/.s.PGSQL.5432.lock", pg::LockHolder::Hidden, 42, false}};
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(srv1.instance.orders, (Orders{"remove /data/postmaster.pid", "configure as standby", "start"}));
  EXPECT_TRUE(world.log.has("warning", "removing the lock file \"/data/postmaster.pid\" that a crash has left"));
  EXPECT_TRUE(world.log.has("warning", "the lock file \"/run/.s.PGSQL.5432.lock\" is left"));
}

// ---- The first start of a cluster

/// srv1 is started by Pacemaker.
struct FirstStarted : Node {
  FirstStarted(World& world, InstanceState state) : Node(world, "srv1", state) { set_transition({{"start", "srv1"}}); }
};

TEST(FirstStart, GivesAFormerPrimaryTheLowestScoreThatCanBePromoted) {
  for (const auto state : {DbState::ShutDown, DbState::InProduction}) {
    SCOPED_TRACE(to_string(state));
    World world;
    FirstStarted srv1(world, InstanceState::CrashedPrimary);
    srv1.instance.be_stopped_with(state);
    EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
    EXPECT_EQ(world.cluster.writes, Orders{"score srv1 1"});
  }
}

TEST(FirstStart, CountsNegativeScoresAsNone) {
  World world;
  FirstStarted srv1(world, InstanceState::CrashedPrimary);
  world.cluster.scores = {{"srv1", -1000}, {"srv2", -1}, {"srv3", std::nullopt}};
  static_cast<void>(srv1.act(Action::Start));
  EXPECT_EQ(world.cluster.writes, Orders{"score srv1 1"});
}

TEST(FirstStart, GivesNoScoreWhereANodeHasOne) {
  for (const auto& node : {"srv1", "srv2", "srv3"}) {
    SCOPED_TRACE(node);
    World world;
    FirstStarted srv1(world, InstanceState::CrashedPrimary);
    world.cluster.scores[node] = 0;
    EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
    EXPECT_EQ(world.cluster.writes, Orders{});
  }
}

TEST(FirstStart, GivesNoScoreToAFormerStandby) {
  for (const auto state : {InstanceState::Stopped, InstanceState::CrashedStandby}) {
    World world;
    FirstStarted srv1(world, state);
    EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
    EXPECT_EQ(world.cluster.writes, Orders{}) << state;
  }
}

TEST(FirstStart, GivesNoScoreToAFreshCopyOfAPrimary) {
  World world;
  FirstStarted srv1(world, InstanceState::CrashedPrimary);
  srv1.instance.backup_label = true;
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.writes, Orders{});
}

TEST(FirstStart, SucceedsThoughTheClusterTakesNoScore) {
  World world;
  FirstStarted srv1(world, InstanceState::CrashedPrimary);
  world.cluster.fails = true;
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_TRUE(world.log.has("error", "no promotion score set"));
}

TEST(FirstStart, GivesNoScoreWhenItIsDoneByHand) {
  World world;
  Node srv1(world, "srv1", InstanceState::CrashedPrimary);
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(world.cluster.writes, Orders{});
}

TEST(Start, NamesAPrimaryOfAnotherSystem) {
  for (const pg::SystemIdentifier primary : {7, 8}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Stopped);
    srv1.instance.primary_told = primary;
    srv1.set_transition({{"active", "srv2"}, {"promoted", "srv2"}, {"start", "srv1"}});
    EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
    EXPECT_EQ(world.log.has("warning", "srv1 is no copy of the primary, srv2: system identifier 7 instead of 8"),
              primary == 8);
  }
}

TEST(Start, AsksNobodyWhereThereIsNoPrimary) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.set_transition({{"active", "srv2"}, {"unpromoted", "srv2"}, {"start", "srv1"}});
  EXPECT_EQ(srv1.act(Action::Start).code, ReturnCode::Success);
  const auto& questions = srv1.instance.questions;
  EXPECT_EQ(std::count(questions.begin(), questions.end(), "primary_system_identifier"), 0);
}

// ---- The start of a former primary beside its successor

/// srv1, the former primary, as it is started again when srv2 has taken over.
struct Returning {
  explicit Returning(const std::string& promoted = "srv2", const std::string& demote = " ") {
    world.cluster.scores = {{"srv1", 1000}, {"srv2", 1001}, {"srv3", 990}};
    srv1.set_transition({{"promoted", promoted}, {"demote", demote}, {"start", "srv1"}});
  }
  World world;
  Node srv1{world, "srv1", InstanceState::CrashedPrimary};
};

TEST(StartBesideAPrimary, TakesTheScoreOfItsTimeAsThePrimaryFromAFormerOne) {
  Returning after_takeover;
  EXPECT_EQ(after_takeover.srv1.act(Action::Start).code, ReturnCode::Success);
  EXPECT_EQ(after_takeover.world.cluster.writes, Orders{"score srv1 -1000"});
  EXPECT_TRUE(after_takeover.world.log.has("info", "srv2 has taken over from srv1"));
}

TEST(StartBesideAPrimary, LeavesANegativeScoreAsItIs) {
  for (const auto score : {-1000, -1, cluster::kForbiddenScore}) {
    SCOPED_TRACE(score);
    Returning after_takeover;
    after_takeover.world.cluster.scores["srv1"] = score;
    EXPECT_EQ(after_takeover.srv1.act(Action::Start).code, ReturnCode::Success);
    EXPECT_EQ(after_takeover.world.cluster.writes, Orders{});
  }
}

TEST(StartBesideAPrimary, LeavesTheScoreWhereNoOtherPrimaryStays) {
  for (const auto& [promoted, demote] : {std::pair("srv2", "srv2"), std::pair(" ", " "), std::pair("srv1", "srv1")}) {
    SCOPED_TRACE(promoted);
    Returning without_takeover(promoted, demote);
    EXPECT_EQ(without_takeover.srv1.act(Action::Start).code, ReturnCode::Success);
    EXPECT_EQ(without_takeover.world.cluster.writes, Orders{});
  }
}

}  // namespace
}  // namespace pgsqlms::action
