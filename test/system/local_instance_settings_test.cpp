// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "deadlines.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/pg/recovery_settings.hpp"
#include "pgsqlms/system/local_instance.hpp"
#include "scratch_instance.hpp"

namespace pgsqlms::system {
namespace {

using test::in;
using test::kTemplateNames;
using test::ScratchInstance;
using test::ScratchPair;
using std::chrono_literals::operator""s;

pg::RecoverySettings settings_of(const ocf::ResourceParameters& parameters) {
  return LocalInstance(parameters).recovery_settings(kTemplateNames, in(10s));
}

constexpr const char* kOnlyTheTemplate = "before PostgreSQL 12 the settings are in the template only";

/// The application_name that a stopped instance with this value of primary_conninfo shows.
std::optional<std::string> application_name_in(const std::string& conninfo) {
  const ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = '" + conninfo + "'");
  const auto settings = settings_of(instance.parameters());
  EXPECT_EQ(settings.conninfo_problem, "");
  return settings.application_name;
}

TEST(RecoverySettings, OfARunningServerAreThoseInForceNotThoseInTheFile) {
  if (!test::has_standby_signal()) GTEST_SKIP() << kOnlyTheTemplate;
  const ScratchPair pair;
  pair.standby.configure("primary_conninfo = 'application_name=not_yet_in_force'");
  const auto settings = settings_of(pair.standby.parameters());
  EXPECT_EQ(settings.application_name, "srv2");
  EXPECT_EQ(settings.recovery_target_timeline, "latest");
}

TEST(RecoverySettings, OfAStoppedServerAreThoseInTheFile) {
  const ScratchInstance instance;
  instance.configure_recovery("recovery_target_timeline = 'current'\nprimary_conninfo = 'application_name=srv1'");
  const auto settings = settings_of(instance.parameters());
  EXPECT_EQ(settings.application_name, "srv1");
  EXPECT_EQ(settings.recovery_target_timeline, "current");
}

TEST(RecoverySettings, TakeTheOptionsOfTheStartIntoAccount) {
  if (!test::has_standby_signal()) GTEST_SKIP() << kOnlyTheTemplate;
  const ScratchInstance instance;
  auto parameters = instance.parameters();
  parameters.start_opts = "-c primary_conninfo='host=vip application_name=srv1'";
  EXPECT_EQ(settings_of(parameters).application_name, "srv1");
}

TEST(RecoverySettings, TakeTheLastOfSeveralNames) {
  EXPECT_EQ(application_name_in("application_name=srv1 host=vip application_name=srv2"), "srv2");
}

TEST(RecoverySettings, ReadQuotedNamesBlanksAndEscapes) {
  EXPECT_EQ(application_name_in("host=vip application_name = ''srv1''"), "srv1");
  EXPECT_EQ(application_name_in("application_name=''a b\\\\''c'' port=5433"), "a b'c");
}

TEST(RecoverySettings, ReadAUri) {
  EXPECT_EQ(application_name_in("postgresql://replicator:secret@vip:5433/?application_name=srv1"), "srv1");
}

TEST(RecoverySettings, ReadTheNameBesideAnOptionThatOnlyANewerLibpqKnows) {
  EXPECT_EQ(application_name_in("host=vip option_of_pg_25=strict application_name=srv1"), "srv1");
  EXPECT_EQ(application_name_in("application_name = ''s \\\\''r1'' option_of_pg_25 = ''a b''"), "s 'r1");
  EXPECT_EQ(application_name_in("option_of_pg_25=strict password=''application_name=srv9''"), std::nullopt);
  EXPECT_EQ(application_name_in("postgresql://vip/?option_of_pg_25=strict&application_name=srv%31&port=5433"), "srv1");
}

TEST(RecoverySettings, FallBackToTheClusterName) {
  if (!test::has_standby_signal()) GTEST_SKIP() << kOnlyTheTemplate;
  const ScratchInstance instance;
  instance.configure("primary_conninfo = 'host=vip'\ncluster_name = 'srv1'");
  EXPECT_EQ(settings_of(instance.parameters()).application_name, "srv1");
}

TEST(RecoverySettings, PreferTheApplicationNameToTheClusterName) {
  const ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = 'host=vip application_name=srv1'");
  instance.configure("cluster_name = 'main'");
  EXPECT_EQ(settings_of(instance.parameters()).application_name, "srv1");
}

TEST(RecoverySettings, HaveNoNameWhereNobodyGivesOne) {
  EXPECT_EQ(application_name_in("host=vip"), std::nullopt);
  EXPECT_EQ(application_name_in(""), std::nullopt);
}

TEST(RecoverySettings, SayThatAConninfoCannotBeReadWithoutShowingIt) {
  for (const auto* const conninfo :
       {"password=''hunter2 host=vip", "password=''hunter2 option_of_pg_25=1", "option_of_pg_25=1 host=vip hunter2",
        "postgresql://u:hunter2@vip:port/?application_name=%zz", "hunter2"}) {
    const ScratchInstance instance;
    instance.configure_recovery(std::string("primary_conninfo = '") + conninfo + "'");
    const auto settings = settings_of(instance.parameters());
    EXPECT_EQ(settings.conninfo_problem, "it is not a valid connection string") << conninfo;
    const auto problem = find_problem(settings, pg::SettingsSource::ServerConfiguration, "srv1").value_or("");
    EXPECT_EQ(problem.find("hunter2"), std::string::npos) << problem;
  }
}

TEST(RecoverySettings, NeverShowAPasswordWhereTheApplicationNameIsWrong) {
  const ScratchInstance instance;
  instance.configure_recovery("primary_conninfo = 'host=vip password=hunter2 application_name=srv9'");
  const auto settings = settings_of(instance.parameters());
  EXPECT_EQ(find_problem(settings, pg::SettingsSource::ServerConfiguration, "srv1"),
            "application_name in primary_conninfo is \"srv9\", it must be \"srv1\", the node's name");
}

TEST(RecoverySettings, NameTheSettingAndTheServersReasonWhereTheConfigurationIsBroken) {
  if (!test::has_standby_signal()) GTEST_SKIP() << kOnlyTheTemplate;
  const ScratchInstance instance;
  instance.configure("work_mem = lots");
  try {
    static_cast<void>(settings_of(instance.parameters()));
    FAIL() << "no failure";
  } catch (const ocf::Failure& failure) {
    EXPECT_EQ(failure.answer().code, ocf::ReturnCode::ErrArgs);
    const std::string reason = failure.what();
    EXPECT_EQ(reason, "invalid value for parameter \"work_mem\": \"lots\" (postgres -C recovery_target_timeline)");
    EXPECT_EQ(reason.find('\n'), std::string::npos);
  }
}

TEST(RecoverySettings, NeverShowAPasswordWhereTheConfigurationIsBroken) {
  if (!test::has_standby_signal()) GTEST_SKIP() << kOnlyTheTemplate;
  const ScratchInstance instance;
  instance.configure("primary_conninfo = 'host=vip' 'password=hunter2'");
  try {
    static_cast<void>(settings_of(instance.parameters()));
    FAIL() << "no failure";
  } catch (const ocf::Failure& failure) {
    EXPECT_EQ(std::string(failure.what()).find("hunter2"), std::string::npos) << failure.what();
  }
}

TEST(RecoverySettings, OfPostgreSQL11ComeFromTheTemplate) {
  const ScratchInstance instance;
  test::write_file(instance.data() + "/PG_VERSION", "11\n");
  test::write_file(instance.data() + "/recovery.conf.pcmk",
                   "standby_mode = on\nrecovery_target_timeline = latest\n"
                   "primary_conninfo = 'host=vip application_name=$(hostname -s)'\n");
  const auto settings = settings_of(instance.parameters());
  EXPECT_EQ(settings.standby_mode, "on");
  EXPECT_EQ(settings.recovery_target_timeline, "latest");
  EXPECT_EQ(settings.application_name, "host1");
}

}  // namespace
}  // namespace pgsqlms::system
