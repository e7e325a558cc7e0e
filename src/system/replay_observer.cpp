// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/replay_observer.hpp"

#include <string>

#include "pgsqlms/pg/process_title.hpp"
#include "pgsqlms/system/proc.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

constexpr std::chrono::seconds kIdle(1);

/// The last word of "recovering 000000010000000000000003".
std::string last_word(std::string_view said) {
  const auto found = words(said);
  return found.empty() ? std::string() : std::string(found.back());
}

}  // namespace

std::optional<pg::Replay> ReplayObserver::look(const std::vector<ServerProcess>& processes) {
  std::optional<pg::Replay> replay;
  std::optional<pg::Lsn> streamed;
  for (const auto& process : processes) {
    if (const auto said = pg::startup_words(process.title)) {
      replay = pg::Replay{is_idle(process.pid), last_word(*said), std::nullopt};
    }
    if (const auto position = pg::streamed_position(process.title)) streamed = position;
  }
  if (replay) replay->streamed = streamed;
  return replay;
}

bool ReplayObserver::is_idle(pid_t startup) {
  const auto status = status_of(startup);
  if (!status || status->state != 'S' || child_of(startup)) {
    sleep_.reset();
    return false;
  }
  const auto work = status->processor_time;
  const auto now = std::chrono::steady_clock::now();
  if (!sleep_ || sleep_->pid != startup || sleep_->work != work) sleep_ = Sleep{startup, work, now};
  return now - sleep_->seen >= kIdle;
}

}  // namespace pgsqlms::system
