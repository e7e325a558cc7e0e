// SPDX-License-Identifier: PostgreSQL
#include "bench.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "fake/recorded.hpp"
#include "pgsqlms/action/run.hpp"
#include "pgsqlms/action/watching.hpp"
#include "pgsqlms/ocf/context.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::action {
namespace {

constexpr const char* kLists[] = {"active", "promoted", "unpromoted", "start", "stop", "promote", "demote"};

}  // namespace

CapturedLog::CapturedLog() {
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_);
  sink->set_pattern("%l: %v");
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
}

CapturedLog::~CapturedLog() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("silent")); }

bool CapturedLog::has(const std::string& level, const std::string& words) const {
  const auto text = lines_.str();
  for (const auto line : split(text, "\n")) {
    const bool is_of_level = line.substr(0, level.size() + 1) == level + ":";
    if (is_of_level && line.find(words) != std::string_view::npos) return true;
  }
  return false;
}

Node::Node(World& world, std::string node_name, decision::InstanceState state)
    : instance(world.clock, state), name(std::move(node_name)), world_(world), member_(world.cluster, name) {
  environment.set("OCF_RESOURCE_INSTANCE", "pgsqld");
  set("crm_feature_set", "3.16.1");
  for (const auto& [option, value] :
       {std::pair("on_node", name.c_str()), std::pair("clone", "0"), std::pair("clone_max", "3"),
        std::pair("notify", "true"), std::pair("promoted_max", "1"), std::pair("timeout", "60000")}) {
    set(std::string("CRM_meta_") + option, value);
  }
}

ocf::Answer Node::act(ocf::Action action) {
  const auto context = ocf::Context::read(environment, action);
  const auto parameters = ocf::read_parameters(environment);
  const auto begin = world_.clock.now();
  Agent agent{context, parameters, instance, member_, watcher, deadline_of(world_.clock, context.timeout), name};
  ocf::Answer answer;
  try {
    answer = run(agent, action);
  } catch (const ocf::Failure& failure) {
    answer = failure.answer();
  }
  took_ = std::chrono::duration_cast<Duration>(world_.clock.now() - begin);
  return answer;
}

void Node::report_death() {
  const auto context = ocf::Context::read(environment, ocf::Action::Monitor);
  const auto parameters = ocf::read_parameters(environment);
  Agent agent{context, parameters, instance, member_, watcher, deadline_of(world_.clock, context.timeout), name};
  action::report_death(agent);
}

ocf::Answer Node::replay(const std::string& call) {
  environment = fake::recorded_environment(call);
  return act(ocf::find_action(environment.text("OCF_RESKEY_CRM_meta_name").value_or(""))->action);
}

void Node::set_transition(std::initializer_list<std::pair<std::string, std::string>> lists) {
  for (const auto* list : kLists) set("CRM_meta_notify_" + std::string(list) + "_uname", " ");
  for (const auto& [list, nodes] : lists) set("CRM_meta_notify_" + list + "_uname", nodes);
}

ocf::Answer Node::be_notified(const std::string& type, const std::string& operation) {
  set("CRM_meta_notify_type", type);
  set("CRM_meta_notify_operation", operation);
  return act(ocf::Action::Notify);
}

}  // namespace pgsqlms::action
