// SPDX-License-Identifier: PostgreSQL
// Deadlines of tests against real programs, on the machine's own clock.
#pragma once

#include "pgsqlms/system/steady_clock.hpp"

namespace pgsqlms::test {

inline system::SteadyClock steady;

inline Deadline in(Duration limit) { return {steady, limit}; }

}  // namespace pgsqlms::test
