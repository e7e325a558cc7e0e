// SPDX-License-Identifier: PostgreSQL
// Clock and Deadline: the only way to wait in this program, and never without an end.
#pragma once

#include <algorithm>
#include <chrono>

namespace pgsqlms {

using Duration = std::chrono::milliseconds;

/// A source of monotonic time that can also wait. The real one is system::SteadyClock.
class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  virtual void sleep(Duration duration) = 0;
};

/// The moment by which something must be over. A value: hand out shares of it with within().
class Deadline {
 public:
  Deadline(Clock& clock, Duration from_now) : clock_(&clock), end_(clock.now() + from_now) {}

  [[nodiscard]] Duration remaining() const {
    const auto left = std::chrono::ceil<Duration>(end_ - clock_->now());
    return std::max(left, Duration::zero());
  }
  [[nodiscard]] bool expired() const { return remaining() == Duration::zero(); }

  /// The earlier of this deadline and `limit` from now.
  [[nodiscard]] Deadline within(Duration limit) const { return {*clock_, std::min(limit, remaining())}; }

  /// Waits for `pause`, but not beyond the deadline.
  void pause(Duration pause) const { clock_->sleep(std::min(pause, remaining())); }

 private:
  Clock* clock_;
  Clock::TimePoint end_;
};

}  // namespace pgsqlms
