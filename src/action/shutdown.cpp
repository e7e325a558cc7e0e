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

/// Helps a shutdown on that takes longer than it should.
class Helper {
 public:
  /// The archiver is left alone that long, and its command as long again.
  Helper(Agent& agent, Duration archiving) : agent_(agent), archiving_(archiving), patience_(agent.deadline) {}

  void help_on(const pg::ShutdownProgress& progress) {
    switch (decision::next_step(progress)) {
      case decision::ShutdownStep::Wait: return;
      case decision::ShutdownStep::EndConsumers: return end_consumers(progress);
      case decision::ShutdownStep::EndArchiving: return end_archiving(progress);
    }
  }

 private:
  void end_consumers(const pg::ShutdownProgress& progress) {
    for (const auto& holder : progress.holders) {
      if (holder.kind != pg::HolderKind::Consumer) continue;
      spdlog::warn(
          "the shutdown waits for a logical consumer that does not confirm what it was sent, it is ended: {}, pid {}",
          holder.title, holder.pid);
      agent_.instance.ask_to_end(holder.pid);
    }
  }

  /// First in a regular way, once the command that runs is through: one that is killed may leave half a file. A
  /// command that does not end is killed with the server.
  void end_archiving(const pg::ShutdownProgress& progress) {
    if (archiver_ == Archiver::AmongOthers) {
      archiver_ = Archiver::Alone;
      patience_ = agent_.deadline.within(archiving_);
    } else if (!patience_.expired()) {
      return;
    } else if (archiver_ == Archiver::Alone) {
      spdlog::warn(
          "the instance is shut down and archiving holds up its end: {} WAL segments are left unarchived in pg_wal "
          "(archive_status/*.ready), archive them before they are recycled",
          progress.unarchived);
      for (const auto& archiver : progress.holders) agent_.instance.ask_to_end(archiver.pid);
      archiver_ = Archiver::Asked;
      patience_ = agent_.deadline.within(archiving_);
    } else {
      spdlog::warn("archive_command does not end and is killed: {}; see whether it has left half a file in the archive",
                   decision::describe_holders(progress));
      agent_.instance.abandon_archiving();
    }
  }

  Agent& agent_;
  Duration archiving_;
  enum class Archiver { AmongOthers, Alone, Asked } archiver_ = Archiver::AmongOthers;
  Deadline patience_;  ///< with an archiver that is alone, or was asked to end
};

std::string describe_delay(const pg::ServerProcesses& processes, const pg::ShutdownProgress& progress) {
  if (!processes.postmaster) {
    return "the single-user backend did not end in time, pid " + std::to_string(*processes.single_user_backend);
  }
  const auto holders = decision::describe_holders(progress);
  return "the server did not stop in time (fast shutdown)" + (holders.empty() ? "" : ", it waits for " + holders);
}

void wait_until_gone(Agent& agent) {
  const auto share = std::min<Duration>(kHolderPatience, agent.deadline.remaining() / 4);
  auto patience = agent.deadline.within(share);
  Helper helper(agent, share / 2);
  pg::ShutdownProgress progress;
  for (auto now = agent.instance.processes(); is_somebody_at_work(now); now = agent.instance.processes()) {
    if (agent.deadline.expired()) throw ocf::Failure(describe_delay(now, progress));
    if (now.postmaster && patience.expired()) {
      progress = look_at_progress(agent);
      helper.help_on(progress);
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
