// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/shutdown.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "pgsqlms/decision/shutdown.hpp"

namespace pgsqlms::action {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr Duration kProcessPoll = 10ms;
/// How long whoever is no standby may hold up a shutdown, and how often is looked then.
constexpr Duration kHolderPatience = 10s;
constexpr Duration kHolderPoll = 500ms;

/// Nothing where it cannot be found out.
pg::ShutdownProgress look_at_progress(Agent& agent) try {
  return agent.instance.shutdown_progress(agent.deadline.within(kHolderPoll));
} catch (const ocf::Failure& failure) {
  spdlog::warn("what the shutdown waits for is not known: {}", failure.what());
  return {};
}

void end_consumers(Agent& agent, const pg::ShutdownProgress& progress) {
  for (const auto& holder : progress.holders) {
    if (holder.kind != pg::HolderKind::Consumer) continue;
    spdlog::warn(
        "the shutdown waits for a logical consumer that does not confirm what it was sent, it is ended: {}, "
        "pid {}",
        holder.title, holder.pid);
    agent.instance.end_consumer(holder.pid);
  }
}

void help_on(Agent& agent, const pg::ShutdownProgress& progress) {
  switch (decision::next_step(progress)) {
    case decision::ShutdownStep::Wait: return;
    case decision::ShutdownStep::EndConsumers: return end_consumers(agent, progress);
    case decision::ShutdownStep::AbandonArchiving:
      spdlog::warn(
          "the instance is shut down and archiving holds up its end: {} WAL segments are left unarchived in "
          "pg_wal (archive_status/*.ready), archive them before they are recycled",
          progress.unarchived);
      return agent.instance.abandon_archiving();
  }
}

std::string describe_delay(const pg::ServerProcesses& processes, const pg::ShutdownProgress& progress) {
  if (!processes.postmaster) {
    return "the single-user backend did not end in time, pid " + std::to_string(*processes.single_user_backend);
  }
  const auto holders = decision::describe_holders(progress);
  return "the server did not stop in time (fast shutdown)" + (holders.empty() ? "" : ", it waits for " + holders);
}

void wait_until_gone(Agent& agent) {
  auto patience = agent.deadline.within(std::min<Duration>(kHolderPatience, agent.deadline.remaining() / 4));
  pg::ShutdownProgress progress;
  for (auto now = agent.instance.processes(); is_somebody_at_work(now); now = agent.instance.processes()) {
    if (agent.deadline.expired()) throw ocf::Failure(describe_delay(now, progress));
    if (now.postmaster && patience.expired()) {
      progress = look_at_progress(agent);
      help_on(agent, progress);
      patience = agent.deadline.within(kHolderPoll);
    }
    agent.deadline.pause(kProcessPoll);
  }
}

}  // namespace

bool is_somebody_at_work(const pg::ServerProcesses& processes) {
  return processes.postmaster || processes.single_user_backend;
}

void stop_server(Agent& agent) {
  if (is_somebody_at_work(agent.instance.processes())) {
    agent.instance.request_stop(agent.deadline);
    wait_until_gone(agent);
  }
  agent.instance.end_orphans(agent.deadline);
  if (const auto elsewhere = agent.instance.processes().elsewhere) {
    throw ocf::Failure("not stopped: the server of this instance works in another directory than datadir: \"" +
                       *elsewhere + "\"");
  }
}

}  // namespace pgsqlms::action
