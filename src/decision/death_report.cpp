// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/death_report.hpp"

namespace pgsqlms::decision {
namespace {

/// An action under way tells its outcome itself, or has ended the server. A monitor has not.
bool is_action_under_way(const cluster::InstanceStatus& instance) {
  return !instance.pending.empty() && instance.pending != "Monitoring";
}

}  // namespace

std::optional<std::string> reason_not_to_report(const DeathFacts& facts) {
  const auto& node = facts.status;
  if (facts.answers_again) return "a server answers again";
  if (!node.online) return "this node is no online member of the cluster";
  if (node.shutting_down) return "this node is being shut down";
  if (node.standby) return "this node is in standby";
  if (node.maintenance) return "this node is in maintenance mode";
  if (!node.instance) return "the cluster has no active instance on this node";
  const auto& instance = *node.instance;
  if (instance.orphaned) return "the resource is no longer configured";
  if (!instance.managed) return "the resource is not managed";
  if (instance.target_role == "Stopped") return "the resource is to be stopped";
  if (is_action_under_way(instance)) return "an action is under way: " + instance.pending;
  if (instance.failed) return "the cluster knows already";
  if (instance.blocked) return "the resource is blocked";
  return std::nullopt;
}

}  // namespace pgsqlms::decision
