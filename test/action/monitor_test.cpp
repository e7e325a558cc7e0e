// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/monitor.hpp"

#include <gtest/gtest.h>

#include "bench.hpp"
#include "fake/printing.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using ocf::Action;
using ocf::ReturnCode;
using std::chrono_literals::operator""s;

/// A node whose monitor recurs, as that of a promoted instance, with ten seconds for each.
struct Monitored : Node {
  Monitored(World& world, InstanceState state) : Node(world, "srv1", state) {
    set("CRM_meta_interval", "15000");
    set("CRM_meta_role", "Promoted");
    set("CRM_meta_timeout", "10000");
    instance.replication = {instance.position.lsn,
                            std::nullopt,
                            {{"srv2", "streaming", instance.position.lsn}, {"srv3", "streaming", pg::Lsn{1}}}};
  }
};

const Orders kFirstScores = {"score srv1 1001", "score srv2 1000", "score srv3 990"};

TEST(Monitor, AnswersWhatTheTableSaysInEveryState) {
  for (const auto& row : decision::kStateAnswers) {
    SCOPED_TRACE(row.name);
    World world;
    Monitored srv1(world, row.state);
    EXPECT_EQ(srv1.act(Action::Monitor).code, row.monitor);
    EXPECT_EQ(srv1.instance.orders, Orders{});
    srv1.set("CRM_meta_interval", "0");
    EXPECT_EQ(srv1.act(Action::Monitor).code, row.probe);
  }
}

TEST(Monitor, GivesAReasonForEachErrorAndForNothingElse) {
  for (const auto& row : decision::kStateAnswers) {
    SCOPED_TRACE(row.name);
    World world;
    Monitored srv1(world, row.state);
    EXPECT_EQ(srv1.act(Action::Monitor).reason.empty(), row.reason.empty());
    srv1.set("CRM_meta_interval", "0");
    EXPECT_EQ(srv1.act(Action::Monitor).reason.empty(), row.probe != ReturnCode::ErrGeneric);
  }
}

TEST(Monitor, DoesNotWaitForADeadServer) {
  for (const auto state : {pg::DbState::ShuttingDown, pg::DbState::StartingUp, pg::DbState::InCrashRecovery}) {
    SCOPED_TRACE(to_string(state));
    World world;
    Monitored srv1(world, InstanceState::CrashedPrimary);
    srv1.instance.be_stopped_with(state);
    EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::FailedPromoted);
    EXPECT_EQ(srv1.took(), 0s);
  }
}

TEST(Monitor, SaysThatItDoesNotSeeTheStandbysOfOthers) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  srv1.set("CRM_meta_interval", "15000");
  srv1.set("CRM_meta_role", "Promoted");
  srv1.set("system_user", "pg");
  srv1.instance.replication.is_partly_hidden = true;
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::RunningPromoted);
  EXPECT_TRUE(world.log.has("warning", "grant pg_monitor to \"pg\""));
}

TEST(Monitor, IsContentWithAStandbyThatTakesNoSessionsBecauseOfATransaction) {
  World world;
  Monitored srv1(world, InstanceState::Pending);
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::Success);
  EXPECT_LT(srv1.took(), 1s);
}

TEST(Monitor, WaitsForAServerThatTakesNoSessionsYet) {
  World world;
  Monitored srv1(world, InstanceState::CrashedStandby);
  srv1.instance.start_takes = 5s;
  srv1.instance.start({}, Deadline(world.clock, 10s));
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::Success);
  EXPECT_GE(srv1.took(), 5s);
}

TEST(Monitor, EndsInTimeWithTheServersWords) {
  World world;
  Monitored srv1(world, InstanceState::Transitional);
  const auto answer = srv1.act(Action::Monitor);
  EXPECT_EQ(answer.code, ReturnCode::ErrGeneric);
  EXPECT_EQ(answer.reason, "the server accepts no connections yet: the database system is starting up");
  EXPECT_LT(srv1.took(), 10s);
}

