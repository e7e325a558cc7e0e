// SPDX-License-Identifier: PostgreSQL
// Faults of a cluster with a node that runs Pacemaker Remote instead of Corosync: it votes and is chosen as any other.
#include <algorithm>

#include "fault_means.hpp"
#include "faults.hpp"

namespace pgsqlms::scenario {
namespace {

using F = FaultScenario;

const NodeName& remote_node() { return kThreeNodesAndARemoteOne.remotes.front(); }

/// The case begins with the primary on a node that runs Corosync.
void see_to_a_primary_on_a_member(F& f) {
  if (f.primary() != remote_node()) return;
  const auto member = f.standbys().front();
  F::move_primary_to(member);
  ASSERT_TRUE(F::stable_with_primary(member));
  F::clear_moves();
}

NodeName primary_now() { return F::lab().view().primary(); }

std::vector<NodeName> members_but(const NodeName& one) {
  auto members = kThreeNodesAndARemoteOne.members;
  members.erase(std::remove(members.begin(), members.end(), one), members.end());
  return members;
}

/// A notification that meets the connection on its way from a lost node to another one is waited for in vain: Pacemaker
/// 2.1.5 goes on two minutes later. That is no matter of the agent, so the connection is where nothing happens.
void keep_the_connection_off_the_primary() {
  // It is not moved to where it is.
  F::order({"sh", "-c",
            "crm_resource --locate --resource $0 | grep -q \"on: $1\" || crm_resource --move --resource $0 --node $1",
            remote_node(), members_but(primary_now()).front()});
  F::order({"crm_resource", "--wait", "--timeout", "30"});
  F::order({"crm_resource", "--clear", "--resource", remote_node()});
  F::order({"crm_resource", "--wait", "--timeout", "30"});
}

/// From now on only the remote node gets what is acknowledged.
void let_only_the_remote_node_acknowledge(F& f) {
  keep_the_connection_off_the_primary();
  // Pacemaker 2.1.5 knows nothing of the recurring operations that began before the connection was moved: it does not
  // end the monitor of a standby when it promotes it. The failure concerns nobody.
  f.expect_failed_action(remote_node(), "monitor");
  f.acknowledge_only_what_one_standby_has();
  for (const auto& standby : members_but(primary_now())) {
    F::lab().call({"cut", primary_now(), standby, "--only", "postgres"});
    EXPECT_TRUE(has_more_wal_than(remote_node(), standby));
  }
  EXPECT_TRUE(f.acknowledges_more(20));
}

void expect_the_remote_node_promoted() {
  ASSERT_TRUE(within(seconds(120), remote_node() + " is promoted", [] { return primary_now() == remote_node(); }));
}

void power_off_the_primary_when_the_remote_node_has_the_most_wal(F& f) {
  see_to_a_primary_on_a_member(f);
  const auto lost = primary_now();
  for (const auto& member : members_but(lost)) f.expect_failed_action(member, "promote");
  let_only_the_remote_node_acknowledge(f);
  f.power_off(lost);
  F::lab().call({"heal"});
  expect_the_remote_node_promoted();
  EXPECT_TRUE(F::stable_with_primary(remote_node(), 2));
}

/// Its server hangs, so that its agent has no position to tell. Whoever else is asked to become the primary misses it.
void silence_the_remote_node_and_power_off_the_primary(F& f) {
  see_to_a_primary_on_a_member(f);
  const auto lost = primary_now();
  for (const auto& node : all_nodes()) f.expect_failures_of(node);
  f.expect_fencing_of(remote_node());
  F::order({"crm_resource", "--ban", "--resource", "pgsql-ha", "--promoted", "--node", remote_node()});
  let_only_the_remote_node_acknowledge(f);
  F::signal_postmaster(remote_node(), "STOP");
  f.power_off(lost);
  F::lab().call({"heal"});
  ASSERT_TRUE(is_nobody_promoted(f, "without the commits of " + remote_node()));
  F::clear_moves();
  if (F::lab().status().get<std::string>("nodes." + remote_node() + ".power") == "on") {
    F::signal_postmaster(remote_node(), "CONT");
  } else {
    F::lab().call({"power", "on", remote_node()});
  }
  ASSERT_TRUE(within(seconds(180), "there is a primary again", [] { return !primary_now().empty(); }));
  F::order({"crm_resource", "--cleanup"});
}

void power_off_the_remote_node(F& f) {
  see_to_a_primary_on_a_member(f);
  const auto primary = primary_now();
  f.power_off(remote_node());
  EXPECT_TRUE(
      within(seconds(60), remote_node() + " is out", [] { return !F::lab().view().nodes.at(remote_node()).online; }));
  EXPECT_EQ(primary_now(), primary);
}

void move_to_the_remote_node_and_power_it_off(F& f) {
  if (f.primary() != remote_node()) {
    F::move_primary_to(remote_node());
    ASSERT_TRUE(F::stable_with_primary(remote_node()));
    F::clear_moves();
  }
  f.acknowledge_only_what_one_standby_has();
  EXPECT_TRUE(f.acknowledges_more(20));
  f.power_off(remote_node());
  EXPECT_TRUE(within(seconds(90), "a member is promoted",
                     [] { return !primary_now().empty() && primary_now() != remote_node(); }));
}

}  // namespace

std::vector<Fault> remote_faults() {
  std::vector<Fault> faults = {
      {"ARemoteNodeWithTheMostWalIsPromoted",
       "the primary's node powered off when only the remote node has the last commits; synchronous",
       "failover to the remote node", power_off_the_primary_when_the_remote_node_has_the_most_wal},
      {"NobodyIsPromotedPastASilentRemoteNode",
       "the same with the remote node's postmaster frozen for 40 s; synchronous", "nobody is promoted meanwhile",
       silence_the_remote_node_and_power_off_the_primary},
      {"ARemoteNodeWithoutPowerIsNotMissed", "the remote node powered off", "fenced, the primary is untouched",
       power_off_the_remote_node},
      {"APrimaryOnARemoteNodeIsReplaced", "the primary moved to the remote node, and this powered off; synchronous",
       "switchover, fenced, failover", move_to_the_remote_node_and_power_it_off},
  };
  for (auto& fault : faults) fault.shape = &kThreeNodesAndARemoteOne;
  return faults;
}

}  // namespace pgsqlms::scenario
