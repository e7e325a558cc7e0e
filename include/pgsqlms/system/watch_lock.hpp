// SPDX-License-Identifier: PostgreSQL
// WatchLock: the right to be the one watcher of a data directory, held by a lock on a file below /run/pgsqlms.
//
// The kernel gives the lock back with the process that has it, and tells its pid: a pid that cannot be stale. What the
// holder was told to do stands in the file.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "pgsqlms/system/descriptor.hpp"

namespace pgsqlms::system {

class WatchLock {
 public:
  /// Touches nothing yet.
  explicit WatchLock(const std::string& data_directory);

  struct Holder {
    pid_t pid = 0;
    std::string order;
  };
  /// Nothing also where the file cannot be looked at.
  [[nodiscard]] std::optional<Holder> holder() const;

  /// Takes the lock for as long as the object and this process live. Returns false if another process has it. Throws
  /// ocf::Failure where the file cannot be written.
  [[nodiscard]] bool take(const std::string& order);

 private:
  std::string path_;
  Descriptor file_;
};

}  // namespace pgsqlms::system
