// SPDX-License-Identifier: PostgreSQL
// What the tests of everything else rely on.
#include "processes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace pgsqlms::test {
namespace {

bool exists(pid_t pid) { return kill(pid, 0) == 0 || errno != ESRCH; }

// A server that starts again takes a zombie for a postmaster that runs.
TEST(WaitUntilGone, LeavesNoZombieWheneverTheProcessDies) {
  for (int round = 0; round < 200; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;) pause();
    }
    kill(child, SIGKILL);
    ASSERT_TRUE(wait_until_gone(child));
    ASSERT_FALSE(exists(child)) << "round " << round;
  }
}

}  // namespace
}  // namespace pgsqlms::test
