// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/context.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"
#include "fake/recorded.hpp"
#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::ocf {
namespace {

using std::chrono_literals::operator""ms;

TEST(Context, OfARealPromotionHoldsWhatPacemakerGave) {
  const auto environment = fake::recorded_environment("switchover-srv2-to-srv1/12-srv1-promote.env");
  const auto context = Context::read(environment, Action::Promote);
  EXPECT_EQ(context.resource, "pgsqld");
  EXPECT_EQ(context.node, "srv1");
  EXPECT_EQ(context.timeout, 30000ms);
  EXPECT_EQ(context.feature_set, "3.16.1");
  EXPECT_TRUE(context.clone->notify);
  EXPECT_EQ(context.clone->promoted_max, "1");
  EXPECT_TRUE(context.transition);
}

TEST(Context, TellsARecurringMonitorFromAProbe) {
  auto environment = fake::recorded_environment("switchover-srv2-to-srv1/16-srv1-monitor.env");
  EXPECT_FALSE(Context::read(environment, Action::Monitor).probe);
  environment.set("OCF_RESKEY_CRM_meta_interval", "0");
  EXPECT_TRUE(Context::read(environment, Action::Monitor).probe);
  EXPECT_TRUE(Context::read({}, Action::Monitor).probe);
}

TEST(Context, CallsNothingButAMonitorAProbe) {
  for (const auto& spec : kActions) {
    SCOPED_TRACE(spec.name);
    EXPECT_EQ(Context::read({}, spec.action).probe, spec.action == Action::Monitor);
  }
}

TEST(Context, TakesTheSuggestedTimeoutWhereNoneIsGiven) {
  EXPECT_EQ(Context::read({}, Action::Demote).timeout, spec_of(Action::Demote).timeout);
  for (const auto* value : {"", "0", "-5", "soon", "20s"}) {
    SCOPED_TRACE(value);
    EXPECT_EQ(Context::read({{"OCF_RESKEY_CRM_meta_timeout", value}}, Action::Stop).timeout,
              spec_of(Action::Stop).timeout);
  }
}

TEST(Context, TakesATimeoutThatIsNoWholeSecond) {
  EXPECT_EQ(Context::read({{"OCF_RESKEY_CRM_meta_timeout", "1500"}}, Action::Stop).timeout, 1500ms);
}

TEST(Context, NamesTheResourceDefaultOutsideOfOcf) { EXPECT_EQ(Context::read({}, Action::Stop).resource, "default"); }

TEST(Context, IsRefusedWhereOcfNamesNoResource) {
  try {
    static_cast<void>(Context::read({{"OCF_RA_VERSION_MAJOR", "1"}}, Action::Stop));
    FAIL() << "no Failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.answer().code, ReturnCode::ErrArgs);
    EXPECT_NE(failure.answer().reason.find("OCF_RESOURCE_INSTANCE"), std::string::npos);
  }
}

TEST(Context, HasNoCloneOptionsWithoutACloneContext) {
  // `crm_resource --validate` and debug calls.
  const Environment environment{{"OCF_RESOURCE_INSTANCE", "pgsqld"}, {"OCF_RESKEY_CRM_meta_timeout", "20000"}};
  EXPECT_FALSE(Context::read(environment, Action::ValidateAll).clone);
}

TEST(Context, ReadsTheCloneOptionsUnderBothNames) {
  const auto promoted_max = [](const Environment& environment) {
    return Context::read(environment, Action::Start).clone.value().promoted_max;
  };
  EXPECT_EQ(promoted_max({{"OCF_RESKEY_CRM_meta_master_max", "2"}}), "2");
  EXPECT_EQ(promoted_max({{"OCF_RESKEY_CRM_meta_promoted_max", "1"}, {"OCF_RESKEY_CRM_meta_master_max", "2"}}), "1");
  EXPECT_EQ(promoted_max({{"OCF_RESKEY_CRM_meta_clone_max", "3"}}), std::nullopt);
}

TEST(Context, TellsATransitionFromACallByHand) {
  const auto real = fake::recorded_environment("switchover-srv2-to-srv1/12-srv1-promote.env");
  EXPECT_TRUE(Context::read(real, Action::Promote).clone->in_transition);
  const Environment by_hand{{"OCF_RESKEY_CRM_meta_clone_max", "3"}, {"OCF_RESKEY_CRM_meta_notify", "true"}};
  EXPECT_FALSE(Context::read(by_hand, Action::Promote).clone->in_transition);
}

TEST(Context, KnowsTheMonitorOfAPromotedInstanceByItsRole) {
  const auto promoted = [](const std::string& role, const std::string& interval) {
    const Environment environment{{"OCF_RESKEY_CRM_meta_role", role}, {"OCF_RESKEY_CRM_meta_interval", interval}};
    return Context::read(environment, Action::Monitor).promoted_monitor;
  };
  for (const auto* role : {"Promoted", "Master"}) EXPECT_TRUE(promoted(role, "15000")) << role;
  for (const auto* role : {"Unpromoted", "Slave", "Started", "Stopped", ""})
    EXPECT_FALSE(promoted(role, "15000")) << role;
  for (const auto* role : {"Promoted", "Master"}) EXPECT_FALSE(promoted(role, "0")) << "a probe";
}

TEST(Context, ReadsNotifyAsABoolean) {
  for (const auto* value : {"true", "on", "Yes", "1", "y"}) {
    const Environment environment{{"OCF_RESKEY_CRM_meta_clone_max", "3"}, {"OCF_RESKEY_CRM_meta_notify", value}};
    EXPECT_TRUE(Context::read(environment, Action::Start).clone->notify) << value;
  }
  EXPECT_FALSE(Context::read({{"OCF_RESKEY_CRM_meta_clone_max", "3"}}, Action::Start).clone->notify);
}

TEST(Context, ReadsTheCheckLevel) {
  EXPECT_EQ(Context::read({{"OCF_CHECK_LEVEL", "10"}}, Action::ValidateAll).check_level, 10);
  EXPECT_EQ(Context::read({{"OCF_CHECK_LEVEL", "deep"}}, Action::ValidateAll).check_level, 0);
  EXPECT_EQ(Context::read({}, Action::ValidateAll).check_level, 0);
}

}  // namespace
}  // namespace pgsqlms::ocf
