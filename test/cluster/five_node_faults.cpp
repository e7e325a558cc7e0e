// SPDX-License-Identifier: PostgreSQL
// Faults of a cluster of five nodes: with as many lost at once as quorum allows, those who are left may lack what was
// acknowledged, and only counting can tell.
#include <algorithm>

#include "fault_means.hpp"
#include "faults.hpp"

namespace pgsqlms::scenario {
namespace {

using F = FaultScenario;

/// What is acknowledged from now on is on the first `count` standbys alone.
void let_only_the_first_acknowledge(F& f, std::size_t count) {
  f.acknowledge_only_what_standbys_have(count);
  const auto& best = f.standbys().front();
  for (auto standby = f.standbys().begin() + static_cast<std::ptrdiff_t>(count); standby != f.standbys().end();
       ++standby) {
    F::lab().call({"cut", f.primary(), *standby, "--only", "postgres"});
    EXPECT_TRUE(has_more_wal_than(best, *standby));
  }
  EXPECT_TRUE(f.acknowledges_more(20));
}

void expect_failures_of_all(F& f) {
  for (const auto& node : all_nodes()) f.expect_failures_of(node);
}

void power_off_at_once(F& f, const std::vector<NodeName>& nodes) {
  for (const auto& node : nodes) f.power_off(node);
}

void expect_promoted(const NodeName& node) {
  ASSERT_TRUE(within(seconds(120), node + " is promoted", [&] { return F::lab().view().primary() == node; }));
}

void lose_the_primary_and_the_acknowledging_standby(F& f) {
  const auto acknowledging = f.standbys().front();
  expect_failures_of_all(f);
  let_only_the_first_acknowledge(f, 1);
  power_off_at_once(f, {f.primary(), acknowledging});
  F::lab().call({"heal"});
  // The three that are left have quorum, but not the last commits.
  ASSERT_TRUE(is_nobody_promoted(f, "without the commits of " + acknowledging));
  EXPECT_FALSE(f.events(" pgsqld +promote +rc=[1-9].*" + acknowledging).empty()) << "nobody is told who is missing";
  F::lab().call({"power", "on", acknowledging});
  expect_promoted(acknowledging);
  F::order({"crm_resource", "--cleanup"});
}

void lose_the_primary_and_one_of_two_acknowledging_standbys(F& f) {
  const auto left = f.standbys().front();
  expect_failures_of_all(f);
  let_only_the_first_acknowledge(f, 2);
  power_off_at_once(f, {f.primary(), f.standbys()[1]});
  F::lab().call({"heal"});
  expect_promoted(left);
}

/// All standbys acknowledge, so that nobody knows who has got the last commit.
void lose_the_primary_and_any_standby(F& f, std::size_t count) {
  const auto lost = f.any_standby();
  expect_failures_of_all(f);
  f.acknowledge_only_what_standbys_have(count);
  EXPECT_TRUE(f.acknowledges_more(20));
  power_off_at_once(f, {f.primary(), lost});
}

/// It may be the one that has got the last commit: so it is waited for.
void lose_the_primary_and_any_standby_of_any_1(F& f) {
  lose_the_primary_and_any_standby(f, 1);
  ASSERT_TRUE(is_nobody_promoted(f, "who may lack a commit"));
  for (const auto& node : all_nodes()) {
    if (!F::lab().view().nodes.at(node).online && node != f.primary()) F::lab().call({"power", "on", node});
  }
  f.expect_other_primary(seconds(120));
  F::order({"crm_resource", "--cleanup"});
}

/// One more has got it too.
void lose_the_primary_and_any_standby_of_any_2(F& f) {
  lose_the_primary_and_any_standby(f, 2);
  f.expect_other_primary(seconds(120));
}

void lose_two_standbys(F& f) {
  f.acknowledge_only_what_standbys_have(2);
  power_off_at_once(f, {f.standbys()[0], f.standbys()[2]});
  EXPECT_TRUE(within(seconds(60), "both are out", [&] {
    const auto nodes = F::lab().view().nodes;
    return !nodes.at(f.standbys()[0]).online && !nodes.at(f.standbys()[2]).online;
  }));
  EXPECT_TRUE(F::stable_with_primary(f.primary(), 2));
  EXPECT_TRUE(f.acknowledges_more(20));
  f.expect_outage_of_at_most(8);
}

void move_the_primary_around(F& f) {
  for (const auto& standby : f.standbys()) {
    F::move_primary_to(standby);
    EXPECT_TRUE(F::stable_with_primary(standby));
    F::clear_moves();
  }
  f.expect_outage_of_at_most(8);
}

}  // namespace

std::vector<Fault> five_node_faults() {
  std::vector<Fault> faults = {
      {"OfFiveNobodyIsPromotedWithoutTheOneThatAcknowledged",
       "the primary's node and that of the only standby with the last commits powered off, ANY 1 of five nodes",
       "nobody is promoted until that standby is back", lose_the_primary_and_the_acknowledging_standby},
      {"OfFiveTheOtherOneThatAcknowledgedIsPromoted",
       "the primary's node and that of one of two standbys with the last commits powered off, ANY 2 of five nodes",
       "failover to the other one", lose_the_primary_and_one_of_two_acknowledging_standbys},
      {"OfFiveNobodyIsPromotedWhoMayLackACommit",
       "the primary's node and that of any standby powered off, ANY 1 of five nodes",
       "nobody is promoted until that standby is back", lose_the_primary_and_any_standby_of_any_1},
      {"OfFiveSomebodyIsPromotedWhoLacksNoCommit",
       "the primary's node and that of any standby powered off, ANY 2 of five nodes", "failover",
       lose_the_primary_and_any_standby_of_any_2},
      {"OfFiveTwoStandbysAreNotMissed", "two standbys' nodes powered off, ANY 2 of five nodes",
       "the primary is untouched", lose_two_standbys},
      {"OfFiveEachOneBecomesThePrimaryInTurn", "the primary moved to each node in turn", "switchovers",
       move_the_primary_around},
  };
  for (auto& fault : faults) fault.shape = &kFiveNodes;
  return faults;
}

}  // namespace pgsqlms::scenario
