// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/notify_context.hpp"

#include <algorithm>

#include "pgsqlms/ocf/feature_set.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::ocf {
namespace {

std::string variable(std::string_view name) { return "OCF_RESKEY_CRM_meta_notify_" + std::string(name); }

NodeList read_list(const Environment& environment, std::string_view name) {
  const auto value = environment.find(variable(name)).value_or("");
  NodeList nodes;
  for (const auto word : words(value)) nodes.emplace_back(word);
  return nodes;
}

/// The list under its name of Pacemaker 2.1, or under the one it had before.
NodeList read_list(const Environment& environment, std::string_view name, std::string_view former_name) {
  return read_list(environment, environment.find(variable(name)) ? name : former_name);
}

void append_missing(NodeList& nodes, const NodeList& more) {
  for (const auto& node : more) {
    if (!contains(nodes, node)) nodes.push_back(node);
  }
}

bool is_active_list_complete(const Environment& environment) {
  const auto version = FeatureSet::parse(environment.text("OCF_RESKEY_crm_feature_set").value_or(""));
  return !version || !(*version < kActiveListIsComplete);
}

}  // namespace

bool contains(const NodeList& nodes, std::string_view node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

std::optional<NotifyContext> NotifyContext::read(const Environment& environment) {
  if (!environment.find(variable("promote_uname")) && !environment.find(variable("type"))) return std::nullopt;
  NotifyContext context;
  context.type = environment.text(variable("type")).value_or("");
  context.operation = environment.text(variable("operation")).value_or("");
  context.active = read_list(environment, "active_uname");
  context.promoted = read_list(environment, "promoted_uname", "master_uname");
  context.unpromoted = read_list(environment, "unpromoted_uname", "slave_uname");
  context.start = read_list(environment, "start_uname");
  context.stop = read_list(environment, "stop_uname");
  context.promote = read_list(environment, "promote_uname");
  context.demote = read_list(environment, "demote_uname");
  if (!is_active_list_complete(environment)) {
    append_missing(context.active, context.promoted);
    append_missing(context.active, context.unpromoted);
  }
  return context;
}

NodeList participants(const NotifyContext& context) {
  NodeList nodes;
  for (const auto& node : context.active) {
    if (!contains(context.stop, node)) append_missing(nodes, {node});
  }
  append_missing(nodes, context.start);
  return nodes;
}

}  // namespace pgsqlms::ocf
