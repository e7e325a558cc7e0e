// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <filesystem>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

const Variables kOcf10 = {{"OCF_RA_VERSION_MAJOR", "1"}, {"OCF_RA_VERSION_MINOR", "0"}, {"OCF_ROOT", "/usr/lib/ocf"}};
const Variables kOcf11 = {{"OCF_RA_VERSION_MAJOR", "1"}, {"OCF_RA_VERSION_MINOR", "1"}, {"OCF_ROOT", "/usr/lib/ocf"}};

std::string golden(const std::string& name) {
  const auto text = contents_of(std::string(PGSQLMS_SOURCE) + "/ocf/" + name);
  EXPECT_NE(text, "") << "ocf/" << name << " is missing";
  return text;
}

TEST(MetaData, IsTheGoldenFileInForm10) {
  const auto run = run_agent({"meta-data"}, kOcf10);
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(run.out, golden("pgsqlms.1.0.xml"));
}

TEST(MetaData, IsTheGoldenFileInForm11) {
  const auto run = run_agent({"meta-data"}, kOcf11);
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(run.out, golden("pgsqlms.1.1.xml"));
}

TEST(MetaData, IsInForm10WhereTheEnvironmentIsEmpty) {
  const auto run = run_agent({"meta-data"}, {});
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.out, golden("pgsqlms.1.0.xml"));
}

TEST(MetaData, IsTheSameForAUserWithoutAnyRight) {
  const auto nobody = system::with_groups(system::find_user("nobody").value());
  const ScratchFolder folder;  // the build folder may be closed to others
  fs::copy_file(agent_program(), folder / "pgsqlms");
  Conditions conditions;
  conditions.user = &nobody;
  conditions.program = folder / "pgsqlms";
  const auto run = run_agent({"meta-data"}, {}, conditions);
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.out, golden("pgsqlms.1.0.xml"));
}

TEST(MetaData, StartsNoProcessConnectsToNobodyAndCreatesNothing) {
  const auto effort = effort_of("meta-data", kOcf11);
  EXPECT_EQ(effort.run.code, kSuccess);
  EXPECT_EQ(effort.processes, 0);
  EXPECT_TRUE(effort.addresses.empty());
  EXPECT_TRUE(effort.created.empty());
}

TEST(MetaData, ValidatesAgainstTheDtdOfResourceAgentsInForm10) {
  ASSERT_TRUE(fs::exists("/usr/share/resource-agents/ra-api-1.dtd")) << "package resource-agents is missing";
  ASSERT_TRUE(fs::exists("/usr/bin/xmllint")) << "package libxml2-utils is missing";
  const ScratchFolder folder;
  write_file(folder / "meta-data.xml", run_agent({"meta-data"}, kOcf10).out);
  Conditions xmllint;
  xmllint.program = "/usr/bin/xmllint";
  const auto run = run_agent(
      {"--noout", "--nonet", "--valid", "--path", "/usr/share/resource-agents", folder / "meta-data.xml"}, {}, xmllint);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.err, "");
}

TEST(Methods, AreAllActionsEachOnItsLine) {
  const auto run = run_agent({"methods"}, {});
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.out,
            "start\nstop\npromote\ndemote\nmonitor\nnotify\nreload\nreload-agent\nvalidate-all\nmeta-data\nmethods\n");
  EXPECT_EQ(run.err, "");
}

}  // namespace
}  // namespace pgsqlms::test
