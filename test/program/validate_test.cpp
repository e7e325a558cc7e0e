// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

class Validation : public testing::Test {
 protected:
  [[nodiscard]] AgentRun validate(const Variables& more = {}) const {
    return run_agent({"validate-all"}, with(environment_for(instance_), more));
  }

  /// A refusal with that code whose reason has all the words.
  void expect_refusal(int code, const std::vector<std::string>& words, const Variables& more = {}) const {
    const auto run = validate(more);
    EXPECT_EQ(run.code, code) << run.err;
    EXPECT_EQ(run.err, "ocf-exit-reason:" + run.reason() + "\n");
    EXPECT_EQ(run.out, "");
    for (const auto& word : words) EXPECT_NE(run.reason().find(word), std::string::npos) << run.reason();
  }

  void follow_as(const std::string& conninfo) const {
    instance_.configure_recovery("primary_conninfo = '" + conninfo + "'");
  }

  ScratchInstance instance_;
};

TEST_F(Validation, AcceptsAStoppedInstanceThatIsConfiguredWell) {
  follow_as("host=vip application_name=srv1");
  const auto run = validate();
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_EQ(run.out + run.err, "");
}

TEST_F(Validation, AcceptsARunningInstance) {
  follow_as("host=vip application_name=srv1");
  instance_.start();
  EXPECT_EQ(validate().code, kSuccess);
}

TEST_F(Validation, ChangesNothing) {
  follow_as("host=vip application_name=srv1");
  const auto before = listing_of(instance_.folder().path());
  EXPECT_EQ(validate().code, kSuccess);
  EXPECT_EQ(listing_of(instance_.folder().path()), before);
}

TEST_F(Validation, NamesWhatTheRunningServerHasNotTakenOver) {
  follow_as("host=vip application_name=srv1");
  instance_.start();
  instance_.configure("max_connections = 33\nwork_mem = lots");
  const auto log = instance_.folder() / "agent.log";
  const auto run = validate({{"HA_LOGFILE", log}});
  EXPECT_EQ(run.code, kSuccess) << run.err;
  const auto lines = contents_of(log);
  EXPECT_NE(lines.find("what the next start will read: max_connections = \"33\" in \""), std::string::npos) << lines;
  EXPECT_NE(lines.find("what the next start will read: work_mem = \"lots\" in \""), std::string::npos) << lines;
}

TEST_F(Validation, NeedsNotifications) {
  follow_as("application_name=srv1");
  for (const auto* const value : {"false", "no", "0", ""}) {
    expect_refusal(kErrInstalled, {"notify=true"}, {{"OCF_RESKEY_CRM_meta_notify", value}});
  }
  for (const auto* const value : {"true", "TRUE", "yes", "on", "y", "1"}) {
    EXPECT_EQ(validate({{"OCF_RESKEY_CRM_meta_notify", value}}).code, kSuccess) << value;
  }
}

TEST_F(Validation, NeedsExactlyOnePromotedInstance) {
  follow_as("application_name=srv1");
  expect_refusal(kErrInstalled, {"promoted-max", "\"2\""}, {{"OCF_RESKEY_CRM_meta_promoted_max", "2"}});
  expect_refusal(kErrInstalled, {"promoted-max", "\"2\""},
                 {{"OCF_RESKEY_CRM_meta_promoted_max", "2"}, {"OCF_RESKEY_CRM_meta_master_max", "1"}});
}

TEST_F(Validation, UnderstandsTheFormerNameOfPromotedMax) {
  follow_as("application_name=srv1");
  auto environment = environment_for(instance_);
  environment.erase("OCF_RESKEY_CRM_meta_promoted_max");
  EXPECT_EQ(run_agent({"validate-all"}, environment).code, kSuccess);
  environment["OCF_RESKEY_CRM_meta_master_max"] = "3";
  EXPECT_EQ(run_agent({"validate-all"}, environment).code, kErrInstalled);
}

/// The environment of `crm_resource --validate` by class and agent, and of pcs.
Variables without_clone(Variables environment) {
  for (const auto* const name : {"notify", "promoted_max", "master_max", "clone_max", "clone"}) {
    environment.erase(std::string("OCF_RESKEY_CRM_meta_") + name);
  }
  return environment;
}

TEST_F(Validation, DoesNotAskForTheClonesOptionsWhereThereIsNoClone) {
  follow_as("application_name=srv1");
  EXPECT_EQ(run_agent({"validate-all"}, without_clone(environment_for(instance_))).code, kSuccess);
}

