// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/control_data.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"
#include "fake/recorded.hpp"

namespace pgsqlms::pg {
namespace {

std::string recorded(const std::string& name) { return fake::recorded("controldata/" + name + ".txt"); }

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

TEST(ControlData, IsReadFromWhatRealServersLeave) {
  struct Row {
    const char* file;
    DbState state;
    const char* checkpoint;
    Timeline timeline;
    Timeline minimum_recovery_timeline;
    const char* wal_level;
  };
  constexpr Row kRows[] = {
      {"15-shut-down-after-initdb", DbState::ShutDown, "0/1511A60", 1, 0, "replica"},
      {"15-in-production", DbState::InProduction, "0/1511A60", 1, 0, "replica"},
      {"15-in-production-base-backup", DbState::InProduction, "0/2000060", 1, 0, "replica"},
      {"15-in-archive-recovery", DbState::InArchiveRecovery, "0/2000060", 1, 1, "replica"},
      {"15-shut-down-in-recovery", DbState::ShutDownInRecovery, "0/2000060", 1, 1, "replica"},
      {"15-shut-down-primary", DbState::ShutDown, "0/3025AB0", 1, 0, "replica"},
      {"15-in-production-right-after-promotion", DbState::InProduction, "0/2000060", 1, 2, "replica"},
      {"15-in-production-after-crash", DbState::InProduction, "0/2000060", 1, 2, "replica"},
      {"15-in-archive-recovery-after-crash", DbState::InArchiveRecovery, "0/3025AB0", 1, 1, "replica"},
      {"9.3-in-production", DbState::InProduction, "0/17E2B88", 1, 0, "hot_standby"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.file);
    const auto control = parse_control_data(recorded(row.file));
    ASSERT_TRUE(control);
    EXPECT_EQ(control->state, row.state);
    EXPECT_EQ(control->checkpoint, Lsn::parse(row.checkpoint));
    EXPECT_EQ(control->timeline, row.timeline);
    EXPECT_EQ(control->minimum_recovery_timeline, row.minimum_recovery_timeline);
    EXPECT_EQ(control->wal_level, row.wal_level);
  }
}

TEST(ControlData, TellsWhatAStandbyMustHaveReplayed) {
  const auto primary = parse_control_data(recorded("15-in-production"));
  EXPECT_EQ(primary->minimum_recovery, Lsn{});
  EXPECT_EQ(primary->wal_segment_size, 16U << 20U);
  const auto text = recorded("15-in-archive-recovery");
  const auto standby = parse_control_data(text);
  EXPECT_FALSE(standby->minimum_recovery == Lsn{});
  EXPECT_FALSE(standby->is_unfinished_backup);
}

TEST(ControlData, TellsACopyThatIsNotWhole) {
  const auto text = recorded("15-in-archive-recovery");
  const auto with = [&](const std::string& label, const std::string& former, const std::string& value) {
    const auto line = text.find(label);
    const auto at = text.find(former, line);
    return std::string(text).replace(at, former.size(), value);
  };
  EXPECT_TRUE(parse_control_data(with("Backup start location:", "0/0", "0/2000028"))->is_unfinished_backup);
  EXPECT_TRUE(parse_control_data(with("Backup end location:", "0/0", "0/2000100"))->is_unfinished_backup);
  EXPECT_TRUE(parse_control_data(with("End-of-backup record required:", "no", "yes"))->is_unfinished_backup);
  EXPECT_TRUE(parse_control_data(replaced(text, "End-of-backup", "Something"))->is_unfinished_backup) << "untold";
}

TEST(ControlData, HasThePrimarysHotStandbySettings) {
  EXPECT_EQ(parse_control_data(recorded("15-in-production"))->hot_standby_settings,
            (std::map<std::string, int>{{"max_connections", 100},
                                        {"max_worker_processes", 8},
                                        {"max_wal_senders", 10},
                                        {"max_prepared_transactions", 0},
                                        {"max_locks_per_transaction", 64}}));
  EXPECT_EQ(parse_control_data(recorded("9.3-in-production"))->hot_standby_settings,
            (std::map<std::string, int>{{"max_connections", 100}}));
}

TEST(ControlData, KnowsEveryStateByPostgresqlsName) {
  const auto text = recorded("15-in-production");
  for (const auto* name : {"starting up", "shut down", "shut down in recovery", "shutting down", "in crash recovery",
                           "in archive recovery", "in production"}) {
    SCOPED_TRACE(name);
    const auto control = parse_control_data(replaced(text, "in production", name));
    ASSERT_TRUE(control);
    EXPECT_EQ(to_string(control->state), name);
  }
}

TEST(ControlData, IsNotReadWithoutOneOfItsLines) {
  const auto text = recorded("15-in-production");
  for (const auto* label : {"Database cluster state:", "Latest checkpoint location:", "Latest checkpoint's TimeLineID:",
                            "Min recovery ending loc's timeline:", "wal_level setting:"}) {
    SCOPED_TRACE(label);
    EXPECT_FALSE(parse_control_data(replaced(text, label, "Something else:")));
  }
}

TEST(ControlData, IsNotReadFromValuesThatAreNotUnderstood) {
  const auto text = recorded("15-in-production");
  EXPECT_FALSE(parse_control_data(replaced(text, "in production", "unrecognized status code")));
  EXPECT_FALSE(parse_control_data(replaced(text, "in production", "In Production")));
  EXPECT_FALSE(parse_control_data(replaced(text, "0/1511A60", "0x1511A60")));
}

TEST(ControlData, IsNotReadFromAnotherLanguage) {
  const auto text = recorded("15-in-production");
  EXPECT_FALSE(parse_control_data(replaced(text, "Database cluster state:", "Datenbank-Cluster-Status:")));
  EXPECT_FALSE(parse_control_data(replaced(text, "in production", "im Produktionsmodus")));
}

TEST(ControlData, IsNotReadFromNothingOrFromAPart) {
  const auto text = recorded("15-in-production");
  EXPECT_FALSE(parse_control_data(""));
  EXPECT_FALSE(parse_control_data(text.substr(0, text.find("wal_level"))));
}

TEST(ControlData, IsReadFromLabelsAsAWhole) {
  const auto text = "Database cluster state machine:  version 2\n" + recorded("15-in-production");
  EXPECT_TRUE(parse_control_data(text));
}

TEST(ControlData, DoesNotDependOnTheOrderOfTheLines) {
  const auto text = recorded("15-shut-down-primary");
  const auto half = text.find("Latest checkpoint location");
  const auto control = parse_control_data(text.substr(half) + text.substr(0, half));
  ASSERT_TRUE(control);
  EXPECT_EQ(control->state, DbState::ShutDown);
}

}  // namespace
}  // namespace pgsqlms::pg
