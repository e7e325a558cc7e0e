// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <csignal>

#include "deadlines.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/local_instance.hpp"
#include "scratch_instance.hpp"

namespace pgsqlms::system {
namespace {

using test::eventually;
using test::Frozen;
using test::has_standby_signal;
using test::in;
using test::scratch_user;
using test::ScratchInstance;
using test::ScratchPair;
using test::Session;
using std::chrono_literals::operator""s;

pg::WalPosition position_of(const ScratchInstance& instance) {
  return LocalInstance(instance.parameters()).identify(in(10s)).position;
}

pg::Lsn lsn(const std::string& text) { return pg::Lsn::parse(text).value(); }

/// Writes some WAL.
void write_wal(const ScratchInstance& primary) {
  static int number = 0;
  primary.ask("CREATE TABLE t" + std::to_string(++number) + " AS SELECT generate_series(1, 1000) AS n");
}

// ---- primary_system_identifier

TEST(PrimarySystemIdentifier, IsToldByTheServerThatPrimaryConninfoNames) {
  ScratchInstance primary;
  primary.start();
  primary.ask("SELECT 1");
  const ScratchInstance standby;
  standby.follow(primary, "srv1");
  LocalInstance local(standby.parameters());
  const auto own = LocalInstance(primary.parameters()).identify(in(10s)).system_identifier;
  EXPECT_EQ(local.primary_system_identifier({"srv1", "srv1"}, in(10s)), own);
  primary.stop();
  EXPECT_EQ(local.primary_system_identifier({"srv1", "srv1"}, in(10s)), std::nullopt);
}

TEST(PrimarySystemIdentifier, IsNotKnownWhereThePrimaryDoesNotAnswerInTime) {
  ScratchInstance primary;
  primary.start();
  const ScratchInstance standby;
  standby.follow(primary, "srv1");
  const Frozen frozen(primary.postmaster());
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(LocalInstance(standby.parameters()).primary_system_identifier({"srv1", "srv1"}, in(1s)), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST(PrimarySystemIdentifier, IsNotAskedForWhereANameWouldHaveToBeLookedUp) {
  ScratchInstance primary;
  primary.start();
  const ScratchInstance standby;
  standby.configure_recovery("primary_conninfo = 'host=localhost," + primary.folder().path() + " port=5432'");
  EXPECT_EQ(LocalInstance(standby.parameters()).primary_system_identifier({"srv1", "srv1"}, in(5s)), std::nullopt);
}

TEST(PrimarySystemIdentifier, IsNotKnownWithoutAConninfo) {
  const ScratchInstance standby;
  standby.configure_recovery("primary_conninfo = ''");
  EXPECT_EQ(LocalInstance(standby.parameters()).primary_system_identifier({"srv1", "srv1"}, in(5s)), std::nullopt);
}

// ---- replication_status

pg::ReplicationStatus status_of(const ScratchInstance& primary) {
  LocalInstance local(primary.parameters());
  EXPECT_EQ(local.probe(in(10s)).contact, pg::Contact::Accepted);
  return local.replication_status(in(10s));
}

TEST(ReplicationStatus, ShowsTheStreamingStandby) {
  const ScratchPair pair;
  write_wal(pair.primary);
  pair.catch_up();
  const auto status = status_of(pair.primary);
  ASSERT_EQ(status.walsenders.size(), 1U);
  EXPECT_EQ(status.walsenders[0].application_name, "srv2");
  EXPECT_EQ(status.walsenders[0].state, "streaming");
  EXPECT_EQ(status.walsenders[0].written, status.current);
  EXPECT_EQ(status.walsenders[0].replayed, status.current);
  EXPECT_FALSE(status.walsenders[0].synchronous);
  EXPECT_EQ(status.current, lsn(pair.primary.ask("SELECT pg_current_wal_lsn()")));
}

TEST(ReplicationStatus, ShowsTheOwnPositionWhereNobodyIsConnected) {
  ScratchInstance instance;
  instance.start();
  const auto status = status_of(instance);
  EXPECT_TRUE(status.walsenders.empty());
  EXPECT_NE(status.current, pg::Lsn{});
  EXPECT_EQ(status.since_promotion, std::nullopt);
}

TEST(ReplicationStatus, ShowsAConnectionWithoutAPosition) {
  ScratchInstance instance;
  instance.start();
  const Session walsender(instance.conninfo() + " replication=true application_name=pg_receivewal");
  ASSERT_TRUE(walsender.is_open()) << walsender.error();
  const auto status = status_of(instance);
  ASSERT_EQ(status.walsenders.size(), 1U);
  EXPECT_EQ(status.walsenders[0].application_name, "pg_receivewal");
  EXPECT_EQ(status.walsenders[0].state, "startup");
  EXPECT_EQ(status.walsenders[0].written, std::nullopt);
}

TEST(ReplicationStatus, TellsHowLongAgoTheInstanceWasPromoted) {
  ScratchPair pair;
  pair.primary.stop();
  pair.standby.promote();
  const auto status = status_of(pair.standby);
  ASSERT_TRUE(status.since_promotion);
  EXPECT_LT(status.since_promotion->count(), 30);
}

TEST(ReplicationStatus, TellsWhereTheAgentsRoleDoesNotSeeWalsenders) {
  ScratchInstance instance;
  instance.start();
  instance.ask("CREATE ROLE boss SUPERUSER LOGIN");
  const Session walsender(instance.conninfo() + " user=boss replication=true application_name=srv2");
  ASSERT_TRUE(walsender.is_open()) << walsender.error();
  EXPECT_FALSE(status_of(instance).is_partly_hidden);
  Session boss(instance.conninfo() + " user=boss");
  boss.ask("ALTER ROLE \"" + scratch_user().name + "\" RENAME TO former");
  boss.ask("CREATE ROLE \"" + scratch_user().name + "\" LOGIN");
  EXPECT_TRUE(status_of(instance).is_partly_hidden);
}

TEST(ReplicationStatus, IsAFailureWithoutAConnection) {
  const ScratchInstance instance;
  EXPECT_THROW(static_cast<void>(LocalInstance(instance.parameters()).replication_status(in(10s))), ocf::Failure);
}

TEST(ReplicationStatus, ShowsThatADivergedStandbyHasNothingOfTheNewTimeline) {
  ScratchPair pair;
  // The standby is promoted without what the primary has written since.
  pair.standby.stop();
  pair.primary.ask("CREATE TABLE only_here AS SELECT generate_series(1, 1000)");
  pair.primary.stop();
  pair.standby.start();
  pair.standby.promote();
  pair.standby.ask("CHECKPOINT");
  pair.primary.follow(pair.standby, "srv1");
  pair.primary.start();
  std::optional<pg::ReplicationStatus> seen;
  ASSERT_TRUE(eventually([&] {
    seen = status_of(pair.standby);
    return !seen->walsenders.empty() && seen->walsenders.front().state == "streaming";
  }));
  ASSERT_TRUE(seen->timeline_begin);
  EXPECT_FALSE(*seen->timeline_begin < seen->walsenders.front().written.value_or(pg::Lsn{}));
  EXPECT_LT(*seen->timeline_begin, seen->current);
}

TEST(ReplicationStatus, KnowsNoBeginningOfTheFirstTimeline) {
  const ScratchPair pair;
  EXPECT_EQ(status_of(pair.primary).timeline_begin, std::nullopt);
}

// ---- identify

/// On the second timeline, as far as it goes now: the checkpoint that follows a promotion may still write a record.
bool is_where_the_promoted_one_is(const ScratchInstance& instance, const ScratchInstance& promoted) {
  return position_of(instance) == pg::WalPosition{2, lsn(promoted.ask("SELECT pg_current_wal_lsn()"))};
}

TEST(Identify, IsToldWhereNoDatabaseLetsTheAgentIn) {
  ScratchInstance instance;
  instance.start();
  Session other(instance.conninfo());
  other.ask("UPDATE pg_database SET datallowconn = false");
  EXPECT_EQ(LocalInstance(instance.parameters()).identify(in(10s)).position.timeline, 1U);
}

TEST(Identify, OfAStreamingStandbyIsWhatItHasReceived) {
  const ScratchPair pair;
  write_wal(pair.primary);
  pair.catch_up();
  const auto position = position_of(pair.standby);
  EXPECT_EQ(position.timeline, 1U);
  EXPECT_EQ(position.lsn, lsn(pair.primary.ask("SELECT pg_current_wal_lsn()")));
}

TEST(Identify, OfAStandbyWhoseReplayIsPausedIsWhatItHasReceived) {
  const ScratchPair pair;
  pair.standby.ask("SELECT pg_wal_replay_pause()");
  write_wal(pair.primary);
  const auto written = lsn(pair.primary.ask("SELECT pg_current_wal_lsn()"));
  EXPECT_TRUE(eventually([&] { return position_of(pair.standby).lsn == written; }));
  EXPECT_NE(lsn(pair.standby.ask("SELECT pg_last_wal_replay_lsn()")), written);
}

TEST(Identify, OfARestartedStandbyWithoutAPrimaryIsNotTheStartOfASegment) {
  ScratchPair pair;
  write_wal(pair.primary);
  pair.catch_up();
  const auto before = position_of(pair.standby);
  pair.primary.kill_server();
  pair.standby.stop();
  pair.standby.start();
  EXPECT_EQ(position_of(pair.standby), before);
}

TEST(Identify, TellsTheSystemIdentifier) {
  ScratchInstance instance;
  instance.start();
  const auto system = std::to_string(LocalInstance(instance.parameters()).identify(in(10s)).system_identifier);
  EXPECT_EQ(system, instance.control("Database system identifier"));
}

TEST(Identify, SaysThatARestartedStandbyStillReplaysItsOwnWal) {
  ScratchPair pair;
  write_wal(pair.primary);
  pair.catch_up();
  pair.standby.ask("SELECT pg_wal_replay_pause()");
  write_wal(pair.primary);
  const auto written = lsn(pair.primary.ask("SELECT pg_current_wal_lsn()"));
  ASSERT_TRUE(eventually([&] { return position_of(pair.standby).lsn == written; }));
  EXPECT_FALSE(LocalInstance(pair.standby.parameters()).identify(in(10s)).has_more_wal);
  pair.standby.stop();
  pair.primary.kill_server();
  pair.standby.configure_recovery("recovery_min_apply_delay = '1h'");
  if (!has_standby_signal()) pair.standby.ask_for_recovery();
  pair.standby.start();
  const auto identity = LocalInstance(pair.standby.parameters()).identify(in(10s));
  EXPECT_TRUE(identity.position.lsn < written);
  EXPECT_TRUE(identity.has_more_wal);
}

TEST(Identify, SaysThatAStandbyWithoutAPrimaryHasReplayedAll) {
  ScratchPair pair;
  write_wal(pair.primary);
  pair.catch_up();
  const auto before = position_of(pair.standby);
  pair.standby.stop();
  pair.primary.kill_server();
  pair.standby.configure_recovery("primary_conninfo = ''");
  if (!has_standby_signal()) pair.standby.ask_for_recovery();
  pair.standby.start();
  LocalInstance local(pair.standby.parameters());
  EXPECT_TRUE(eventually([&] { return !local.identify(in(10s)).has_more_wal; }));
  EXPECT_EQ(local.identify(in(10s)).position, before);
}

TEST(Identify, OfAStandbyThatLostItsWalReceiverIsWhatItHadReceived) {
  ScratchPair pair;
  write_wal(pair.primary);
  pair.catch_up();
  const auto before = position_of(pair.standby);
  pair.primary.kill_server();
  ASSERT_TRUE(eventually([&] { return pair.standby.ask("SELECT count(*) FROM pg_stat_wal_receiver") == "0"; }));
  EXPECT_EQ(position_of(pair.standby), before);
}

TEST(Identify, IsOnTheNewTimelineRightAfterASwitch) {
  ScratchPair pair;
  ScratchInstance third;
  third.follow(pair.standby, "srv3");
  third.start();
  ASSERT_TRUE(eventually([&] { return pair.standby.ask("SELECT count(*) FROM pg_stat_replication") == "1"; }));
  pair.primary.stop();
  pair.standby.promote();
  write_wal(pair.standby);
  const auto written = lsn(pair.standby.ask("SELECT pg_current_wal_lsn()"));
  const auto position = position_of(pair.standby);
  EXPECT_EQ(position.timeline, 2U);
  EXPECT_FALSE(position.lsn < written);
  EXPECT_FALSE(lsn(pair.standby.ask("SELECT pg_current_wal_lsn()")) < position.lsn);
  EXPECT_TRUE(eventually([&] { return is_where_the_promoted_one_is(third, pair.standby); }))
      << to_string(position_of(third));
}

TEST(Identify, OfAnInstanceThatDoesNotRunIsAFailure) {
  const ScratchInstance instance;
  EXPECT_THROW(static_cast<void>(position_of(instance)), ocf::Failure);
}

/// A standby whose only walsender is taken, so that no replication connection is to be had.
struct StandbyWithoutWalsender {
  StandbyWithoutWalsender() {
    primary.configure("max_wal_senders = 1");
    standby.configure("max_wal_senders = 1");
    standby.follow(primary);
    primary.start();
    standby.start();
    walsender = std::make_unique<Session>(standby.conninfo() + " replication=true");
    if (!walsender->is_open()) throw std::runtime_error(walsender->error());
    if (!eventually([&] { return primary.ask("SELECT state FROM pg_stat_replication") == "streaming"; })) {
      throw std::runtime_error("the standby does not stream");
    }
    if (Session(standby.conninfo() + " replication=database").is_open()) throw std::runtime_error("not refused");
  }

  void catch_up() const {
    const auto written = lsn(primary.ask("SELECT pg_current_wal_lsn()"));
    if (!eventually([&] { return lsn(standby.ask("SELECT pg_last_wal_replay_lsn()")) == written; })) {
      throw std::runtime_error("the standby does not catch up");
    }
  }

  ScratchInstance primary;
  ScratchInstance standby;
  std::unique_ptr<Session> walsender;
};

TEST(WalPositionBySql, AgreesWithIdentifySystemOnAStreamingStandby) {
  StandbyWithoutWalsender scene;
  write_wal(scene.primary);
  scene.catch_up();
  const auto by_sql = position_of(scene.standby);
  scene.walsender.reset();
  ASSERT_TRUE(eventually([&] { return Session(scene.standby.conninfo() + " replication=database").is_open(); }));
  EXPECT_EQ(by_sql, position_of(scene.standby));
  EXPECT_EQ(by_sql.lsn, lsn(scene.primary.ask("SELECT pg_current_wal_lsn()")));
}

TEST(WalPositionBySql, AgreesWithIdentifySystemAfterARestartWithoutAPrimary) {
  StandbyWithoutWalsender scene;
  write_wal(scene.primary);
  scene.catch_up();
  scene.primary.kill_server();
  scene.walsender.reset();
  scene.standby.stop();
  scene.standby.start();
  ASSERT_TRUE(eventually([&] { return Session(scene.standby.conninfo() + " replication=database").is_open(); }));
  const auto identified = position_of(scene.standby);
  ASSERT_TRUE(eventually([&] {
    scene.walsender = std::make_unique<Session>(scene.standby.conninfo() + " replication=true");
    return scene.walsender->is_open() && !Session(scene.standby.conninfo() + " replication=database").is_open();
  }));
  EXPECT_EQ(position_of(scene.standby), identified);
}

TEST(WalPositionBySql, KnowsTheNewTimelineThoughTheControlFileShowsTheOldOne) {
  ScratchPair pair;
  ScratchInstance third;
  third.configure("max_wal_senders = 4");
  third.follow(pair.standby, "srv3");
  third.start();
  ASSERT_TRUE(eventually([&] { return pair.standby.ask("SELECT count(*) FROM pg_stat_replication") == "1"; }));
  std::vector<std::unique_ptr<Session>> walsenders;
  for (int i = 0; i < 4; ++i) {
    walsenders.push_back(std::make_unique<Session>(third.conninfo() + " replication=true"));
    ASSERT_TRUE(walsenders.back()->is_open()) << walsenders.back()->error();
  }
  pair.primary.stop();
  pair.standby.promote();
  write_wal(pair.standby);
  EXPECT_TRUE(eventually([&] { return is_where_the_promoted_one_is(third, pair.standby); }))
      << to_string(position_of(third));
}

// ---- timeline_history

TEST(TimelineHistory, OfAPromotedStandbyAndOfWhoFollowsItIsWhereTheFirstTimelineWasLeft) {
  ScratchPair pair;
  ScratchInstance third;
  third.follow(pair.standby, "srv3");
  third.start();
  write_wal(pair.primary);
  pair.catch_up();
  const auto promoted_at = position_of(pair.standby).lsn;
  pair.primary.kill_server();
  pair.standby.promote();
  write_wal(pair.standby);
  const auto history_of = [](const ScratchInstance& instance) {
    return LocalInstance(instance.parameters()).timeline_history(position_of(instance).timeline);
  };
  EXPECT_EQ(history_of(pair.standby), (pg::TimelineHistory{{1, promoted_at}}));
  EXPECT_TRUE(eventually([&] { return history_of(third) == pg::TimelineHistory{{1, promoted_at}}; }));
  EXPECT_EQ(LocalInstance(pair.standby.parameters()).timeline_history(1), pg::TimelineHistory{});
}

// ---- ends_with_shutdown_checkpoint

/// The proof reads WAL with pg_waldump.
class EndsWithShutdownCheckpoint : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = test::reason_for_missing("pg_waldump")) GTEST_SKIP() << *reason;
  }
};

bool ends_cleanly(const ScratchInstance& instance, const pg::WalPosition& end) {
  return LocalInstance(instance.parameters()).ends_with_shutdown_checkpoint(end, in(20s));
}

TEST_F(EndsWithShutdownCheckpoint, IsTrueOnceThePrimaryWasStoppedCleanly) {
  ScratchPair pair;
  write_wal(pair.primary);
  pair.primary.stop();
  const auto end = position_of(pair.standby);
  ASSERT_LT(lsn(pair.primary.control("Latest checkpoint location")), end.lsn);
  EXPECT_TRUE(ends_cleanly(pair.standby, end)) << to_string(end);
}

TEST_F(EndsWithShutdownCheckpoint, IsTrueWhereTheCheckpointIsTheFirstRecordOfASegment) {
  // With archiving on every shutdown switches to a new segment before its checkpoint.
  ScratchInstance primary;
  ScratchInstance standby;
  for (const auto* const instance : {&primary, &standby}) {
    // The kept segments let the walsender deliver what the last checkpoint would remove at once.
    instance->configure("archive_mode = on\narchive_command = '/bin/true'");
    instance->configure(test::server_major() >= 13 ? "wal_keep_size = 64MB" : "wal_keep_segments = 4");
  }
  standby.follow(primary);
  primary.start();
  standby.start();
  ASSERT_TRUE(eventually([&] { return primary.ask("SELECT state FROM pg_stat_replication") == "streaming"; }));
  write_wal(primary);
  primary.stop();
  const auto end = position_of(standby);
  ASSERT_LT(lsn(primary.control("Latest checkpoint location")), end.lsn);
  ASSERT_LT(end.lsn.bytes % (16 << 20), 0x100U) << "the checkpoint is not at the start of a segment";
  EXPECT_TRUE(ends_cleanly(standby, end)) << to_string(end);
}

TEST_F(EndsWithShutdownCheckpoint, IsFalseWhereTheStandbyMissedIt) {
  ScratchPair pair;
  write_wal(pair.primary);
  pair.catch_up();
  pair.standby.stop();
  write_wal(pair.primary);
  pair.primary.stop();
  pair.standby.start();
  const auto end = position_of(pair.standby);
  ASSERT_LT(end.lsn, lsn(pair.primary.control("Latest checkpoint location")));
  EXPECT_FALSE(ends_cleanly(pair.standby, end));
}

TEST_F(EndsWithShutdownCheckpoint, IsFalseWhereOtherRecordsFollowedIt) {
  ScratchPair pair;
  write_wal(pair.primary);
  pair.primary.stop();
  const auto clean_end = position_of(pair.standby);
  pair.primary.start();
  ASSERT_TRUE(eventually([&] { return pair.primary.ask("SELECT count(*) FROM pg_stat_replication") == "1"; }));
  write_wal(pair.primary);
  pair.catch_up();
  const auto end = position_of(pair.standby);
  EXPECT_TRUE(ends_cleanly(pair.standby, clean_end)) << to_string(clean_end);
  EXPECT_FALSE(ends_cleanly(pair.standby, end)) << to_string(end);
}

TEST_F(EndsWithShutdownCheckpoint, IsFalseForACheckpointOfARunningServer) {
  const ScratchPair pair;
  write_wal(pair.primary);
  pair.primary.ask("CHECKPOINT");
  pair.catch_up();
  EXPECT_FALSE(ends_cleanly(pair.standby, position_of(pair.standby)));
}

TEST_F(EndsWithShutdownCheckpoint, IsFalseWhereThereIsNoWal) {
  const ScratchInstance instance;
  EXPECT_FALSE(ends_cleanly(instance, {1, lsn("0/1F00000")}));
  EXPECT_FALSE(ends_cleanly(instance, {1, lsn("0/0")}));
}

}  // namespace
}  // namespace pgsqlms::system
