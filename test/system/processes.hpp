// SPDX-License-Identifier: PostgreSQL
// Processes of a test: started, found, waited for and ended, each by its pid.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pgsqlms/system/user.hpp"

namespace pgsqlms::test {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// Throws "<what>: <why the last system call failed>".
[[noreturn]] void throw_errno(const std::string& what);

/// Waits until it is so. Returns false if it is still not so after `limit`.
[[nodiscard]] bool eventually(const std::function<bool()>& is_so, std::chrono::milliseconds limit = 15s);

/// Whether a process with that pid lives; a zombie does not.
[[nodiscard]] bool is_alive(pid_t pid);

/// The pids of all living processes whose working directory is the folder or below it.
[[nodiscard]] std::vector<pid_t> processes_in(const std::string& folder);

/// Kills those processes and waits until they are gone.
void end_processes_in(const std::string& folder);

/// How a process is to be started: by argument vector, in a group of its own, dying with this process.
struct Start {
  std::vector<std::string> arguments;
  const system::User* user = nullptr;
  std::string folder = "/";
  std::string output = "/dev/null";  ///< a file to which both streams are appended
};

/// A child process. Killed and reaped with the object.
class Child {
 public:
  explicit Child(const Start& start);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Ends it and leaves it unreaped: a zombie as long as the object lives.
  void make_zombie() const;

 private:
  pid_t pid_;
};

/// Runs the function in a forked process, as that user if one is given, and returns the text that it returned. What it
/// throws becomes "exception: ...".
[[nodiscard]] std::string told_by_child(const std::function<std::string()>& function,
                                        const system::User* user = nullptr);

/// Makes this process the parent of servers that a test starts through pg_ctl, so that it can wait for their end.
void adopt_orphans();

/// Reaps the child if it is one, and waits until it is gone. False if it lives on after `limit`.
[[nodiscard]] bool wait_until_gone(pid_t pid, std::chrono::milliseconds limit = 15s);

}  // namespace pgsqlms::test
