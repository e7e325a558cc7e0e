// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/descriptor.hpp"
#include "pgsqlms/system/pidfd.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

constexpr int kCannotExecute = 127;
/// How often a child is looked at where the kernel has no pidfd (before 5.3).
constexpr int kPollWithoutPidfdMs = 5;
/// How often a command is asked whether it has done what it is there for.
constexpr Duration kDonePoll = std::chrono::milliseconds(5);

// Unknown to the C library of EL 8; its number is the same on all architectures.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

struct Pipe {
  Descriptor read;
  Descriptor write;
};

[[noreturn]] void refuse(const Command& command, const char* what) {
  const int error = errno;
  throw ocf::Failure(command.arguments.front() + " not run, " + what + ": " + std::strerror(error));
}

Pipe make_pipe(const Command& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) refuse(command, "pipe");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// What tells who one is. A server looks for .pgpass, and for certificates, in the home directory of the environment.
std::map<std::string, std::string> identity_of(const User* user) {
  if (user == nullptr) return {};
  return {{"HOME", user->home}, {"USER", user->name}, {"LOGNAME", user->name}};
}

std::vector<std::string> environment_for(const Command& command) {
  const auto identity = identity_of(command.user);
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const auto name = text.substr(0, text.find('='));
    const bool is_locale = name == "LANG" || name == "LANGUAGE" || name.compare(0, 3, "LC_") == 0;
    if (command.parsed_output && is_locale) continue;
    if (std::find(command.unset.begin(), command.unset.end(), name) != command.unset.end()) continue;
    if (identity.count(name) > 0) continue;
    variables.push_back(text);
  }
  for (const auto& [name, value] : identity) variables.push_back(std::string(name).append("=").append(value));
  if (command.parsed_output) variables.emplace_back("LC_ALL=C");
  variables.insert(variables.end(), command.set.begin(), command.set.end());
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// No descriptor of this process, a log file's for one, must live on in a server.
void close_inherited() noexcept {
  constexpr int kFirst = STDERR_FILENO + 1;
  constexpr int kHighest = 1024;
  if (syscall(SYS_close_range, kFirst, ~0U, 0) == 0) return;
  for (int number = kFirst; number < kHighest; ++number) close(number);  // kernels before 5.9
}

/// Without the right to do so nothing changes.
void adjust_oom_score(const std::string& adjustment) noexcept {
  if (adjustment.empty()) return;
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const auto written = write(file, adjustment.data(), adjustment.size());
  close(file);
}

/// Everything between fork and exec is async-signal-safe and ends in _exit: a child must never go on as a second agent.
[[noreturn]] void execute(const Command& command, char* const* arguments, char* const* environment, int out, int err,
                          pid_t parent) noexcept {
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) {
    _exit(kCannotExecute);
  }
  close_inherited();
  if (chdir("/") != 0) _exit(kCannotExecute);
  adjust_oom_score(command.oom_score_adjustment);
  if (command.user != nullptr && !become(*command.user)) _exit(kCannotExecute);
  // After the change of identity, which would undo it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotExecute);
  execve(arguments[0], arguments, environment);
  _exit(kCannotExecute);
}

/// Everything between fork and exec is async-signal-safe here too.
[[noreturn]] void execute_detached(const char* program, char* const* arguments, char* const* environment) noexcept {
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (nothing < 0 || dup2(nothing, stream) < 0) _exit(kCannotExecute);
  }
  close_inherited();
  if (chdir("/") != 0) _exit(kCannotExecute);
  execve(program, arguments, environment);
  _exit(kCannotExecute);
}

pid_t spawn(const Command& command, const Pipe& out, const Pipe& err) {
  auto arguments = command.arguments;
  auto variables = environment_for(command);
  const auto argument_pointers = pointers_to(arguments);
  const auto variable_pointers = pointers_to(variables);
  const pid_t parent = getpid();
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored nobody learns how a child ended
  const pid_t child = fork();
  if (child < 0) refuse(command, "fork");
  if (child == 0) {
    execute(command, argument_pointers.data(), variable_pointers.data(), out.write.number(), err.write.number(),
            parent);
  }
  setpgid(child, child);  // in the parent too: whoever comes first
  return child;
}

