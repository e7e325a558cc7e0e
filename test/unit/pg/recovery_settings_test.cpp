// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/recovery_settings.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::pg {
namespace {

using Settings = std::map<std::string, std::string>;

/// The template of the talk from which this project was made.
constexpr const char* kTemplate =
    "standby_mode = on  \n"
    "primary_conninfo = 'host=192.168.122.50 application_name=$(hostname -s)'  \n"
    "recovery_target_timeline = 'latest'\n";

RecoverySettings good_for(const std::string& node) { return {"on", "latest", node, ""}; }

TEST(RenderTemplate, MakesTheTalksTemplateWorkAsItIsPrinted) {
  EXPECT_EQ(render_template(kTemplate, {"srv1.example.org", "srv1"}),
            "standby_mode = on  \n"
            "primary_conninfo = 'host=192.168.122.50 application_name=srv1'  \n"
            "recovery_target_timeline = 'latest'\n");
}

TEST(RenderTemplate, KnowsTheHostsNamesAndTheNodes) {
  const TemplateNames names{"srv1.example.org", "node-a"};
  EXPECT_EQ(render_template("$(hostname -s)", names), "srv1");
  EXPECT_EQ(render_template("$(hostname)", names), "srv1.example.org");
  EXPECT_EQ(render_template("$(uname -n)", names), "srv1.example.org");
  EXPECT_EQ(render_template("{{node}}", names), "node-a");
}

TEST(RenderTemplate, ReplacesEveryOccurrence) {
  EXPECT_EQ(render_template("{{node}}_{{node}}", {"host", "srv1"}), "srv1_srv1");
}

TEST(RenderTemplate, LeavesEverythingElseToItself) {
  for (const auto* text : {"", "restore_command = 'cp /a/%f %p'", "$(rm -rf /)", "`id`", "$(hostname -f)", "{node}"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(render_template(text, {"host", "srv1"}), text);
  }
}

TEST(RecoveryConf, OfTheRenderedTemplateIsRead) {
  const auto settings = parse_recovery_conf(render_template(kTemplate, {"srv1", "srv1"}));
  EXPECT_EQ(settings, (Settings{{"standby_mode", "on"},
                                {"primary_conninfo", "host=192.168.122.50 application_name=srv1"},
                                {"recovery_target_timeline", "latest"}}));
}

TEST(RecoveryConf, IsReadAsPostgresqlReadsIt) {
  struct Row {
    const char* line;
    Settings settings;
  };
  const Row kRows[] = {
      {"standby_mode = 'on'", {{"standby_mode", "on"}}},
      {"standby_mode on", {{"standby_mode", "on"}}},
      {"standby_mode=on", {{"standby_mode", "on"}}},
      {"\t standby_mode\t=\ton\t", {{"standby_mode", "on"}}},
      {"STANDBY_MODE = On", {{"standby_mode", "On"}}},
      {"standby_mode = on # a comment", {{"standby_mode", "on"}}},
      {"standby_mode = on# a comment", {{"standby_mode", "on"}}},
      {"standby_mode = 'on' # a 'comment'", {{"standby_mode", "on"}}},
      {"primary_conninfo = 'host=a # b'", {{"primary_conninfo", "host=a # b"}}},
      {"primary_conninfo = 'password=''a b'' port=1'", {{"primary_conninfo", "password='a b' port=1"}}},
      {"primary_conninfo = 'password=\\'a b\\''", {{"primary_conninfo", "password='a b'"}}},
      {"primary_conninfo = ''", {{"primary_conninfo", ""}}},
      {"primary_conninfo =", {{"primary_conninfo", ""}}},
      {"standby_mode = on\r\n", {{"standby_mode", "on"}}},
      {"# standby_mode = on", {}},
      {"  # standby_mode = on", {}},
      {"", {}},
      {"\n\n", {}},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.line);
    EXPECT_EQ(parse_recovery_conf(row.line), row.settings);
  }
}

TEST(RecoveryConf, TakesTheLastValueOfASetting) {
  EXPECT_EQ(parse_recovery_conf("standby_mode = off\nSTANDBY_MODE = on\n"), (Settings{{"standby_mode", "on"}}));
}

TEST(RecoveryConf, IgnoresAnUnfinishedQuote) {
  EXPECT_EQ(parse_recovery_conf("standby_mode = 'on").at("standby_mode"), "on");
  EXPECT_EQ(parse_recovery_conf("standby_mode = 'on\\").at("standby_mode"), "on\\");
}

TEST(FindProblem, FindsNoneWhereAllIsWell) {
  EXPECT_EQ(find_problem(good_for("srv1"), SettingsSource::ServerConfiguration, "srv1"), std::nullopt);
  EXPECT_EQ(find_problem(good_for("srv1"), SettingsSource::RecoveryTemplate, "srv1"), std::nullopt);
}

TEST(FindProblem, LooksForStandbyModeInATemplateOnly) {
  for (const auto* mode : {"", "off", "no", "0"}) {
    SCOPED_TRACE(mode);
    auto settings = good_for("srv1");
    settings.standby_mode = mode;
    EXPECT_EQ(find_problem(settings, SettingsSource::ServerConfiguration, "srv1"), std::nullopt);
    const auto problem = find_problem(settings, SettingsSource::RecoveryTemplate, "srv1");
    ASSERT_TRUE(problem);
    EXPECT_NE(problem->find("standby_mode is \"" + std::string(mode) + "\""), std::string::npos) << *problem;
  }
}

TEST(FindProblem, NamesATimelineThatIsNotLatest) {
  for (const auto* timeline : {"", "current", "1", "Latest"}) {
    SCOPED_TRACE(timeline);
    auto settings = good_for("srv1");
    settings.recovery_target_timeline = timeline;
    const auto problem = find_problem(settings, SettingsSource::ServerConfiguration, "srv1");
    ASSERT_TRUE(problem);
    EXPECT_NE(problem->find("recovery_target_timeline is \"" + std::string(timeline) + "\""), std::string::npos);
  }
}

TEST(FindProblem, ComparesTheApplicationNameExactly) {
  for (const auto* name : {"srv10", "srv", "SRV1", "srv1 ", "srv1.example.org", "", "srv2"}) {
    SCOPED_TRACE(name);
    const auto problem = find_problem(good_for(name), SettingsSource::ServerConfiguration, "srv1");
    ASSERT_TRUE(problem);
    EXPECT_NE(problem->find("\"" + std::string(name) + "\", it must be \"srv1\""), std::string::npos) << *problem;
  }
}

TEST(FindProblem, SaysWhatAMissingApplicationNameMustBe) {
  auto settings = good_for("srv1");
  settings.application_name.reset();
  const auto problem = find_problem(settings, SettingsSource::ServerConfiguration, "srv1");
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find("no application_name, it must be \"srv1\""), std::string::npos) << *problem;
}

TEST(FindProblem, NamesANodeWhoseNameIsTooLongForAnApplicationName) {
  const std::string longest(63, 'n');
  EXPECT_EQ(find_problem(good_for(longest), SettingsSource::ServerConfiguration, longest), std::nullopt);
  const std::string longer(64, 'n');
  const auto problem = find_problem(good_for(longer), SettingsSource::ServerConfiguration, longer);
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find(longer), std::string::npos);
  EXPECT_NE(problem->find("63"), std::string::npos);
}

TEST(FindProblem, SaysWhyAConninfoCannotBeUsed) {
  auto settings = good_for("srv1");
  settings.conninfo_problem = "it is not a valid connection string";
  const auto problem = find_problem(settings, SettingsSource::RecoveryTemplate, "srv1");
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find(settings.conninfo_problem), std::string::npos);
}

}  // namespace
}  // namespace pgsqlms::pg
