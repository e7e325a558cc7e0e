// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/standby_options.hpp"

#include <gtest/gtest.h>

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  Words found;
  for (const auto word : words(line)) found.emplace_back(word);
  return found;
}

bool is_overridden(int version, const std::string& name) {
  for (const auto& setting : standby_overrides({version})) {
    if (setting.name == name) return true;
  }
  return false;
}

TEST(StandbyOverrides, AreSettingsThatTheVersionKnows) {
  for (const auto* const name : {"recovery_target", "recovery_target_lsn", "recovery_target_name",
                                 "recovery_target_time", "recovery_target_xid"}) {
    for (const int version : {90300, 100000, 110000}) EXPECT_FALSE(is_overridden(version, name)) << version;
    for (const int version : {120000, 150000, 180000}) EXPECT_TRUE(is_overridden(version, name)) << version;
  }
  for (const int version : {110000, 160000, 180000}) EXPECT_FALSE(is_overridden(version, "promote_trigger_file"));
  for (const int version : {120000, 130000, 150000}) EXPECT_TRUE(is_overridden(version, "promote_trigger_file"));
  for (const int version : {90300, 110000, 180000}) EXPECT_TRUE(is_overridden(version, "hot_standby"));
}

TEST(StandbyOverrides, LeaveTheTimelineAndTheArchiveAlone) {
  for (const auto* const name : {"recovery_target_timeline", "restore_command", "primary_conninfo"}) {
    EXPECT_FALSE(is_overridden(150000, name)) << name;
  }
}

TEST(StandbyOverrides, AreHarmlessThemselves) {
  for (const auto& setting : standby_overrides({150000})) EXPECT_FALSE(is_harmful(setting)) << setting.name;
}

TEST(IsHarmful, IsAnyTargetAnyTriggerAndNoHotStandby) {
  EXPECT_TRUE(is_harmful({"recovery_target", "immediate"}));
  EXPECT_TRUE(is_harmful({"trigger_file", "/tmp/trigger"}));
  EXPECT_TRUE(is_harmful({"hot_standby", "off"}));
  EXPECT_FALSE(is_harmful({"hot_standby", "YES"}));
  EXPECT_FALSE(is_harmful({"recovery_target_xid", ""}));
}

TEST(WithoutSettings, TakesEveryFormOfAnOptionAndNothingElse) {
  const std::vector<Setting> settings = {{"recovery_target_xid", ""}, {"recovery_target_name", ""}};
  const auto left = without_settings(
      words_of("-c recovery_target_xid=5 -p 5433 -crecovery_target_name=a --Recovery-Target-Xid=7 -c work_mem=7MB "
               "-c recovery_target_timeline=latest --log_line_prefix=recovery_target_xid=5 -F -c"),
      settings);
  EXPECT_EQ(left, words_of("-p 5433 -c work_mem=7MB -c recovery_target_timeline=latest "
                           "--log_line_prefix=recovery_target_xid=5 -F -c"));
}

TEST(SettingsIn, AreThoseOfEveryFormInTheirOrder) {
  std::string text;
  for (const auto& [name, value] : settings_in(words_of("-c a_b=1 -F -cA-B=2 --a-b= -c c -D /data"))) {
    text += name + "=" + value + " ";
  }
  EXPECT_EQ(text, "a_b=1 a_b=2 a_b= ");
}

TEST(AsOptions, AreWordsOfTheCommandLine) {
  EXPECT_EQ(as_options({{"hot_standby", "on"}, {"recovery_target", ""}}),
            words_of("-c hot_standby=on -c recovery_target="));
}

TEST(WithoutDormantSettings, LeavesAllOtherLinesAsTheyAre) {
  EXPECT_EQ(without_dormant_settings("standby_mode = on\n"
                                     "# recovery_target_time = 'not this one'\n"
                                     "  Recovery_Target_Time='2020-01-01' # that one\n"
                                     "recovery_target_timeline = 'latest'\n"
                                     "recovery_target_inclusive = off\n"
                                     "trigger_file '/tmp/trigger'\n"
                                     "\n"
                                     "recovery_target=immediate"),
            "standby_mode = on\n"
            "# recovery_target_time = 'not this one'\n"
            "recovery_target_timeline = 'latest'\n"
            "recovery_target_inclusive = off\n"
            "\n");
}

TEST(DormantSettingsIn, AreNamedInLowerCaseWithTheirValues) {
  const auto found = dormant_settings_in("Trigger_File = '/tmp/trigger'\nstandby_mode = on\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "trigger_file");
  EXPECT_EQ(found[0].value, "/tmp/trigger");
}

TEST(FindLowSettings, AreThoseBelowWhatThePrimaryHad) {
  const auto low = find_low_settings({{"max_connections", 10}, {"max_wal_senders", 10}, {"max_worker_processes", 8}},
                                     {{"max_connections", 20},
                                      {"max_wal_senders", 10},
                                      {"max_worker_processes", 4},
                                      {"max_locks_per_transaction", 64}});
  ASSERT_EQ(low.size(), 1U);
  EXPECT_EQ(low[0].name, "max_connections");
  EXPECT_EQ(low[0].configured, 10);
  EXPECT_EQ(low[0].required, 20);
}

}  // namespace
}  // namespace pgsqlms::pg
