// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/watching.hpp"

#include <spdlog/spdlog.h>

#include "pgsqlms/decision/death_report.hpp"

namespace pgsqlms::action {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// How long an action waits for a new watcher to be there.
constexpr Duration kBeginning = 2s;
/// How long a killed watcher is given to be gone.
constexpr Duration kEnd = 200ms;
/// How long a server that has been started again is given to say so.
constexpr Duration kAnswer = 2s;

}  // namespace

void keep_watch(Agent& agent) try {
  if (!ocf::is_true(agent.parameters.watch)) return end_watch(agent);
  agent.watcher.keep(agent.deadline.within(kBeginning));
} catch (const ocf::Failure& failure) {
  spdlog::warn("the server is not watched, only monitored: {}", failure.what());
}

void end_watch(Agent& agent) try {
  agent.watcher.end(agent.deadline.within(kEnd));
} catch (const ocf::Failure& failure) {
  spdlog::warn("the watcher may live on: {}", failure.what());
}

void report_death(Agent& agent) try {
  decision::DeathFacts facts;
  facts.answers_again = agent.instance.answers(agent.deadline.within(kAnswer));
  if (!facts.answers_again) facts.status = agent.cluster.local_status(agent.deadline);
  if (const auto reason = decision::reason_not_to_report(facts)) {
    spdlog::info("the server's end is not reported: {}", *reason);
    return;
  }
  agent.cluster.report_failure(agent.cluster.local_node(), agent.deadline);
  spdlog::warn("the server's end is reported to the cluster as a failure");
} catch (const ocf::Failure& failure) {
  spdlog::warn("the server's end is left to the next monitor: {}", failure.what());
}

}  // namespace pgsqlms::action
