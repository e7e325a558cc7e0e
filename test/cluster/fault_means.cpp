// SPDX-License-Identifier: PostgreSQL
#include "fault_means.hpp"

namespace pgsqlms::scenario {

using F = FaultScenario;

void put_into_standby(const NodeName& node) {
  F::order({"crm_attribute", "--node", node, "--name", "standby", "--update", "on"});
}

void take_out_of_standby(const NodeName& node) {
  F::order({"crm_attribute", "--node", node, "--name", "standby", "--delete"});
}

void stop_on_node(const NodeName& node) {
  put_into_standby(node);
  EXPECT_TRUE(within(seconds(60), "PostgreSQL is stopped on " + node,
                     [&] { return F::lab().view().nodes.at(node).role == "stopped"; }));
  F::order({"crm_resource", "--wait", "--timeout", "30"});
}

void break_the_configuration(const NodeName& node) {
  F::lab().exec(node, {"sh", "-c", "cp -p $0 $0.whole && echo \"this is = not valid '\" >> $0", kConfiguration});
}

void mend_the_configuration(const NodeName& node) {
  F::lab().exec(node, {"mv", kConfiguration + ".whole", kConfiguration});
}

std::string received_lsn(const NodeName& standby) { return F::lab().sql(standby, "select pg_last_wal_receive_lsn()"); }

void freeze_the_wal_sender_to(const F& f, const NodeName& standby) {
  const auto pid =
      F::lab().sql(f.primary(), "select pid from pg_stat_replication where application_name = '" + standby + "'");
  F::lab().exec(f.primary(), {"kill", "-STOP", pid});
}

::testing::AssertionResult has_more_wal_than(const NodeName& node, const NodeName& standby) {
  const std::string lsn =
      "case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_flush_lsn() end";
  return within(seconds(10), node + " has more WAL than " + standby,
                [&] { return F::lab().sql(node, "select " + lsn + " > '" + received_lsn(standby) + "'") == "t"; });
}

::testing::AssertionResult is_nobody_promoted(const F& f, const std::string& why) {
  const auto promotions = [&] { return f.events(" pgsqld +promote +rc=0").size(); };
  const auto before = promotions();
  return holds_for(seconds(40), "nobody is promoted " + why, [&] { return promotions() == before; });
}

}  // namespace pgsqlms::scenario
