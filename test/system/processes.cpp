// SPDX-License-Identifier: PostgreSQL
#include "processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <thread>

#include "pgsqlms/text.hpp"
#include "scratch_folder.hpp"

namespace pgsqlms::test {
namespace {

/// 'R', 'S', 'Z' ...; 0 if there is no such process.
char state_of(pid_t pid) {
  const auto status = contents_of("/proc/" + std::to_string(pid) + "/stat");
  const auto end_of_name = status.rfind(") ");
  return end_of_name == std::string::npos ? '\0' : status[end_of_name + 2];
}

std::string working_directory(pid_t pid) {
  std::array<char, PATH_MAX> target{};
  const auto length = readlink(("/proc/" + std::to_string(pid) + "/cwd").c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

bool is_at_or_below(const std::string& path, const std::string& folder) {
  return path.compare(0, folder.size(), folder) == 0 &&
         (path.size() == folder.size() || path[folder.size()] == '/' || path[folder.size()] == ' ');
}

void write_all(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto count = write(file, text.data() + done, text.size() - done);
    if (count < 0) break;
    done += static_cast<std::size_t>(count);
  }
}

std::string result_of(const std::function<std::string()>& function, const system::User* user) try {
  if (user != nullptr && !system::become(*user)) return "cannot become " + user->name;
  return function();
} catch (const std::exception& error) {
  return std::string("exception: ") + error.what();
}

}  // namespace

void throw_errno(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

bool eventually(const std::function<bool()>& is_so, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(3ms);
  }
  return true;
}

bool is_alive(pid_t pid) {
  const char state = state_of(pid);
  return state != '\0' && state != 'Z' && state != 'X';
}

std::vector<pid_t> processes_in(const std::string& folder) {
  std::vector<pid_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) throw_errno("/proc");
  while (const dirent* const item = readdir(proc.get())) {
    const auto pid = parse_number<pid_t>(item->d_name);
    if (pid && *pid != getpid() && is_at_or_below(working_directory(*pid), folder)) found.push_back(*pid);
  }
  return found;
}

void end_processes_in(const std::string& folder) {
  static_cast<void>(eventually([&] {
    const auto found = processes_in(folder);
    for (const auto pid : found) kill(pid, SIGKILL);
    for (const auto pid : found) static_cast<void>(wait_until_gone(pid));
    return found.empty();
  }));
}

Child::Child(const Start& start) {
  auto arguments = start.arguments;
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw_errno("fork");
  if (pid_ > 0) return;
  setsid();
  const int input = open("/dev/null", O_RDONLY);
  if (start.user != nullptr && !system::become(*start.user)) _exit(126);
  const int output = open(start.output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 || chdir(start.folder.c_str()) != 0) _exit(126);
  for (int other = 3; other < 256; ++other) close(other);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);
  execv(pointers[0], pointers.data());
  _exit(127);
}

Child::~Child() {
  if (waitpid(pid_, nullptr, WNOHANG) != 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Child::make_zombie() const {
  kill(pid_, SIGKILL);
  siginfo_t how{};
  waitid(P_PID, static_cast<id_t>(pid_), &how, WEXITED | WNOWAIT);
}

std::string told_by_child(const std::function<std::string()>& function, const system::User* user) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe");
  const pid_t child = fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) {
    close(ends[0]);
    write_all(ends[1], result_of(function, user));
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status)) : text;
}

void adopt_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

bool wait_until_gone(pid_t pid, std::chrono::milliseconds limit) {
  return eventually(
      [pid] {
        if (is_alive(pid)) return false;
        waitpid(pid, nullptr, WNOHANG);  // a child of ours is a zombie until then
        return true;
      },
      limit);
}

}  // namespace pgsqlms::test
