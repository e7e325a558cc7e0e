// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(CommandLine, HelpsWithEveryActionAndParameter) {
  const auto run = run_agent({"--help"}, {});
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.err, "");
  for (const auto* const word : {"start",    "stop",          "promote",      "demote",       "monitor",
                                 "notify",   "reload",        "reload-agent", "validate-all", "meta-data",
                                 "methods",  "--system_user", "--bindir",     "--pgdata",     "--datadir",
                                 "--pghost", "--pgport",      "--start_opts", "--maxlag",     "--recovery_template",
                                 "--watch",  "--version"}) {
    EXPECT_TRUE(has(run.out, word)) << word;
  }
}

TEST(CommandLine, TellsTheVersion) {
  const auto run = run_agent({"--version"}, {});
  EXPECT_EQ(run.code, kSuccess);
  EXPECT_EQ(run.out.compare(0, 8, "pgsqlms "), 0) << run.out;
  EXPECT_TRUE(has(run_agent({"meta-data"}, {}).out, "version=\"" + run.out.substr(8, run.out.size() - 9) + "\""));
}

TEST(CommandLine, NamesAnUnknownOption) {
  const auto run = run_agent({"--pgdatta=/x", "monitor"}, {});
  EXPECT_EQ(run.code, kErrArgs);
  EXPECT_TRUE(has(run.reason(), "--pgdatta")) << run.err;
  EXPECT_EQ(run.out, "");
}

TEST(CommandLine, GuessesNoAbbreviatedOption) {
  const auto run = run_agent({"--pgd=/x", "monitor"}, {});
  EXPECT_EQ(run.code, kErrArgs);
  EXPECT_TRUE(has(run.reason(), "--pgd")) << run.err;
}

TEST(CommandLine, AnswersAnUnknownActionAtOnceWithUnimplemented) {
  const auto run = run_agent({"migrate_to"}, {});
  EXPECT_EQ(run.code, kErrUnimplemented);
  EXPECT_EQ(run.reason(), "unknown action \"migrate_to\", see pgsqlms --help");
  EXPECT_LT(run.took, 5s);
}

TEST(CommandLine, AnswersAnUnknownActionBeforeItLooksAtTheParameters) {
  const auto run = run_agent({"Monitor"}, {{"OCF_RESKEY_pgport", "0x"}, {"OCF_RA_VERSION_MAJOR", "1"}});
  EXPECT_EQ(run.code, kErrUnimplemented);
}

TEST(CommandLine, AnswersNoActionWithUnimplemented) {
  for (const auto& arguments : {std::vector<std::string>{}, {""}}) {
    const auto run = run_agent(arguments, {});
    EXPECT_EQ(run.code, kErrUnimplemented);
    EXPECT_EQ(run.reason(), "no action given, see pgsqlms --help");
  }
}

TEST(CommandLine, OverrulesTheEnvironment) {
  ScratchInstance instance;
  instance.start();
  const auto run = run_agent({"--pgdata=" + instance.data(), "monitor"},
                             with(environment_for(instance), {{"OCF_RESKEY_pgdata", "/nonexistent"}}));
  EXPECT_EQ(run.code, kRunningPromoted) << run.err;
}

TEST(CommandLine, NeedsNoEnvironmentForACallByHand) {
  ScratchInstance instance;
  instance.start();
  const auto run = run_agent({"--pgdata=" + instance.data(), "--pghost=" + instance.folder().path(),
                              "--bindir=" + server_programs(), "monitor"},
                             {});
  EXPECT_EQ(run.code, kRunningPromoted) << run.err;
}

TEST(CommandLine, IgnoresArgumentsBehindTheAction) {
  EXPECT_EQ(run_agent({"methods", "start", "stop"}, {}).code, kSuccess);
}

TEST(EmptyEnvironment, IsAnInstanceThatIsNotThere) {
  // The default data directory does not exist here.
  const auto run = run_agent({"monitor"}, {});
  EXPECT_EQ(run.code, kNotRunning) << run.err;
  EXPECT_EQ(run.out, "");
}

TEST(EmptyEnvironment, StopsWhatDoesNotRun) { EXPECT_EQ(run_agent({"stop"}, {}).code, kSuccess); }

TEST(EmptyEnvironment, HasNothingToNotifyOrReload) {
  for (const auto* const action : {"notify", "reload", "reload-agent"}) {
    const auto run = run_agent({action}, {});
    EXPECT_EQ(run.code, kSuccess) << action << run.err;
  }
}

TEST(EmptyEnvironment, CannotStartPromoteDemoteOrValidateAndSaysWhy) {
  for (const auto* const action : {"start", "promote", "demote", "validate-all"}) {
    const auto run = run_agent({action}, {});
    EXPECT_TRUE(run.code == kErrArgs || run.code == kErrGeneric) << action << ' ' << run.code;
    EXPECT_NE(run.reason(), "") << action;
    EXPECT_LT(run.took, 10s) << action;
  }
}

TEST(ResourceInstance, MustBeNamedByPacemaker) {
  for (const auto* const action : {"start", "stop", "monitor", "notify", "validate-all"}) {
    const auto run = run_agent({action}, {{"OCF_RA_VERSION_MAJOR", "1"}, {"OCF_RA_VERSION_MINOR", "1"}});
    EXPECT_EQ(run.code, kErrArgs) << action;
    EXPECT_EQ(run.reason(), "OCF_RESOURCE_INSTANCE is empty: which resource is meant?") << action;
  }
}

TEST(ExitReason, BeginsWithThePrefixOfTheEnvironment) {
  const auto run = run_agent({"frobnicate"}, {{"OCF_EXIT_REASON_PREFIX", "why:"}});
  EXPECT_EQ(run.err, "why:unknown action \"frobnicate\", see pgsqlms --help\n");
}

}  // namespace
}  // namespace pgsqlms::test
