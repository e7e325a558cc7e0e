// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/pidfd.hpp"

#include <sys/syscall.h>

#include <csignal>

namespace pgsqlms::system {
namespace {

// System calls that the C library or the headers of EL 8 do not know; their numbers are the same on all architectures.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

}  // namespace

// The kernel sets close-on-exec by itself.
Descriptor open_pidfd(pid_t pid) { return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

void kill_by_pidfd(const Descriptor& pidfd) { static_cast<void>(signal_by_pidfd(pidfd, SIGKILL)); }

bool signal_by_pidfd(const Descriptor& pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd.number(), signal, nullptr, 0) == 0;
}

}  // namespace pgsqlms::system
