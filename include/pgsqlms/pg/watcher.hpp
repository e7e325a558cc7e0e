// SPDX-License-Identifier: PostgreSQL
// Watcher: the process beside the instance that sleeps until the server ends, and then tells the cluster.
#pragma once

#include "pgsqlms/clock.hpp"

namespace pgsqlms::pg {

class Watcher {
 public:
  virtual ~Watcher() = default;

  /// Makes sure that the running server has one watcher, and that it is as it should be. Does nothing where no server
  /// runs. Throws ocf::Failure where there is none at the deadline.
  virtual void keep(Deadline deadline) = 0;
  /// Ends the instance's watcher, if there is one, in whatever state it is. Throws ocf::Failure if it is still there at
  /// the deadline.
  virtual void end(Deadline deadline) = 0;
};

}  // namespace pgsqlms::pg