TEST(Monitor, TakesAFullServerForAliveAndWarns) {
  struct Row {
    InstanceState state;
    ReturnCode code;
  };
  for (const auto& row :
       {Row{InstanceState::Primary, ReturnCode::RunningPromoted}, Row{InstanceState::Standby, ReturnCode::Success}}) {
    World world;
    Monitored srv1(world, row.state);
    srv1.instance.contact = pg::Contact::Saturated;
    srv1.instance.contact_detail = "sorry, too many clients already";
    EXPECT_EQ(srv1.act(Action::Monitor).code, row.code);
    EXPECT_TRUE(world.log.has("warning", "sorry, too many clients already"));
    EXPECT_EQ(srv1.instance.questions, Orders{"probe"}) << "there is no session to ask more";
  }
}

TEST(Monitor, TakesAServerThatRefusesTheAgentForAliveAndWarns) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  srv1.instance.contact = pg::Contact::Denied;
  srv1.instance.contact_detail = "no pg_hba.conf entry";
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::RunningPromoted);
  EXPECT_TRUE(world.log.has("warning", "no pg_hba.conf entry"));
}

// ---- Probes

TEST(Probe, AnswersNotRunningWithoutADataDirectory) {
  World world;
  Node srv1(world, "srv1", InstanceState::Absent);
  srv1.instance.installed.missing_program = "/usr/bin/postgres";
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::NotRunning);
}

TEST(Probe, NamesAMissingProgram) {
  for (const auto state : {InstanceState::Stopped, InstanceState::CrashedPrimary, InstanceState::Damaged}) {
    SCOPED_TRACE(answer_of(state).name);
    World world;
    Node srv1(world, "srv1", state);
    srv1.instance.installed.missing_program = "/usr/bin/pg_ctl";
    const auto answer = srv1.act(Action::Monitor);
    EXPECT_EQ(answer.code, ReturnCode::ErrInstalled);
    EXPECT_NE(answer.reason.find("\"/usr/bin/pg_ctl\""), std::string::npos) << answer.reason;
  }
}

TEST(Probe, FindsARunningServerAlsoWithoutItsPrograms) {
  World world;
  Node srv1(world, "srv1", InstanceState::Standby);
  srv1.instance.installed.missing_program = "/usr/bin/pg_ctl";
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::Success);
}

TEST(Monitor, DoesNotAskForThePrograms) {
  World world;
  Monitored srv1(world, InstanceState::Stopped);
  srv1.instance.installed.missing_program = "/usr/bin/pg_ctl";
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::NotRunning);
}

// ---- Scores

TEST(Monitor, OfAPrimaryKeepsTheScores) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::RunningPromoted);
  EXPECT_EQ(world.cluster.writes, kFirstScores);
}

TEST(Monitor, WritesNoScoreASecondTime) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  static_cast<void>(srv1.act(Action::Monitor));
  static_cast<void>(srv1.act(Action::Monitor));
  EXPECT_EQ(world.cluster.writes, kFirstScores);
}

TEST(Monitor, AsksThePrimaryTwoThingsAndAStandbyOne) {
  World world;
  Monitored primary(world, InstanceState::Primary);
  Monitored standby(world, InstanceState::Standby);
  static_cast<void>(primary.act(Action::Monitor));
  EXPECT_EQ(primary.instance.questions, (Orders{"probe", "replication_status"}));
  world.cluster.calls = 0;
  static_cast<void>(standby.act(Action::Monitor));
  EXPECT_EQ(standby.instance.questions, Orders{"probe"});
  EXPECT_EQ(world.cluster.calls, 0);
}

TEST(Monitor, HeedsTheLagLimit) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  srv1.set("maxlag", "1024");
  static_cast<void>(srv1.act(Action::Monitor));
  EXPECT_EQ(world.cluster.scores["srv2"], 1000);
  EXPECT_EQ(world.cluster.scores["srv3"], -990);
}

TEST(Monitor, TakesAMalformedLagLimitForNone) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  srv1.set("maxlag", "inf");
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::RunningPromoted);
  EXPECT_EQ(world.cluster.writes, kFirstScores);
}

TEST(Monitor, KeepsItsAnswerWhenTheClusterFails) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  world.cluster.fails = true;
  const auto answer = srv1.act(Action::Monitor);
  EXPECT_EQ(answer.code, ReturnCode::RunningPromoted);
  EXPECT_EQ(answer.reason, "");
  EXPECT_TRUE(world.log.has("warning", "promotion scores not kept up"));
}

