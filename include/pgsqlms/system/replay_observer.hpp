// SPDX-License-Identifier: PostgreSQL
// ReplayObserver: what the processes of a server show of its recovery, look by look.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "pgsqlms/pg/replay.hpp"
#include "pgsqlms/system/server_processes.hpp"

namespace pgsqlms::system {

class ReplayObserver {
 public:
  /// Looks once more. Nothing if there is no startup process. That it is idle shows first when a later look, a second
  /// after an earlier one, finds that nothing has happened.
  [[nodiscard]] std::optional<pg::Replay> look(const std::vector<ServerProcess>& processes);

 private:
  [[nodiscard]] bool is_idle(pid_t startup);

  struct Sleep {
    pid_t pid = 0;
    std::uint64_t work = 0;  ///< processor time in clock ticks
    std::chrono::steady_clock::time_point seen;
  };
  std::optional<Sleep> sleep_;  ///< the first look since which nothing has changed
};

}  // namespace pgsqlms::system
