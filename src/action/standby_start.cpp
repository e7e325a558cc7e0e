// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/standby_start.hpp"

#include <spdlog/spdlog.h>

#include "pgsqlms/action/role.hpp"
#include "pgsqlms/action/shutdown.hpp"
#include "pgsqlms/action/watching.hpp"
#include "pgsqlms/decision/lock_file.hpp"
#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::action {
namespace {

/// Whole seconds are what a server is given to come up.
constexpr Duration kTimeForQuestions = std::chrono::seconds(1);
constexpr const char* kStartPurpose = "while it was started as a standby";

/// Starts the server with these settings besides; where it does not come up, once more with the hot-standby settings
/// that are lower than the primary had them raised to that.
void start_with_enough(Agent& agent, std::vector<pg::Setting> settings) {
  try {
    return agent.instance.start(settings, agent.deadline);
  } catch (const ocf::Failure&) {
    // One that was given all of the time had settings enough to come up with.
    if (agent.deadline.remaining() < kTimeForQuestions) throw;
    // A server below the primary's settings ends at once. To ask for them beforehand would cost each start a tenth of a
    // second.
    const auto raised = raise_low_settings(agent);
    if (raised.empty()) throw;
    settings.insert(settings.end(), raised.begin(), raised.end());
  }
  agent.instance.start(settings, agent.deadline);
}

/// Removes the lock files that keep the server from its start, if they cannot be a living server's, and logs either.
/// No process of the instance is left.
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

void start_once(Agent& agent, const std::vector<pg::Setting>& settings) {
  agent.instance.end_orphans(agent.deadline);
  clear_lock_files(agent);
  agent.instance.configure_as_standby(template_names(agent));
  start_with_enough(agent, settings);
}

}  // namespace

void check_server_directory(Agent& agent) {
  const auto directory = agent.instance.server_directory(agent.deadline);
  if (directory.is_own) return;
  throw ocf::Failure(ocf::ReturnCode::ErrArgs, "the server would work in \"" + directory.path +
                                                   "\" (data_directory), not in datadir \"" + agent.parameters.datadir +
                                                   "\"");
}

std::vector<pg::Setting> raise_low_settings(Agent& agent) {
  const auto settings = agent.instance.hot_standby_settings(agent.deadline);
  std::vector<pg::Setting> raised;
  for (const auto& [name, configured, required] : pg::find_low_settings(settings.configured, settings.required)) {
    spdlog::warn("{} is {} in the configuration, the primary had {}: a standby is started with {}", name, configured,
                 required, required);
    raised.push_back({name, std::to_string(required)});
  }
  return raised;
}

void start_in_standby_mode(Agent& agent) {
  const auto archive_patience = agent.deadline.within(agent.deadline.remaining() / 2);
  start_once(agent, {});
  if (!reach_role(agent, decision::InstanceState::Standby, kStartPurpose, archive_patience)) {
    return restart_without_archive(agent);
  }
  name_overridden_settings(agent);
}

void restart_as_standby(Agent& agent) {
  end_watch(agent);
  stop_server(agent);
  start_in_standby_mode(agent);
}

void restart_without_archive(Agent& agent) {
  spdlog::warn("{}: the standby is restarted without restore_command, and has it again with its next start",
               agent.instance.trouble());
  end_watch(agent);
  stop_server(agent);
  start_once(agent, {{"restore_command", ""}});
  static_cast<void>(reach_role(agent, decision::InstanceState::Standby, kStartPurpose, agent.deadline));
  name_overridden_settings(agent);
}

void name_settings_not_in_force(Agent& agent) {
  for (const auto& setting : agent.instance.settings_not_in_force(agent.deadline)) {
    spdlog::warn("the running server has not taken over what the next start will read: {}", setting);
  }
}

void name_overridden_settings(Agent& agent) try {
  for (const auto& [name, value] : agent.instance.harmful_settings(template_names(agent), agent.deadline)) {
    spdlog::warn("{} is \"{}\" in the configuration: a standby is started without it", name, value);
  }
} catch (const ocf::Failure& failure) {
  // They are overridden all the same.
  spdlog::warn("the settings that a start overrides are not known: {}", failure.what());
}

}  // namespace pgsqlms::action
