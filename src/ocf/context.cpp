// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/context.hpp"

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::ocf {
namespace {

constexpr std::string_view kMeta = "OCF_RESKEY_CRM_meta_";

std::optional<std::string> meta(const Environment& environment, std::string_view name) {
  return environment.text(std::string(kMeta).append(name));
}

std::string read_resource(const Environment& environment) {
  const auto name = environment.text("OCF_RESOURCE_INSTANCE");
  if (name) return *name;
  if (!environment.text("OCF_RA_VERSION_MAJOR")) return "default";
  throw Failure(ReturnCode::ErrArgs, "OCF_RESOURCE_INSTANCE is empty: which resource is meant?");
}

std::optional<std::chrono::milliseconds> read_milliseconds(const Environment& environment, std::string_view name) {
  const auto number = parse_number<std::int64_t>(meta(environment, name).value_or(""));
  if (!number || *number <= 0) return std::nullopt;
  return std::chrono::milliseconds(*number);
}

std::optional<CloneOptions> read_clone_options(const Environment& environment) {
  const auto promoted_max = meta(environment, "promoted_max");
  CloneOptions options;
  options.promoted_max = promoted_max ? promoted_max : meta(environment, "master_max");
  options.in_transition = meta(environment, "clone").has_value();
  options.notify = is_true(meta(environment, "notify").value_or(""));
  if (!options.promoted_max && !meta(environment, "clone_max")) return std::nullopt;
  return options;
}

}  // namespace

Context Context::read(const Environment& environment, Action action) {
  Context context;
  context.resource = read_resource(environment);
  context.node = meta(environment, "on_node");
  // Corosync's nodes have numbers.
  context.remote_node = context.node && meta(environment, "on_node_uuid") == context.node;
  context.timeout = read_milliseconds(environment, "timeout").value_or(spec_of(action).timeout);
  context.probe = action == Action::Monitor && !read_milliseconds(environment, "interval");
  const auto role = meta(environment, "role").value_or("");
  context.promoted_monitor = action == Action::Monitor && !context.probe && (role == "Promoted" || role == "Master");
  context.check_level = parse_number<int>(environment.text("OCF_CHECK_LEVEL").value_or("")).value_or(0);
  context.feature_set = environment.text("OCF_RESKEY_crm_feature_set");
  context.clone = read_clone_options(environment);
  context.transition = NotifyContext::read(environment);
  return context;
}

}  // namespace pgsqlms::ocf
