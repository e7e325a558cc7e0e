// SPDX-License-Identifier: PostgreSQL
// Running of other programs: by argument vector, never through a shell, never without an end.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "pgsqlms/clock.hpp"
#include "pgsqlms/system/user.hpp"

namespace pgsqlms::system {

struct Command {
  std::vector<std::string> arguments;  ///< the first one is the program's full name
  const User* user = nullptr;          ///< whom the program runs as, at home there; nullptr: as this process
  bool parsed_output = true;           ///< run with LC_ALL=C, because somebody reads what it prints
  std::vector<std::string> unset;      ///< variables that the program must not see
  std::string oom_score_adjustment;    ///< for /proc/self/oom_score_adj, where this process may; empty: inherited
  std::vector<std::string> set;        ///< variables that the program sees besides, "NAME=value"
  std::size_t output_limit = 1 << 20;  ///< bytes of each stream that are kept: the last ones
  /// Asked while the program runs: whether it has done already what it is there for. Then it is ended, alone, and has
  /// succeeded.
  std::function<bool()> is_done;
};

/// How a program ended. Exactly one of exit_code, signal and timed_out tells.
struct Outcome {
  int exit_code = -1;      ///< 127 also where the program could not be executed
  int signal = 0;          ///< that ended it
  bool timed_out = false;  ///< it was killed at the deadline, with its process group
  std::string out;
  std::string err;

  [[nodiscard]] bool succeeded() const { return exit_code == 0; }
};

/// Runs the program to its end, in a process group of its own, with no input; it dies with this process. Programs that
/// it leaves behind in another session (a postmaster) are not waited for. Throws ocf::Failure if no process can be
/// made.
[[nodiscard]] Outcome run(const Command& command, Deadline deadline);

/// Starts a program that lives on after this process, in a session of its own, with nothing of this process but what is
/// given here: no descriptor, no signal mask, no working directory. Nobody waits for it. Throws ocf::Failure if no
/// process can be made.
pid_t start_detached(const std::string& program, std::vector<std::string> arguments,
                     std::vector<std::string> environment);

/// For people: "exit code 1", "signal 9", "no end in time", with the last line that it printed.
[[nodiscard]] std::string describe(const Outcome& outcome);

}  // namespace pgsqlms::system
