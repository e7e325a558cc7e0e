// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/standby_start.hpp"

#include <spdlog/spdlog.h>

#include "pgsqlms/decision/lock_file.hpp"
#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::action {

std::vector<pg::Setting> plan_standby_start(Agent& agent) {
  const auto facts = agent.instance.start_facts(agent.deadline);
  if (!facts.is_own_directory) {
    throw ocf::Failure(ocf::ReturnCode::ErrArgs, "the server would work in \"" + facts.data_directory +
                                                     "\" (data_directory), not in datadir \"" +
                                                     agent.parameters.datadir + "\"");
  }
  auto overrides = pg::standby_overrides(facts.version);
  for (const auto& [name, configured, required] : pg::find_low_settings(facts.configured, facts.required)) {
    spdlog::warn("{} is {} in the configuration, the primary had {}: a standby is started with {}", name, configured,
                 required, required);
    overrides.push_back({name, std::to_string(required)});
  }
  return overrides;
}

void clear_lock_files(Agent& agent) {
  for (const auto& file : agent.instance.lock_files(agent.deadline)) {
    if (const auto reason = decision::reason_to_keep(file)) {
      spdlog::warn("the lock file \"{}\" is left, it may be a living server's: {}", file.path, *reason);
      continue;
    }
    spdlog::warn("removing the lock file \"{}\" that a crash has left: {}", file.path,
                 decision::describe_leftover(file));
    agent.instance.remove_lock_file(file, agent.deadline);
  }
}

void name_overridden_settings(Agent& agent) try {
  const pg::TemplateNames names{agent.host_name, agent.cluster.local_node()};
  for (const auto& [name, value] : agent.instance.harmful_settings(names, agent.deadline)) {
    spdlog::warn("{} is \"{}\" in the configuration: a standby is started without it", name, value);
  }
} catch (const ocf::Failure& failure) {
  // They are overridden all the same.
  spdlog::warn("the settings that a start overrides are not known: {}", failure.what());
}

}  // namespace pgsqlms::action
