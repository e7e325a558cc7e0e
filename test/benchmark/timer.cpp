// SPDX-License-Identifier: PostgreSQL
//
// benchmark_timer: runs one command with nothing on its standard streams and prints what it cost, in one line:
// exit code, wall seconds, user seconds, system seconds, peak KiB of the greatest process of its family.
//   benchmark_timer PROGRAM [ARGUMENT]...
//
// A small program of its own, because Linux counts the memory of the forking process into the peak of the child.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: benchmark_timer PROGRAM [ARGUMENT]...\n", stderr);
    return 2;
  }
  posix_spawn_file_actions_t streams;
  posix_spawn_file_actions_init(&streams);
  posix_spawn_file_actions_addopen(&streams, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&streams, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&streams, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const auto began = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int error = posix_spawn(&child, argv[1], &streams, nullptr, argv + 1, environ);
  if (error != 0) {
    std::fprintf(stderr, "benchmark_timer: %s: %s\n", argv[1], std::strerror(error));
    return 1;
  }
  int status = 0;
  rusage used{};
  wait4(child, &status, 0, &used);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::printf("%d %.6f %.6f %.6f %ld\n", code, wall.count(), seconds(used.ru_utime), seconds(used.ru_stime),
              used.ru_maxrss);
}