TEST_F(Validation, AsksForTheClonesOptionsAtAHighCheckLevel) {
  follow_as("application_name=srv1");
  const auto environment = with(without_clone(environment_for(instance_)), {{"OCF_CHECK_LEVEL", "10"}});
  EXPECT_EQ(run_agent({"validate-all"}, environment).code, kErrInstalled);
}

TEST_F(Validation, ComparesTheFeatureSetNumberByNumber) {
  follow_as("application_name=srv1");
  for (const auto* const version : {"3.0.10", "3.10.0", "3.20.5", "4.0"}) {
    EXPECT_EQ(validate({{"OCF_RESKEY_crm_feature_set", version}}).code, kSuccess) << version;
  }
  for (const auto* const version : {"3.0.9", "2.99.99", "rubbish", "3", "3..1", "3.0.10.beta"}) {
    expect_refusal(kErrInstalled, {"crm_feature_set", std::string("\"") + version + "\""},
                   {{"OCF_RESKEY_crm_feature_set", version}});
  }
}

TEST_F(Validation, NeedsAWalLevelThatAllowsReplication) {
  follow_as("application_name=srv1");
  instance_.configure("wal_level = minimal\nmax_wal_senders = 0");
  instance_.start();  // only then pg_control knows it
  instance_.stop();
  expect_refusal(kErrArgs, {"wal_level", "\"minimal\""});
}

TEST_F(Validation, NeedsTheLatestTimeline) {
  follow_as("application_name=srv1");
  instance_.configure_recovery("recovery_target_timeline = 'current'");
  expect_refusal(kErrArgs, {"recovery_target_timeline", "\"current\"", "latest"});
}

TEST_F(Validation, NeedsAnApplicationName) {
  follow_as("host=vip");
  expect_refusal(kErrArgs, {"application_name", "\"srv1\""});
}

TEST_F(Validation, NeedsTheNodesNameAsApplicationName) {
  follow_as("host=vip application_name=srv1-old");
  expect_refusal(kErrArgs, {"application_name", "\"srv1-old\"", "\"srv1\""});
}

TEST_F(Validation, ComparesTheNodesNameExactly) {
  follow_as("host=vip application_name=srvX1");
  expect_refusal(kErrArgs, {"\"srvX1\"", "\"srv.1\""}, {{"OCF_RESKEY_CRM_meta_on_node", "srv.1"}});
}

TEST_F(Validation, AcceptsAQuotedApplicationName) {
  follow_as("application_name = ''srv1'' host=vip");
  EXPECT_EQ(validate().code, kSuccess);
}

TEST_F(Validation, AcceptsAnApplicationNameInAUri) {
  follow_as("postgresql://replicator@vip/?application_name=srv1");
  EXPECT_EQ(validate().code, kSuccess);
}

TEST_F(Validation, TakesTheLastApplicationName) {
  follow_as("application_name=other host=vip application_name=srv1");
  EXPECT_EQ(validate().code, kSuccess);
}

TEST_F(Validation, AcceptsTheClusterNameInItsPlace) {
  if (!has_standby_signal()) GTEST_SKIP() << "before PostgreSQL 12 the WAL receiver does not use it";
  follow_as("host=vip");
  instance_.configure("cluster_name = 'srv1'");
  EXPECT_EQ(validate().code, kSuccess);
}

TEST_F(Validation, NamesANodeWhoseNameIsTooLong) {
  const std::string name(64, 'n');
  follow_as("application_name=" + name);
  expect_refusal(kErrArgs, {"\"" + name + "\"", "63"}, {{"OCF_RESKEY_CRM_meta_on_node", name}});
}

TEST_F(Validation, NeverShowsAPassword) {
  const auto environment = environment_for(instance_);
  for (const auto* const conninfo : {"host=vip password=hunter2 application_name=srv9", "host=vip password=hunter2",
                                     "password=hunter2 host", "postgresql://u:hunter2@vip/?no_such=1"}) {
    follow_as(conninfo);
    const auto run = validate();
    EXPECT_EQ(run.code, kErrArgs) << conninfo;
    EXPECT_EQ((run.out + run.err).find("hunter2"), std::string::npos) << run.err;
  }
}

TEST_F(Validation, NeverShowsAPasswordInALineThatPostgreSQLCannotRead) {
  if (!has_standby_signal()) GTEST_SKIP() << "before PostgreSQL 12 the agent reads the template itself";
  instance_.configure("primary_conninfo = 'host=vip' 'password=hunter2'");
  const auto run = validate();
  EXPECT_EQ(run.code, kErrArgs);
  EXPECT_EQ((run.out + run.err).find("hunter2"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace pgsqlms::test
