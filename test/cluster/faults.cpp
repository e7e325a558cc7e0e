// SPDX-License-Identifier: PostgreSQL
#include "faults.hpp"

#include <utility>

namespace pgsqlms::scenario {
void FaultScenario::SetUp() {
  ClusterScenario::SetUp();
  if (HasFatalFailure()) return;
  if (is_synchronous_) acknowledge_only_what_one_standby_has();
}

NodeName FaultScenario::any_standby() { return standbys()[random_() % standbys().size()]; }

NodeName FaultScenario::any_node() { return all_nodes()[random_() % all_nodes().size()]; }

std::vector<NodeName> FaultScenario::nodes_in_any_order() {
  auto nodes = all_nodes();
  for (auto left = nodes.size(); left > 1; --left) std::swap(nodes[left - 1], nodes[random_() % left]);
  return nodes;
}

int FaultScenario::signal(const NodeName& node, const std::string& name, const std::string& pattern) {
  const auto count =
      lab().exec(node, {"sh", "-c", "for pid in $(pgrep -f \"$1\"); do kill -s \"$2\" $pid && echo $pid; done | wc -l",
                        "sh", pattern, name});
  return std::stoi(count);
}

std::string FaultScenario::server_process(const NodeName& node, const std::string& title) {
  return "^postgres: " + node + ": " + title;
}

void FaultScenario::kill_agent_during(const std::string& action, const NodeName& node) {
  // PAF's agent is an argument of perl; and the pattern must not find the shell that it is an argument of.
  const std::string pattern = "heartbeat/[p]gsqlms " + action + "$";
  EXPECT_TRUE(within(seconds(60), "the agent is in the middle of " + action + " on " + node, [&] {
    return lab().try_exec(node, {"pgrep", "-f", pattern}).code == 0;
  }));
  EXPECT_GT(signal(node, "KILL", pattern), 0) << action;
}

void FaultScenario::set_meta(const std::string& name, const std::string& value) {
  order({"crm_resource", "--resource", "pgsql-ha", "--meta", "--set-parameter", name, "--parameter-value", value});
}

void FaultScenario::delete_meta(const std::string& name) {
  order({"crm_resource", "--resource", "pgsql-ha", "--meta", "--delete-parameter", name});
}

void FaultScenario::expect_nothing_for(seconds duration) const {
  EXPECT_TRUE(holds_for(duration, "no instance is started, stopped, promoted or demoted",
                        [&] { return events(" pgsqld +(start|stop|promote|demote) ").empty(); }));
}

void FaultScenario::expect_same_primary() const { EXPECT_TRUE(stable_with_primary(primary())); }

void FaultScenario::expect_other_primary(seconds deadline) const { EXPECT_TRUE(another_is_promoted(deadline)); }

void FaultScenario::expect_started_again(const NodeName& node, const std::string& before, seconds deadline) {
  EXPECT_TRUE(was_started_again(node, before, deadline));
}

void FaultScenario::expect_failures_of(const NodeName& node) {
  for (const auto* const task : {"monitor", "start", "stop", "promote", "demote", "notify"}) {
    expect_failed_action(node, task);
  }
}

void FaultScenario::see_to_power_and_stack() {
  const auto status = lab().status();
  for (const auto& node : all_nodes()) {
    const auto& state = status.get_child("nodes." + node);
    if (state.get<std::string>("power") == "off") {
      lab().call({"power", "on", node});
    } else if (!state.get<bool>("pacemaker")) {
      lab().call({"cluster", "start", node});
    }
  }
}

void FaultScenario::forgive_refused_promotions(const NodeName& node) const {
  if (events(node + " +pgsqld +promote +rc=1 .* have diverged").empty()) return;
  if (lab().view().nodes.at(node).role != "stopped") return;
  order({"crm_resource", "--cleanup", "--node", node});
  EXPECT_TRUE(within(seconds(60), node + " starts and is out of the race", [&] {
    const auto state = lab().view().nodes.at(node);
    return state.role == "unpromoted" && state.score.value_or(-1) < 0;
  }));
}

bool FaultScenario::has_another_history(const NodeName& node, const NodeName& primary) {
  if (node == primary) return false;
  const auto newest = lab().try_sql(node, "select max(name) from pg_ls_dir('pg_wal') name where name like '%.history'");
  if (!newest || newest->empty()) return false;
  const std::string history = "select pg_read_file('pg_wal/" + *newest + "')";
  const auto ours = lab().try_sql(node, history);
  const auto primarys = lab().try_sql(primary, history);
  return ours && primarys && *ours != *primarys;
}

bool FaultScenario::cannot_replay(const NodeName& node) const {
  return postgres_log(node).count("PANIC:  could not open file \"pg_wal/") > 0;
}

void FaultScenario::mend() {
  lab().call({"heal"});
  lab().call({"fencing", "ok"});
  std::set<NodeName> rebuilt;
  std::optional<std::string> missing;
  // A node may still be about to be fenced when its power is looked at.
  EXPECT_TRUE(within(seconds(180), "the cluster is whole and stable", [&] {
    see_to_power_and_stack();
    const auto primary = lab().view().primary();
    for (const auto& node : all_nodes()) {
      if (primary.empty()) break;
      forgive_refused_promotions(node);
      if (rebuilt.count(node) > 0) continue;
      // Its server may have said so before the case itself has rebuilt it.
      const bool has_said_so = has_diverged(postgres_log(node)) && !streams(node, primary);
      if (has_said_so || has_another_history(node, primary)) {
        rebuild_diverged(node);
      } else if (cannot_replay(node)) {
        rebuild(node);
      } else {
        continue;
      }
      rebuilt.insert(node);
    }
    missing = lab().wait_stable({"--standbys", std::to_string(all_nodes().size() - 1)}, seconds(5));
    return !missing;
  })) << missing.value_or("");
}

}  // namespace pgsqlms::scenario
