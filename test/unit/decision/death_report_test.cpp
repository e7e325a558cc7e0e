// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/death_report.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace pgsqlms::decision {
namespace {

/// A server that is dead while the cluster has no idea and nothing else going on.
DeathFacts unexpected_death() {
  DeathFacts facts;
  facts.status.online = true;
  facts.status.instance.emplace();
  facts.status.instance->managed = true;
  return facts;
}

TEST(ReasonNotToReport, IsNoneForAnUnexpectedDeath) {
  EXPECT_EQ(reason_not_to_report(unexpected_death()), std::nullopt);
}

TEST(ReasonNotToReport, IsThereForEveryDeathThatIsNoNewsToTheClusterOrNoneOfItsBusiness) {
  struct Row {
    const char* reason;
    std::function<void(DeathFacts&)> change;
  };
  const Row rows[] = {
      {"a server answers again", [](auto& facts) { facts.answers_again = true; }},
      {"this node is no online member of the cluster", [](auto& facts) { facts.status.online = false; }},
      {"this node is being shut down", [](auto& facts) { facts.status.shutting_down = true; }},
      {"this node is in standby", [](auto& facts) { facts.status.standby = true; }},
      {"this node is in maintenance mode", [](auto& facts) { facts.status.maintenance = true; }},
      {"the cluster has no active instance on this node", [](auto& facts) { facts.status.instance.reset(); }},
      {"the resource is no longer configured", [](auto& facts) { facts.status.instance->orphaned = true; }},
      {"the resource is not managed", [](auto& facts) { facts.status.instance->managed = false; }},
      {"the resource is to be stopped", [](auto& facts) { facts.status.instance->target_role = "Stopped"; }},
      {"an action is under way: Stopping", [](auto& facts) { facts.status.instance->pending = "Stopping"; }},
      {"an action is under way: Demoting", [](auto& facts) { facts.status.instance->pending = "Demoting"; }},
      {"an action is under way: Promoting", [](auto& facts) { facts.status.instance->pending = "Promoting"; }},
      {"the cluster knows already", [](auto& facts) { facts.status.instance->failed = true; }},
      {"the resource is blocked", [](auto& facts) { facts.status.instance->blocked = true; }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    auto facts = unexpected_death();
    row.change(facts);
    EXPECT_EQ(reason_not_to_report(facts), row.reason);
  }
}

TEST(ReasonNotToReport, IsNoneDuringAMonitorOrForATargetRoleInWhichTheServerRuns) {
  auto facts = unexpected_death();
  facts.status.instance->pending = "Monitoring";
  for (const auto* role : {"", "Started", "Promoted", "Master", "Unpromoted", "Slave"}) {
    facts.status.instance->target_role = role;
    EXPECT_EQ(reason_not_to_report(facts), std::nullopt) << role;
  }
}

TEST(ReasonNotToReport, IsThereWhenNothingIsKnown) { EXPECT_NE(reason_not_to_report(DeathFacts{}), std::nullopt); }

}  // namespace
}  // namespace pgsqlms::decision
