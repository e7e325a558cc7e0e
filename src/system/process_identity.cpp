// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/process_identity.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <array>

#include "pgsqlms/system/pidfd.hpp"
#include "pgsqlms/system/proc.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

using std::chrono_literals::operator""ms;

constexpr Duration kLookWithoutPidfd = 500ms;

// The kernel's struct pidfd_info in its first form, and the question for the exit status of who is no child.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::array<std::uint32_t, 11> ids;
  std::int32_t exit_status;
};
constexpr std::uint64_t kExitStatus = 1U << 3U;
constexpr unsigned kMagic = 0xFF;
constexpr unsigned kGetInfo = 11;

}  // namespace

bool operator==(const ProcessIdentity& left, const ProcessIdentity& right) {
  return left.pid == right.pid && left.start_time == right.start_time;
}

std::optional<ProcessIdentity> identify(pid_t pid) {
  const auto status = status_of(pid);
  if (!status || status->state == 'Z' || status->state == 'X') return std::nullopt;
  return ProcessIdentity{pid, status->start_time};
}

bool is_frozen(pid_t pid) {
  const auto status = status_of(pid);
  return status && status->state == 'T';
}

// First the handle, then the look at who it is: in the other order it could be that of a successor.
ProcessEnd::ProcessEnd(const ProcessIdentity& process)
    : process_(process), pidfd_(open_pidfd(process.pid)), was_over_(!is_there()) {}

bool ProcessEnd::is_there() const { return identify(process_.pid) == process_; }

void ProcessEnd::wait(Clock& clock) const {
  if (was_over_) return;
  pollfd watched{pidfd_.number(), POLLIN, 0};
  if (pidfd_.is_open()) {
    while (poll(&watched, 1, -1) <= 0) {
      // A signal that does not end this process.
    }
    return;
  }
  while (is_there()) clock.sleep(kLookWithoutPidfd);
}

std::optional<std::string> ProcessEnd::manner() const {
  PidfdInfo info{};
  info.mask = kExitStatus;
  if (!pidfd_.is_open() || ioctl(pidfd_.number(), _IOWR(kMagic, kGetInfo, PidfdInfo), &info) != 0) return std::nullopt;
  if ((info.mask & kExitStatus) == 0) return std::nullopt;
  if (WIFSIGNALED(info.exit_status)) return "by signal " + std::to_string(WTERMSIG(info.exit_status));
  return "with exit code " + std::to_string(WEXITSTATUS(info.exit_status));
}

}  // namespace pgsqlms::system
