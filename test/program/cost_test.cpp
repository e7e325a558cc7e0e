// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string text;
  for (const auto& part : texts) text += part + "\n";
  return text;
}

bool has_loaded(const Effort& effort, const std::string& library) {
  return joined(effort.libraries).find("/" + library + ".so") != std::string::npos;
}

// About twice what was counted on Debian 12, 223 and 382: libraries and name service differ from machine to machine.
constexpr int kCallsWithoutServer = 450;
constexpr int kCallsOfAMonitor = 1000;

TEST(Cost, OfWhatSpeaksToNoServerIsWithoutLibpq) {
  const ScratchInstance instance;
  const auto idle = effort_of(
      "notify", with(environment_for(instance),
                     {{"OCF_RESKEY_CRM_meta_notify_type", "pre"}, {"OCF_RESKEY_CRM_meta_notify_operation", "start"}}));
  for (const auto& effort : {effort_of("meta-data", environment_for(instance)), idle}) {
    EXPECT_EQ(effort.run.code, kSuccess) << effort.run.err;
    EXPECT_FALSE(has_loaded(effort, "libpq")) << joined(effort.libraries);
    EXPECT_LE(effort.libraries.size(), 12U) << joined(effort.libraries);
    EXPECT_GT(effort.system_calls, 10);
    EXPECT_LE(effort.system_calls, kCallsWithoutServer);
  }
}

TEST(Cost, OfAMonitorIsWithoutTheLookupOfGroups) {
  ScratchInstance instance;
  instance.start();
  const auto effort = effort_of("monitor", recurring(environment_for(instance)));
  EXPECT_TRUE(has_loaded(effort, "libpq"));
  EXPECT_FALSE(has_loaded(effort, "libnss_systemd")) << joined(effort.libraries);
}

TEST(Cost, OfAStandbysMonitorIsOneConnectionAndNoProcess) {
  const ScratchPair pair;
  const auto effort = effort_of("monitor", recurring(environment_for(pair.standby)));
  EXPECT_EQ(effort.run.code, kSuccess) << effort.run.err;
  EXPECT_EQ(effort.processes, 0);
  EXPECT_EQ(joined(effort.programs), "");
  EXPECT_EQ(effort.addresses.size(), 1U) << joined(effort.addresses);
  EXPECT_EQ(joined(effort.created), "");
  EXPECT_LE(effort.system_calls, kCallsOfAMonitor);
}

TEST(Cost, OfAPrimarysMonitorThatChangesNothingIsOneProcess) {
  ScratchInstance instance;
  instance.start();
  make_folder(instance.folder() / "sbin");
  write_file(instance.folder() / "sbin/cibadmin",
             "#!/bin/sh\necho '<nodes><node id=\"1\" uname=\"srv1\"><instance_attributes id=\"a\">"
             "<nvpair id=\"b\" name=\"master-pgsqld\" value=\"1001\"/></instance_attributes></node></nodes>'\n",
             0755);
  const auto effort =
      effort_of("monitor", with(recurring(environment_for(instance)), {{"HA_SBIN_DIR", instance.folder() / "sbin"}}));
  EXPECT_EQ(effort.run.code, kRunningPromoted) << effort.run.err;
  EXPECT_EQ(effort.processes, 1);
  EXPECT_EQ(effort.addresses.size(), 1U) << joined(effort.addresses);
  EXPECT_EQ(joined(effort.created), "");
}

TEST(Cost, OfANotificationWithNothingToDoIsNothing) {
  ScratchInstance instance;
  instance.start();
  for (const auto& [type, operation] : {std::pair{"pre", "start"}, std::pair{"post", "start"}, std::pair{"pre", "stop"},
                                        std::pair{"post", "stop"}, std::pair{"post", "demote"}}) {
    const auto effort =
        effort_of("notify", with(environment_for(instance), {{"OCF_RESKEY_CRM_meta_notify_type", type},
                                                             {"OCF_RESKEY_CRM_meta_notify_operation", operation},
                                                             {"OCF_RESKEY_CRM_meta_notify_active_uname", "srv1 srv2"},
                                                             {"OCF_RESKEY_CRM_meta_notify_master_uname", "srv1"},
                                                             {"OCF_RESKEY_CRM_meta_notify_stop_uname", "srv2"}}));
    EXPECT_EQ(effort.run.code, kSuccess) << effort.run.err;
    EXPECT_EQ(effort.processes, 0) << type << ' ' << operation;
    EXPECT_TRUE(effort.addresses.empty()) << type << ' ' << operation << ": " << joined(effort.addresses);
    EXPECT_TRUE(effort.created.empty()) << joined(effort.created);
  }
}

TEST(Cost, OfAPreDemoteOfAnotherNodeIsNothing) {
  ScratchInstance instance;
  instance.start();
  const auto effort =
      effort_of("notify", with(environment_for(instance), {{"OCF_RESKEY_CRM_meta_notify_type", "pre"},
                                                           {"OCF_RESKEY_CRM_meta_notify_operation", "demote"},
                                                           {"OCF_RESKEY_CRM_meta_notify_demote_uname", "srv2"},
                                                           {"OCF_RESKEY_CRM_meta_notify_master_uname", "srv2"},
                                                           {"OCF_RESKEY_CRM_meta_notify_promote_uname", "srv3"}}));
  EXPECT_EQ(effort.run.code, kSuccess) << effort.run.err;
  EXPECT_EQ(effort.processes, 0);
  EXPECT_TRUE(effort.addresses.empty()) << joined(effort.addresses);
}

TEST(Cost, OfAStopOfAStoppedInstanceIsNothing) {
  const ScratchInstance instance;
  const auto effort = effort_of("stop", environment_for(instance));
  EXPECT_EQ(effort.run.code, kSuccess) << effort.run.err;
  EXPECT_EQ(effort.processes, 0);
  EXPECT_EQ(joined(effort.created), "");
}

TEST(Files, OfTheAgentAreNeverTemporaryOnes) {
  const ScratchInstance instance;
  instance.configure("primary_conninfo = 'application_name=srv1'");
  const auto effort = effort_of("validate-all", environment_for(instance));
  EXPECT_EQ(effort.run.code, kSuccess) << effort.run.err;
  EXPECT_EQ(joined(effort.created), "");
}

}  // namespace
}  // namespace pgsqlms::test
