// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

class Log : public testing::Test {
 protected:
  Log() {
    write_file(log_, "");
    write_file(debug_log_, "");
  }

  [[nodiscard]] AgentRun reload(const Variables& more) const { return run_agent({"reload"}, with(environment_, more)); }
  [[nodiscard]] AgentRun probe(const Variables& more) const { return run_agent({"monitor"}, with(environment_, more)); }

  ScratchFolder folder_;
  const std::string log_ = folder_ / "log";
  const std::string debug_log_ = folder_ / "debug";
  const Variables environment_ = {{"OCF_RESOURCE_INSTANCE", "pgsqld"},
                                  {"OCF_RA_VERSION_MAJOR", "1"},
                                  {"OCF_RESKEY_pgdata", folder_ / "data"},
                                  {"OCF_RESKEY_bindir", server_programs()}};
};

const std::regex kLine(R"re(pgsqlms\(pgsqld\)\[[0-9]+\]:\t[A-Z][a-z]{2} [0-9 ]{2} [0-9:]{8} [a-zA-Z]+: .+)re");

/// Every line has the tag, the time and the level, and there are some.
void expect_lines(const std::string& text) {
  ASSERT_NE(text, "");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(std::regex_match(line, kLine)) << line;
}

TEST_F(Log, GoesToTheLogFileWithTheTagOfOcfLog) {
  const auto run = reload({{"HA_LOGFILE", log_}});
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.out + run.err, "");
  expect_lines(contents_of(log_));
}

TEST_F(Log, MakesItsFiles) {
  std::filesystem::remove(log_);
  std::filesystem::remove(debug_log_);
  EXPECT_EQ(reload({{"HA_LOGFILE", log_}, {"HA_DEBUGLOG", debug_log_}}).code, kSuccess);
  expect_lines(contents_of(log_));
  expect_lines(contents_of(debug_log_));
}

TEST_F(Log, DoesNotWaitForTheReaderOfAPipe) {
  std::filesystem::remove(log_);
  ASSERT_EQ(mkfifo(log_.c_str(), 0600), 0);
  EXPECT_EQ(reload({{"HA_LOGFILE", log_}}).code, kSuccess);
}

TEST_F(Log, GoesToTheDebugLogToo) {
  EXPECT_EQ(reload({{"HA_LOGFILE", log_}, {"HA_DEBUGLOG", debug_log_}}).code, kSuccess);
  expect_lines(contents_of(log_));
  expect_lines(contents_of(debug_log_));
}

TEST_F(Log, IsWrittenOnceWhereBothAreOneFile) {
  EXPECT_EQ(reload({{"HA_LOGFILE", log_}, {"HA_DEBUGLOG", log_}}).code, kSuccess);
  const auto text = contents_of(log_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST_F(Log, MakesNoFolderForItsFile) {
  EXPECT_EQ(reload({{"HA_LOGFILE", folder_ / "missing/log"}}).code, kSuccess);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "missing"));
}

TEST_F(Log, HasNoDebugLinesUnlessTheyAreAskedFor) {
  const auto debug_lines = [&](const Variables& more) {
    write_file(debug_log_, "");
    EXPECT_EQ(probe(with({{"HA_DEBUGLOG", debug_log_}}, more)).code, kNotRunning);
    return contents_of(debug_log_).find("debug: ") != std::string::npos;
  };
  EXPECT_FALSE(debug_lines({}));
  EXPECT_FALSE(debug_lines({{"HA_debug", "0"}}));
  EXPECT_TRUE(debug_lines({{"HA_debug", "1"}}));
  EXPECT_TRUE(debug_lines({{"OCF_TRACE_RA", "1"}}));
}

TEST_F(Log, KeepsTheReasonOfAFailureBesideTheExitReason) {
  const auto run = run_agent({"validate-all"}, with(environment_, {{"HA_LOGFILE", log_}, {"OCF_RESKEY_pgport", "0x"}}));
  EXPECT_EQ(run.code, kErrArgs);
  EXPECT_NE(contents_of(log_).find(run.reason()), std::string::npos) << contents_of(log_);
  EXPECT_EQ(run.out, "");
}

TEST_F(Log, SaysNothingWhereNoLogIsConfigured) {
  const auto run = reload({});
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.out + run.err, "");
}

TEST_F(Log, OnAFullDiskDoesNotKeepTheAgentFromItsWork) {
  const auto run = reload({{"HA_LOGFILE", "/dev/full"}, {"HA_DEBUGLOG", "/dev/full"}});
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.reason(), "");
}

TEST_F(Log, ThatCannotBeWrittenDoesNotKeepTheAgentFromItsWork) {
  for (const auto& path : {folder_ / "missing/log", folder_.path(), std::string("/proc/version")}) {
    const auto run = reload({{"HA_LOGFILE", path}});
    EXPECT_EQ(run.code, kSuccess) << path;
    EXPECT_EQ(run.out, "") << path;
  }
}

TEST_F(Log, OfAnUnknownFacilityDoesNotKeepTheAgentFromItsWork) {
  for (const auto* const facility : {"none", "daemon", "local9", ""}) {
    EXPECT_EQ(reload({{"HA_LOGFACILITY", facility}}).code, kSuccess) << facility;
  }
}

TEST_F(Log, ShowsNoFormatCharactersOfAReason) {
  const auto run = run_agent({"%s{}%n"}, with(environment_, {{"HA_LOGFILE", log_}}));
  EXPECT_EQ(run.code, kErrUnimplemented);
  EXPECT_EQ(run.reason(), "unknown action \"%s{}%n\", see pgsqlms --help");
}

TEST(ClosedStreams, DoNotKeepTheAgentFromItsWork) {
  ScratchInstance instance;
  instance.configure("primary_conninfo = 'application_name=srv1'");
  instance.start();
  const auto environment = recurring(environment_for(instance));
  for (const auto& closed : {std::vector<int>{0}, {0, 1}, {0, 1, 2}, {2}}) {
    Conditions conditions;
    conditions.closed = closed;
    EXPECT_EQ(run_agent({"monitor"}, environment, conditions).code, kRunningPromoted) << closed.size();
    // Reads what another program prints.
    EXPECT_EQ(run_agent({"validate-all"}, environment, conditions).code, kSuccess) << closed.size();
  }
}

}  // namespace
}  // namespace pgsqlms::test
