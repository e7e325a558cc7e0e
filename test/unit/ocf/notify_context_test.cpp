// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/notify_context.hpp"

#include <gtest/gtest.h>

#include "fake/recorded.hpp"

namespace pgsqlms::ocf {
namespace {

NotifyContext recorded_context(const std::string& call) {
  return NotifyContext::read(fake::recorded_environment(call)).value();
}

Environment lists(std::initializer_list<std::pair<const std::string, std::string>> variables) {
  Environment environment{{"OCF_RESKEY_CRM_meta_notify_promote_uname", " "}, {"OCF_RESKEY_crm_feature_set", "3.16.1"}};
  for (const auto& [name, value] : variables) environment.set("OCF_RESKEY_CRM_meta_notify_" + name, value);
  return environment;
}

TEST(NotifyContext, OfARealSwitchoverHoldsItsLists) {
  const auto context = recorded_context("switchover-srv2-to-srv1/10-srv1-notify-pre-promote.env");
  EXPECT_EQ(context.type, "pre");
  EXPECT_EQ(context.operation, "promote");
  EXPECT_EQ(context.active, (NodeList{"srv3", "srv1", "srv2"}));
  EXPECT_EQ(context.promoted, NodeList{"srv2"});
  EXPECT_EQ(context.unpromoted, (NodeList{"srv3", "srv1"}));
  EXPECT_EQ(context.demote, NodeList{"srv2"});
  EXPECT_EQ(context.promote, NodeList{"srv1"});
  EXPECT_EQ(context.start, NodeList{});
  EXPECT_EQ(context.stop, NodeList{});
}

TEST(NotifyContext, OfARealCrashedPrimaryHoldsItsLists) {
  const auto context = recorded_context("primary-crash-srv1-recovered-in-place/23-srv1-notify-pre-promote.env");
  EXPECT_EQ(context.active, (NodeList{"srv3", "srv1", "srv2"}));
  EXPECT_EQ(context.promoted, NodeList{"srv1"});
  EXPECT_EQ(context.unpromoted, (NodeList{"srv3", "srv2"}));
  EXPECT_EQ(context.demote, NodeList{"srv1"});
  EXPECT_EQ(context.stop, NodeList{"srv1"});
  EXPECT_EQ(context.start, NodeList{"srv1"});
  EXPECT_EQ(context.promote, NodeList{"srv1"});
}

TEST(NotifyContext, OfARealCrashedStandbyHoldsItsLists) {
  const auto context = recorded_context("standby-crash-srv2/03-srv3-notify-pre-stop.env");
  EXPECT_EQ(context.type, "pre");
  EXPECT_EQ(context.operation, "stop");
  EXPECT_EQ(context.promoted, NodeList{"srv1"});
  EXPECT_EQ(context.unpromoted, (NodeList{"srv3", "srv2"}));
  EXPECT_EQ(context.stop, NodeList{"srv2"});
  EXPECT_EQ(context.start, NodeList{"srv2"});
  EXPECT_EQ(context.promote, NodeList{});
  EXPECT_EQ(context.demote, NodeList{});
}

TEST(NotifyContext, IsInTheEnvironmentOfTheActionsToo) {
  for (const auto* call :
       {"switchover-srv2-to-srv1/04-srv2-demote.env", "switchover-srv2-to-srv1/12-srv1-promote.env",
        "primary-crash-srv1-recovered-in-place/13-srv1-stop.env", "standby-crash-srv2/11-srv2-start.env"}) {
    SCOPED_TRACE(call);
    const auto context = recorded_context(call);
    EXPECT_EQ(context.type, "");
    EXPECT_EQ(context.operation, "");
    EXPECT_EQ(context.active.size(), 3U);
  }
}

TEST(NotifyContext, IsNotInTheEnvironmentOfAMonitor) {
  EXPECT_FALSE(NotifyContext::read(fake::recorded_environment("switchover-srv2-to-srv1/16-srv1-monitor.env")));
}

TEST(NotifyContext, TakesASingleBlankForAnEmptyList) {
  const auto context = NotifyContext::read(lists({{"start_uname", " "}, {"stop_uname", ""}})).value();
  EXPECT_EQ(context.start, NodeList{});
  EXPECT_EQ(context.stop, NodeList{});
}

TEST(NotifyContext, SkipsAnyNumberOfBlanks) {
  const auto context = NotifyContext::read(lists({{"active_uname", "  srv1   srv2 "}})).value();
  EXPECT_EQ(context.active, (NodeList{"srv1", "srv2"}));
}

TEST(NotifyContext, TakesMissingListsForEmptyOnes) {
  // What a notification implied by fencing has at least.
  const Environment environment{{"OCF_RESKEY_CRM_meta_notify_type", "post"},
                                {"OCF_RESKEY_CRM_meta_notify_operation", "stop"},
                                {"OCF_RESKEY_CRM_meta_notify_stop_uname", "srv3"}};
  const auto context = NotifyContext::read(environment).value();
  EXPECT_EQ(context.stop, NodeList{"srv3"});
  EXPECT_EQ(context.active, NodeList{});
  EXPECT_EQ(context.promoted, NodeList{});
}

TEST(NotifyContext, ReadsTheFormerNamesOfTheRoles) {
  const auto context = NotifyContext::read(lists({{"master_uname", "srv1"}, {"slave_uname", "srv2 srv3"}})).value();
  EXPECT_EQ(context.promoted, NodeList{"srv1"});
  EXPECT_EQ(context.unpromoted, (NodeList{"srv2", "srv3"}));
}

TEST(NotifyContext, PrefersTheNewNamesOfTheRolesEvenIfEmpty) {
  const auto context = NotifyContext::read(lists({{"promoted_uname", " "},
                                                  {"master_uname", "srv1"},
                                                  {"unpromoted_uname", "srv2"},
                                                  {"slave_uname", "srv3"}}))
                           .value();
  EXPECT_EQ(context.promoted, NodeList{});
  EXPECT_EQ(context.unpromoted, NodeList{"srv2"});
}

TEST(NotifyContext, OfPacemakerBefore1_1_16CountsAllRolesAsActive) {
  auto environment = lists({{"active_uname", " "}, {"master_uname", "srv1"}, {"slave_uname", "srv2 srv3"}});
  environment.set("OCF_RESKEY_crm_feature_set", "3.0.10");
  EXPECT_EQ(NotifyContext::read(environment)->active, (NodeList{"srv1", "srv2", "srv3"}));
  environment.set("OCF_RESKEY_crm_feature_set", "3.0.11");
  EXPECT_EQ(NotifyContext::read(environment)->active, NodeList{});
}

TEST(Participants, OfASwitchoverAreAllThreeNodes) {
  EXPECT_EQ(participants(recorded_context("switchover-srv2-to-srv1/12-srv1-promote.env")),
            (NodeList{"srv3", "srv1", "srv2"}));
}

TEST(Participants, CountANodeThatIsStoppedAndStartedAgain) {
  EXPECT_EQ(participants(recorded_context("primary-crash-srv1-recovered-in-place/25-srv1-promote.env")),
            (NodeList{"srv3", "srv2", "srv1"}));
}

TEST(Participants, DoNotCountANodeThatIsOnlyStopped) {
  NotifyContext context;
  context.active = {"srv1", "srv2", "srv3"};
  context.stop = {"srv1"};
  EXPECT_EQ(participants(context), (NodeList{"srv2", "srv3"}));
}

TEST(Participants, AtTheFirstStartAreThoseThatStart) {
  NotifyContext context;
  context.start = {"srv1", "srv2"};
  EXPECT_EQ(participants(context), (NodeList{"srv1", "srv2"}));
}

TEST(Participants, AreCountedOnce) {
  NotifyContext context;
  context.active = {"srv1", "srv1", "srv2"};
  context.start = {"srv2", "srv2"};
  EXPECT_EQ(participants(context), (NodeList{"srv1", "srv2"}));
}

TEST(Contains, ComparesWholeNames) {
  const NodeList nodes = {"db10", "db.1"};
  EXPECT_TRUE(contains(nodes, "db10"));
  EXPECT_FALSE(contains(nodes, "db1"));
  EXPECT_FALSE(contains(nodes, "dbx1"));
  EXPECT_FALSE(contains(nodes, ""));
}

}  // namespace
}  // namespace pgsqlms::ocf
