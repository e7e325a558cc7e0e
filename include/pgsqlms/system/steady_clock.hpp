// SPDX-License-Identifier: PostgreSQL
// SteadyClock: the machine's monotonic clock.
#pragma once

#include <thread>

#include "pgsqlms/clock.hpp"

namespace pgsqlms::system {

class SteadyClock : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
  void sleep(Duration duration) override { std::this_thread::sleep_for(duration); }
};

}  // namespace pgsqlms::system