/// Reads what is there. Closes the descriptor at its end.
void drain(Descriptor& from, std::string& to, std::size_t limit) {
  std::array<char, 16384> buffer{};
  while (from.is_open()) {
    const auto count = read(from.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    if (count == 0) return from.close();
    to.append(buffer.data(), static_cast<std::size_t>(count));
    if (to.size() > 2 * limit) to.erase(0, to.size() - limit);
  }
}

void keep_last(std::string& text, std::size_t limit) {
  if (text.size() > limit) text.erase(0, text.size() - limit);
}

class Child {
 public:
  Child(const Command& command, const Pipe& out, const Pipe& err)
      : pid_(spawn(command, out, err)), pidfd_(open_pidfd(pid_)) {}

  /// Whether it has ended; reaps it then.
  bool has_ended() {
    if (ended_) return true;
    pid_t reaped = 0;
    do {
      reaped = waitpid(pid_, &status_, WNOHANG);
    } while (reaped < 0 && errno == EINTR);
    ended_ = reaped != 0;
    lost_ = reaped < 0;
    return ended_;
  }

  void kill_group() {
    kill(-pid_, SIGKILL);
    kill_alone();
  }

  void kill_alone() {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    ended_ = true;
  }

  [[nodiscard]] int pidfd() const { return pidfd_.number(); }
  [[nodiscard]] int status() const { return status_; }
  /// Whether somebody else reaped it, so that nobody knows how it ended.
  [[nodiscard]] bool is_lost() const { return lost_; }

 private:
  pid_t pid_;
  Descriptor pidfd_;
  int status_ = 0;
  bool ended_ = false;
  bool lost_ = false;
};

void wait_for_news(const Child& child, const Descriptor& out, const Descriptor& err, Deadline deadline) {
  // poll() passes over negative descriptors.
  std::array<pollfd, 3> watched = {{{out.number(), POLLIN, 0}, {err.number(), POLLIN, 0}, {child.pidfd(), POLLIN, 0}}};
  const auto left = std::min<std::int64_t>(deadline.remaining().count(), 60'000);
  const bool is_blind = child.pidfd() < 0;
  poll(watched.data(), watched.size(),
       static_cast<int>(is_blind ? std::min<std::int64_t>(left, kPollWithoutPidfdMs) : left));
}

class Program {
 public:
  explicit Program(const Command& command)
      : command_(command), out_(make_pipe(command)), err_(make_pipe(command)), child_(command, out_, err_) {
    for (auto* pipe : {&out_, &err_}) {
      pipe->write.close();
      fcntl(pipe->read.number(), F_SETFL, O_NONBLOCK);
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (!child_.has_ended()) child_.kill_group();
  }

  Outcome wait(Deadline deadline) {
    Outcome outcome;
    while (!child_.has_ended()) {
      if (deadline.expired()) {
        child_.kill_group();
        outcome.timed_out = true;
        break;
      }
      if (command_.is_done && command_.is_done()) {
        child_.kill_alone();
        outcome.exit_code = 0;
        break;
      }
      wait_for_news(child_, out_.read, err_.read, command_.is_done ? deadline.within(kDonePoll) : deadline);
      drain(out_.read, outcome.out, command_.output_limit);
      drain(err_.read, outcome.err, command_.output_limit);
    }
    // What it printed last; a server that it left behind may hold the pipes open for ever.
    drain(out_.read, outcome.out, command_.output_limit);
    drain(err_.read, outcome.err, command_.output_limit);
    keep_last(outcome.out, command_.output_limit);
    keep_last(outcome.err, command_.output_limit);
    if (outcome.timed_out || outcome.succeeded() || child_.is_lost()) return outcome;
    if (WIFEXITED(child_.status())) outcome.exit_code = WEXITSTATUS(child_.status());
    if (WIFSIGNALED(child_.status())) outcome.signal = WTERMSIG(child_.status());
    return outcome;
  }

 private:
  Command command_;
  Pipe out_;
  Pipe err_;
  Child child_;
};

}  // namespace

Outcome run(const Command& command, Deadline deadline) { return Program(command).wait(deadline); }

pid_t start_detached(const std::string& program, std::vector<std::string> arguments,
                     std::vector<std::string> environment) {
  const auto argument_pointers = pointers_to(arguments);
  const auto variable_pointers = pointers_to(environment);
  const pid_t child = fork();
  if (child < 0) throw ocf::Failure(program + " not started, fork: " + std::strerror(errno));
  if (child == 0) execute_detached(program.c_str(), argument_pointers.data(), variable_pointers.data());
  return child;
}

std::string describe(const Outcome& outcome) {
  std::string text = "exit code " + std::to_string(outcome.exit_code);
  if (outcome.signal != 0) text = "ended by signal " + std::to_string(outcome.signal);
  if (outcome.timed_out) text = "no end in time";
  const auto words = last_line(outcome.err.empty() ? outcome.out : outcome.err);
  return words.empty() ? text : text + ": " + std::string(words);
}

}  // namespace pgsqlms::system
