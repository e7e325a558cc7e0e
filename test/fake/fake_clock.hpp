// SPDX-License-Identifier: PostgreSQL
// FakeClock: time passes only while somebody sleeps.
#pragma once

#include <stdexcept>

#include "pgsqlms/clock.hpp"

namespace pgsqlms::fake {

class FakeClock : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }

  void sleep(Duration duration) override {
    // A wait that has no end must fail the test instead of hanging it.
    if (++sleeps_ > kMostSleeps) throw std::logic_error("somebody waits without an end");
    now_ += duration;
  }

 private:
  static constexpr int kMostSleeps = 1'000'000;
  TimePoint now_;
  int sleeps_ = 0;
};

}  // namespace pgsqlms::fake
