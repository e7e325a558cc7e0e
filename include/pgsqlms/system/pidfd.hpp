// SPDX-License-Identifier: PostgreSQL
// pidfd: the kernel's handle of a process (since 5.3), through which nobody else can be met.
#pragma once

#include <sys/types.h>

#include "pgsqlms/system/descriptor.hpp"

namespace pgsqlms::system {

/// Not open if there is no such process, or if the kernel has no pidfd.
[[nodiscard]] Descriptor open_pidfd(pid_t pid);

/// Kills the process; harmless if it has ended.
void kill_by_pidfd(const Descriptor& pidfd);

/// Returns false if it has ended, or the signal may not be sent.
[[nodiscard]] bool signal_by_pidfd(const Descriptor& pidfd, int signal);

}  // namespace pgsqlms::system
