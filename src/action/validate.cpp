// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/validate.hpp"

#include <algorithm>
#include <array>

#include "pgsqlms/ocf/feature_set.hpp"

namespace pgsqlms::action {
namespace {

using ocf::Failure;
using ocf::ReturnCode;

/// From this OCF_CHECK_LEVEL on the clone's options are demanded also where the caller gave no clone context.
constexpr int kFullCheckLevel = 10;

void require(bool condition, ReturnCode code, const std::string& reason) {
  if (!condition) throw Failure(code, reason);
}

void check_pacemaker(const ocf::Context& context) {
  if (!context.feature_set) return;
  const auto version = ocf::FeatureSet::parse(*context.feature_set);
  require(version && !(*version < ocf::kOldestFeatureSet), ReturnCode::ErrInstalled,
          "crm_feature_set \"" + *context.feature_set + "\": Pacemaker 1.1.13 or newer is needed");
}

void check_clone_options(const ocf::Context& context) {
  if (!context.clone && context.check_level < kFullCheckLevel) return;
  const auto options = context.clone.value_or(ocf::CloneOptions{});
  require(options.notify, ReturnCode::ErrInstalled, "the clone needs the meta-attribute notify=true");
  require(options.promoted_max || !options.in_transition, ReturnCode::ErrInstalled,
          "the resource is not a promotable clone");
  const auto promoted_max = options.promoted_max.value_or("1");
  require(promoted_max == "1", ReturnCode::ErrInstalled,
          "the clone's promoted-max is \"" + promoted_max + "\", it must be 1");
}

void check_installation(const pg::Installation& installation, const ocf::ResourceParameters& parameters) {
  require(installation.pgdata, ReturnCode::ErrArgs, "pgdata \"" + parameters.pgdata + "\" is not a directory");
  require(installation.data_directory, ReturnCode::ErrArgs,
          "datadir \"" + parameters.datadir + "\" is not a directory");
  require(installation.version.has_value(), ReturnCode::ErrArgs,
          "\"" + parameters.datadir + "/PG_VERSION\" cannot be read: not a data directory");
  require(installation.version->supported(), ReturnCode::ErrInstalled,
          "PostgreSQL " + to_string(*installation.version) + " is not supported, 9.3 or newer is needed");
  require(installation.system_user, ReturnCode::ErrArgs,
          "system_user \"" + parameters.system_user + "\" does not exist");
  require(!installation.missing_program, ReturnCode::ErrInstalled,
          "program \"" + installation.missing_program.value_or("") + "\" cannot be executed (parameter bindir)");
}

void check_control_data(Agent& agent) {
  const auto control = agent.instance.control_data(agent.deadline);
  require(control || !agent.deadline.expired(), ReturnCode::ErrGeneric, "out of time for pg_controldata");
  require(control.has_value(), ReturnCode::ErrArgs,
          "pg_controldata does not understand \"" + agent.parameters.datadir + "\"");
  constexpr std::array<std::string_view, 3> kLevels = {"replica", "logical", "hot_standby"};
  require(std::find(kLevels.begin(), kLevels.end(), control->wal_level) != kLevels.end(), ReturnCode::ErrArgs,
          "wal_level is \"" + control->wal_level + "\", it must be replica or logical (hot_standby before 9.6)");
}

void check_recovery_settings(Agent& agent, const pg::Installation& installation) {
  const auto& file = agent.parameters.recovery_template;
  const bool from_template = !installation.version->has_standby_signal();
  require(from_template == installation.recovery_template, ReturnCode::ErrArgs,
          from_template ? "recovery template \"" + file + "\" does not exist"
                        : "recovery template \"" + file + "\" exists, PostgreSQL 12 and newer must not have one");
  const auto names = template_names(agent);
  const auto settings = agent.instance.recovery_settings(names, agent.deadline);
  const auto source = from_template ? pg::SettingsSource::RecoveryTemplate : pg::SettingsSource::ServerConfiguration;
  if (const auto problem = pg::find_problem(settings, source, names.node)) throw Failure(ReturnCode::ErrArgs, *problem);
}

}  // namespace

void validate(Agent& agent) {
  validate_for_promotion(agent);
  check_control_data(agent);
  check_recovery_settings(agent, agent.instance.installation());
}

void validate_for_promotion(Agent& agent) {
  if (const auto invalid = ocf::find_invalid_parameter(agent.parameters)) throw Failure(invalid->code, invalid->reason);
  check_pacemaker(agent.context);
  check_clone_options(agent.context);
  check_installation(agent.instance.installation(), agent.parameters);
}

}  // namespace pgsqlms::action
