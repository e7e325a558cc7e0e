// SPDX-License-Identifier: PostgreSQL
// ProcessIdentity: one process, not to be mistaken for another that gets its pid later; and the wait for its end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "pgsqlms/clock.hpp"
#include "pgsqlms/system/descriptor.hpp"

namespace pgsqlms::system {

struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since the machine was booted
};

[[nodiscard]] bool operator==(const ProcessIdentity& left, const ProcessIdentity& right);

/// Nothing if no process has that pid; a zombie is none.
[[nodiscard]] std::optional<ProcessIdentity> identify(pid_t pid);

/// Whether the process is stopped by a signal, so that it does nothing at all.
[[nodiscard]] bool is_frozen(pid_t pid);

/// Waits for the end of a process that need be no child: asleep in poll(2) on a pidfd; where the kernel has none
/// (before 5.3) by a look at /proc twice a second.
class ProcessEnd {
 public:
  /// Where other users' processes are hidden (/proc with hidepid) this is for root; the wait is for everybody.
  explicit ProcessEnd(const ProcessIdentity& process);

  /// Returns at once if the process has ended already.
  void wait(Clock& clock) const;

  /// "by signal 9", "with exit code 1"; nothing where the kernel does not tell (before 6.15, or nobody reaped it yet).
  [[nodiscard]] std::optional<std::string> manner() const;

 private:
  [[nodiscard]] bool is_there() const;

  ProcessIdentity process_;
  Descriptor pidfd_;
  bool was_over_;  ///< already in the beginning
};

}  // namespace pgsqlms::system
