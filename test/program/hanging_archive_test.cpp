// SPDX-License-Identifier: PostgreSQL
// A restore_command that does not end: the archive was on the node that was lost.
#include <gtest/gtest.h>

#include "agent_run.hpp"
#include "deadlines.hpp"

namespace pgsqlms::test {
namespace {

/// A standby for node srv1, without a primary, whose archive has nothing until it hangs.
class HangingArchive : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_standby_signal()) GTEST_SKIP() << "restore_command cannot be overridden before PostgreSQL 12";
    instance_.configure_recovery("primary_conninfo = 'host=/nowhere application_name=srv1'");
    instance_.configure_recovery("restore_command = 'test ! -e " + hangs_ + " || sleep 1000; exit 1'");
    instance_.configure("wal_retrieve_retry_interval = 100ms");
    instance_.ask_for_recovery();
  }

  void hang() const { write_file(hangs_, ""); }

  [[nodiscard]] AgentRun run(const std::string& action, const std::string& timeout) const {
    return run_agent(
        {action}, with(environment_for(instance_), {{"HA_LOGFILE", log_}, {"OCF_RESKEY_CRM_meta_timeout", timeout}}));
  }

  void expect_given_up() const {
    const auto log = contents_of(log_);
    EXPECT_NE(log.find("the startup process waits for \""), std::string::npos) << log;
    EXPECT_NE(log.find("the standby is restarted without restore_command"), std::string::npos) << log;
  }

  ScratchInstance instance_;
  const std::string hangs_ = instance_.folder() / "hangs";
  const std::string log_ = instance_.folder() / "agent.log";
};

TEST_F(HangingArchive, KeepsNoStandbyFromItsStart) {
  hang();
  const auto start = run("start", "26000");
  EXPECT_EQ(start.code, kSuccess) << start.err;
  expect_given_up();
  EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "t");
  EXPECT_EQ(instance_.ask("SHOW restore_command"), "");
}

TEST_F(HangingArchive, KeepsNoStandbyFromItsPromotion) {
  ASSERT_EQ(run("start", "60000").code, kSuccess);
  hang();
  const auto promote = run("promote", "30000");
  EXPECT_EQ(promote.code, kSuccess) << promote.err;
  expect_given_up();
  EXPECT_EQ(instance_.ask("SELECT pg_is_in_recovery()"), "f");
}

TEST_F(HangingArchive, IsNotGivenUpWhereRecoveryEndCommandMayBeWhatHangs) {
  instance_.configure_recovery("recovery_end_command = 'true'");
  ASSERT_EQ(run("start", "60000").code, kSuccess);
  hang();
  const auto promote = run("promote", "16000");
  EXPECT_EQ(promote.code, kErrGeneric);
  EXPECT_NE(promote.reason().find("out of time while it was promoted: the startup process waits for"),
            std::string::npos)
      << promote.reason();
}

}  // namespace
}  // namespace pgsqlms::test
