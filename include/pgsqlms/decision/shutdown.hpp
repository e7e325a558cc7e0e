// SPDX-License-Identifier: PostgreSQL
// What may be done for a shutdown that is held up by what is not the instance's data.
#pragma once

#include <string>

#include "pgsqlms/pg/shutdown_progress.hpp"

namespace pgsqlms::decision {

enum class ShutdownStep {
  Wait,
  /// The shutdown goes on without consumers. Their slots keep what they have not confirmed.
  EndConsumers,
  /// All is written and every standby has been sent it: the rest of the archiving can be left.
  EndArchiving,
};

/// Standbys are waited for, whatever it takes: one of them is to take over.
[[nodiscard]] ShutdownStep next_step(const pg::ShutdownProgress& progress);

/// Whom the shutdown waits for: "walsender repl 192.0.2.7(4711) START_REPLICATION, pid 812". Empty if that is nobody
/// who can be named.
[[nodiscard]] std::string describe_holders(const pg::ShutdownProgress& progress);

}  // namespace pgsqlms::decision