TEST(Monitor, KeepsItsAnswerWhenTheReplicationStatusFails) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  srv1.instance.replication_status_fails = true;
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::RunningPromoted);
  EXPECT_EQ(world.cluster.writes, Orders{});
}

TEST(Monitor, KeepsItsAnswerAndItsTimeWhenTheClusterIsSlow) {
  for (const auto latency : {3s, 60s}) {
    World world;
    Monitored srv1(world, InstanceState::Primary);
    world.cluster.latency = latency;
    EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::RunningPromoted);
    EXPECT_LT(srv1.took(), 10s);
  }
}

TEST(Monitor, KeepsItsAnswerWhenANodeHasGoneFromTheCluster) {
  World world;
  Monitored srv1(world, InstanceState::Primary);
  srv1.instance.replication.walsenders.push_back({"backup (nightly", "streaming", std::nullopt});
  srv1.instance.replication.walsenders.push_back({"srv", "streaming", srv1.instance.position.lsn});
  EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::RunningPromoted);
  EXPECT_EQ(world.cluster.writes, kFirstScores);
}

TEST(Monitor, OfAPrimaryThatPacemakerHasNotPromotedTouchesNoScoreAndNamesIt) {
  for (const auto* role : {"Unpromoted", "Slave", "Started", ""}) {
    SCOPED_TRACE(role);
    World world;
    Monitored srv1(world, InstanceState::Primary);
    srv1.set("CRM_meta_role", role);
    const auto answer = srv1.act(Action::Monitor);
    EXPECT_EQ(answer.code, ReturnCode::RunningPromoted) << "so that Pacemaker demotes it";
    EXPECT_EQ(answer.reason, "runs as a primary, though Pacemaker has not promoted it here");
    EXPECT_EQ(world.cluster.writes, Orders{});
    EXPECT_EQ(world.cluster.calls, 0);
  }
}

TEST(Monitor, OfAPromotedInstanceKeepsTheScoresUnderEitherNameOfTheRole) {
  for (const auto* role : {"Promoted", "Master"}) {
    World world;
    Monitored srv1(world, InstanceState::Primary);
    srv1.set("CRM_meta_role", role);
    static_cast<void>(srv1.act(Action::Monitor));
    EXPECT_EQ(world.cluster.writes, kFirstScores) << role;
  }
}

// The former primary's node has booted, and its server with it. Its permanent score has been lowered or has not.
TEST(Probe, ThatFindsAPrimaryTouchesNoScore) {
  for (const auto former_score : {1001, -1000}) {
    for (const auto* role : {"", "Promoted", "Master"}) {
      World world;
      Node srv1(world, "srv1", InstanceState::Primary);
      srv1.set("CRM_meta_role", role);
      world.cluster.scores = {{"srv1", former_score}, {"srv2", 1001}, {"srv3", 1000}};
      const auto answer = srv1.act(Action::Monitor);
      EXPECT_EQ(answer.code, ReturnCode::RunningPromoted);
      EXPECT_EQ(answer.reason, "");
      EXPECT_EQ(world.cluster.writes, Orders{});
      EXPECT_EQ(world.cluster.calls, 0);
    }
  }
}

TEST(Monitor, ByHandTouchesNoScore) {
  World world;
  Node here(world, "srv1", InstanceState::Primary);
  here.environment = ocf::Environment{};  // as `pgsqlms --pgdata=... monitor` in a shell
  EXPECT_EQ(here.act(Action::Monitor).code, ReturnCode::RunningPromoted);
  EXPECT_EQ(world.cluster.writes, Orders{});
}

TEST(Monitor, GivesTheScoresAThirdOfItsTimeAndFiveSecondsAtMost) {
  struct Row {
    const char* timeout;
    Duration at_most;
  };
  for (const auto& row : {Row{"10000", 3s}, Row{"60000", 5s}}) {
    World world;
    Monitored srv1(world, InstanceState::Primary);
    srv1.set("CRM_meta_timeout", row.timeout);
    world.cluster.latency = fake::kNever;
    EXPECT_EQ(srv1.act(Action::Monitor).code, ReturnCode::RunningPromoted);
    EXPECT_LE(srv1.took(), row.at_most) << row.timeout;
    EXPECT_TRUE(world.log.has("warning", "promotion scores not kept up"));
  }
}

}  // namespace
}  // namespace pgsqlms::action
