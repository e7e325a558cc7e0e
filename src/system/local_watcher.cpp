// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/local_watcher.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/pidfd.hpp"
#include "pgsqlms/system/server_processes.hpp"
#include "pgsqlms/system/subprocess.hpp"
#include "pgsqlms/system/user.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

using std::chrono_literals::operator""ms;

constexpr const char* kOwnProgram = "/proc/self/exe";
/// The user of Pacemaker's daemons: whom the cluster's tools obey, and who owns nothing else.
constexpr const char* kClusterUser = "hacluster";
constexpr Duration kLockPoll = 5ms;

/// What the watcher needs to know, and no more: it lives for months.
std::vector<std::string> environment_of_watcher(const ocf::Environment& environment) {
  constexpr const char* kKept[] = {"OCF_ROOT",
                                   "OCF_RESOURCE_INSTANCE",
                                   "OCF_RESKEY_CRM_meta_on_node",
                                   "HA_LOGFACILITY",
                                   "HA_LOGFILE",
                                   "HA_DEBUGLOG",
                                   "HA_debug",
                                   "HA_SBIN_DIR"};
  std::vector<std::string> kept = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  const auto keep = [&](const std::string& name) {
    if (const auto value = environment.find(name)) kept.push_back(name + "=" + *value);
  };
  for (const auto* name : kKept) keep(name);
  for (const auto& spec : ocf::kParameters) keep("OCF_RESKEY_" + std::string(spec.name));
  return kept;
}

/// What tells this build of the program from another one in its place.
std::string program_identity() {
  struct stat status {};
  if (stat(kOwnProgram, &status) != 0) return "?";
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) + ":" + std::to_string(status.st_mtime);
}

/// Everything that a watcher depends on but the server itself.
std::string order_apart_from_server(const std::vector<std::string>& environment) {
  std::string order = "program " + program_identity() + "\n";
  for (const auto& variable : environment) order += variable + "\n";
  return order;
}

std::string order_for(const ProcessIdentity& postmaster, const std::string& rest) {
  return std::to_string(postmaster.pid) + " " + std::to_string(postmaster.start_time) + "\n" + rest;
}

/// The server that an order names.
std::optional<ProcessIdentity> server_in(const std::string& order) {
  const auto numbers = words(std::string_view(order).substr(0, order.find('\n')));
  if (numbers.size() != 2) return std::nullopt;
  const auto pid = parse_number<pid_t>(numbers[0]);
  const auto start_time = parse_number<std::uint64_t>(numbers[1]);
  if (!pid || !start_time) return std::nullopt;
  return ProcessIdentity{*pid, *start_time};
}

bool does_its_duty(const WatchLock::Holder& holder, const std::string& rest) {
  const auto server = server_in(holder.order);
  return server && identify(server->pid) == server && holder.order == order_for(*server, rest) &&
         !is_frozen(holder.pid);
}

std::optional<ProcessIdentity> find_postmaster(const std::string& data_directory) {
  for (const auto& process : find_server_processes(data_directory)) {
    if (process.postmaster) return identify(process.pid);
  }
  return std::nullopt;
}

/// For good: user, groups, and what the execution of a file could give back.
void give_up_privileges() {
  const auto user = find_user(kClusterUser);
  if (!user) throw ocf::Failure(std::string("user \"") + kClusterUser + "\" does not exist");
  if (!become(*user)) throw ocf::Failure(std::string("cannot become \"") + kClusterUser + "\"");
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace

LocalWatcher::LocalWatcher(const ocf::ResourceParameters& parameters, const ocf::Environment& environment)
    : parameters_(parameters), environment_(environment_of_watcher(environment)), lock_(parameters.datadir) {}

void LocalWatcher::keep(Deadline deadline) {
  const auto rest = order_apart_from_server(environment_);
  if (const auto holder = lock_.holder()) {
    if (does_its_duty(*holder, rest)) return;
    end(deadline);
  }
  if (!find_postmaster(parameters_.datadir)) return;
  // The directory is only there for who looks at the list of processes.
  const pid_t child = start_detached(kOwnProgram, {"pgsqlms", kWatch, parameters_.datadir}, environment_);
  while (true) {
    const auto holder = lock_.holder();
    if (holder && does_its_duty(*holder, rest)) return;
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) {
      throw ocf::Failure("the watcher has ended at once, the log may tell why");
    }
    if (deadline.expired()) throw ocf::Failure("the watcher is not there in time");
    deadline.pause(kLockPoll);
  }
}

void LocalWatcher::end(Deadline deadline) {
  const auto holder = lock_.holder();
  if (!holder) return;
  const auto pidfd = open_pidfd(holder->pid);
  // Nobody else can have got that pid as long as the lock is held by it, and the handle was made before this look.
  const auto is_still_there = [&] {
    const auto now = lock_.holder();
    return now && now->pid == holder->pid;
  };
  if (!is_still_there()) return;
  if (pidfd.is_open()) kill_by_pidfd(pidfd);
  else kill(holder->pid, SIGKILL);  // before Linux 5.3
  while (is_still_there()) {
    if (deadline.expired()) throw ocf::Failure("process " + std::to_string(holder->pid) + " does not end");
    deadline.pause(kLockPoll);
  }
}

std::optional<WatchDuty> WatchDuty::take(const ocf::ResourceParameters& parameters,
                                         const ocf::Environment& environment) {
  prctl(PR_SET_NAME, "pgsqlms");  // it was run by another name
  const auto postmaster = find_postmaster(parameters.datadir);
  if (!postmaster) return std::nullopt;
  WatchLock lock(parameters.datadir);
  if (!lock.take(order_for(*postmaster, order_apart_from_server(environment_of_watcher(environment))))) {
    return std::nullopt;
  }
  WatchDuty duty(std::move(lock), *postmaster);
  give_up_privileges();
  return duty;
}

}  // namespace pgsqlms::system
