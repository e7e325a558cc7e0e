// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/server_processes.hpp"

#include <dirent.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>

#include "pgsqlms/pg/process_title.hpp"
#include "pgsqlms/pg/server_log.hpp"
#include "pgsqlms/system/file.hpp"
#include "pgsqlms/system/lock_files.hpp"
#include "pgsqlms/system/proc.hpp"
#include "pgsqlms/system/process_identity.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

/// The target of a link in /proc; of a deleted one its former name. Empty if it cannot be read.
std::string link_target(const std::string& link) {
  auto target = target_of_link(link);
  const auto size = kDeleted.size();
  if (target.size() > size && target.compare(target.size() - size, size, kDeleted) == 0) {
    target.resize(target.size() - size);
  }
  return target;
}

bool has_known_name(const std::string& program) {
  const auto name = program.substr(program.find_last_of('/') + 1);
  return name == "postgres" || name == "postmaster" || name == "edb-postgres";
}

/// One that ends has no command line.
bool is_title_of_child(std::string_view command) {
  return command.empty() || command.substr(0, kChildTitle.size()) == kChildTitle;
}

/// PostgreSQL takes these words as the first argument only.
bool is_command_without_server(std::string_view command) {
  const auto arguments = split(command, std::string_view("\0", 1));
  if (arguments.size() < 2) return false;
  return arguments[1] == "--single" || arguments[1] == "--boot" || arguments[1] == "--check";
}

std::optional<uid_t> owner_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? std::optional(status.st_uid) : std::nullopt;
}

/// The user that the process acts as. The entries of one that must not be dumped (a program with capabilities) belong
/// to root, whoever it is.
std::optional<uid_t> user_of(pid_t pid) {
  const auto owner = owner_of(proc_entry(pid));
  if (owner != uid_t{0}) return owner;
  constexpr std::string_view kLabel = "\nUid:\t";
  const auto status = read_entry(pid, "status").value_or("");
  const auto at = status.find(kLabel);
  if (at == std::string::npos) return owner;
  const auto numbers = words(std::string_view(status).substr(at + kLabel.size()));
  return numbers.empty() ? owner : parse_number<uid_t>(numbers[0]);
}

/// In a container a directory of the same name is another one.
bool shares_names(pid_t pid) { return link_target(proc_entry(pid, "/ns/mnt")) == link_target("/proc/self/ns/mnt"); }

bool works_in(pid_t pid, const std::string& directory) {
  const auto link = proc_entry(pid, "/cwd");
  // By name where the directory was deleted.
  return is_same_directory(link, directory) || (link_target(link) == directory && shares_names(pid));
}

/// Whether the command line has `-D DIRECTORY`.
bool is_started_on(pid_t pid, const std::string& directory) {
  const auto command = read_entry(pid, "cmdline").value_or("");
  return command.find(std::string("\0-D\0", 4) + directory + '\0') != std::string::npos;
}

/// Where the file system was unmounted under a server, its working directory has lost the beginning of its name.
bool has_lost(pid_t pid, const std::string& directory) {
  const auto link = proc_entry(pid, "/cwd");
  if (is_same_directory(link, link_target(link)) || !shares_names(pid)) return false;
  return is_started_on(pid, directory) || is_started_on(parent_of(pid), directory);
}

/// Whether the command line names another data directory.
bool is_started_elsewhere(std::string_view command, const std::string& directory) {
  const std::string_view option("\0-D\0", 4);
  const auto at = command.find(option);
  if (at == std::string_view::npos) return false;
  const auto rest = command.substr(at + option.size());
  const std::string named(rest.substr(0, rest.find('\0')));
  return named != directory && !is_same_directory(named, directory);
}

/// Whether a process that cannot be looked at may be one of the server's, as far as its command line tells.
bool may_belong_to(pid_t pid, const std::string& directory) {
  const auto command = read_entry(pid, "cmdline");
  if (!command) return !says_gone(errno);
  const std::string_view program = std::string_view(*command).substr(0, command->find('\0'));
  if (program.find("postgres") == std::string_view::npos && program.find("postmaster") == std::string_view::npos) {
    return false;
  }
  return !is_started_elsewhere(*command, directory) &&
         !is_started_elsewhere(read_entry(parent_of(pid), "cmdline").value_or(""), directory);
}

/// A process of the data directory's owner that works there, whatever it is.
struct Worker {
  pid_t pid = 0;
  pid_t parent = 0;
  std::string command;
  std::string program;
};

/// A server may be of any name, but all its processes run the same program, and most of them say what they are. An
/// administrator's shell does neither. Who is just ending has no program any more, but may hold the shared memory.
std::vector<Worker> without_strangers(std::vector<Worker> workers, pid_t named) {
  std::vector<std::string> programs;
  for (const auto& worker : workers) {
    const bool says_so = !worker.command.empty() && is_title_of_child(worker.command);
    if (says_so || worker.pid == named) programs.push_back(worker.program);
  }
  const auto is_stranger = [&](const Worker& worker) {
    return !worker.program.empty() && !has_known_name(worker.program) &&
           std::find(programs.begin(), programs.end(), worker.program) == programs.end();
  };
  workers.erase(std::remove_if(workers.begin(), workers.end(), is_stranger), workers.end());
  return workers;
}

/// Until its client has said what it wants, a backend has the command line of the postmaster that forked it.
ServerProcess role_of(const Worker& worker, const std::vector<Worker>& all) {
  auto title = worker.command.substr(0, worker.command.find('\0'));
  if (is_command_without_server(worker.command)) return {worker.pid, false, true, std::move(title)};
  const bool has_parent =
      std::any_of(all.begin(), all.end(), [&](const auto& other) { return other.pid == worker.parent; });
  return {worker.pid, !has_parent && !is_title_of_child(worker.command), false, std::move(title)};
}

/// One round through /proc.
class Look {
 public:
  // PostgreSQL refuses a data directory that is not its user's own. One that is gone has no owner to compare with, and
  // may have left an empty mount point.
  explicit Look(const std::string& directory)
      : directory_(directory), owner_(exists(directory + "/PG_VERSION") ? owner_of(directory) : std::nullopt) {}

  Survey around() && {
    const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
    if (!proc) return {{}, std::string("/proc cannot be read: ") + std::strerror(errno)};
    if (link_target("/proc/self") != std::to_string(getpid())) {
      return {{}, "/proc is not mounted here, or shows another namespace of processes"};
    }
    errno = 0;
    while (const dirent* const found = readdir(proc.get())) {
      if (const auto pid = parse_number<pid_t>(found->d_name)) examine(*pid);
      errno = 0;
    }
    if (errno != 0) blind_spot_ = std::string("/proc cannot be read: ") + std::strerror(errno);
    const auto workers = without_strangers(std::move(workers_), process_in(read_pid_file(directory_)));
    std::vector<ServerProcess> processes;
    processes.reserve(workers.size());
    for (const auto& worker : workers) processes.push_back(role_of(worker, workers));
    return {std::move(processes), std::move(blind_spot_)};
  }

 private:
  void examine(pid_t pid) {
    if (owner_ && user_of(pid) != owner_) return;
    struct stat status {};
    if (stat(proc_entry(pid, "/cwd").c_str(), &status) != 0 && !says_gone(errno)) {
      // Without an owner to go by, everybody's processes would count.
      if (owner_) hide(pid, errno);
      return;
    }
    if (!works_in(pid, directory_) && (owner_ || !has_lost(pid, directory_))) return;
    auto command = read_entry(pid, "cmdline");
    if (!command && !says_gone(errno)) return hide(pid, errno);
    workers_.push_back({pid, parent_of(pid), command.value_or(""), link_target(proc_entry(pid, "/exe"))});
  }

  void hide(pid_t pid, int error) {
    if (!may_belong_to(pid, directory_)) return;
    blind_spot_ = "process " + std::to_string(pid) + " cannot be looked at: " + std::strerror(error);
  }

  const std::string& directory_;
  std::optional<uid_t> owner_;
  std::vector<Worker> workers_;
  std::string blind_spot_;
};

/// Sees files with the rights of another one's owner, in this thread only. Without the right to do so nothing changes.
class LookingAs {
 public:
  explicit LookingAs(const struct stat& file)
      : group_(static_cast<gid_t>(setfsgid(file.st_gid))), user_(static_cast<uid_t>(setfsuid(file.st_uid))) {}
  ~LookingAs() {
    setfsuid(user_);
    setfsgid(group_);
  }
  LookingAs(const LookingAs&) = delete;
  LookingAs& operator=(const LookingAs&) = delete;

 private:
  gid_t group_;
  uid_t user_;
};

/// What a person would type for it.
std::string command_of(pid_t pid) {
  const auto line = read_entry(pid, "cmdline").value_or("");
  const auto arguments = split(line, std::string_view("\0", 1));
  // "sh -c COMMAND", or as newer versions of the C library have it "sh -c -- COMMAND".
  const bool is_of_shell = arguments.size() > 2 && arguments[1] == "-c";
  if (is_of_shell && arguments.size() == (arguments[2] == "--" ? 4U : 3U)) return std::string(arguments.back());
  auto command = line;
  std::replace(command.begin(), command.end(), '\0', ' ');
  return command;
}

/// For how many seconds the process has run.
std::int64_t age_of(pid_t pid) {
  const auto process = identify(pid);
  timespec now{};
  if (!process || clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  return now.tv_sec - static_cast<std::int64_t>(process->start_time) / sysconf(_SC_CLK_TCK);
}

/// The program that the startup process of a server waits for, for people.
std::string describe_program(pid_t pid) {
  constexpr std::size_t kLongestCommand = 80;
  return "the startup process waits for \"" + pg::shortened(command_of(pid), kLongestCommand) + "\", pid " +
         std::to_string(pid) + ", since " + std::to_string(age_of(pid)) + " s";
}

}  // namespace

bool is_same_directory(const std::string& a, const std::string& b) {
  struct stat first {};
  struct stat second {};
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

Survey survey_server(const std::string& data_directory) {
  struct stat status {};
  if (stat(data_directory.c_str(), &status) == 0) {
    const LookingAs owner(status);
    auto survey = Look(data_directory).around();
    if (survey.blind_spot.empty()) return survey;
  }
  return Look(data_directory).around();
}

std::vector<ServerProcess> find_server_processes(const std::string& data_directory) {
  return survey_server(data_directory).processes;
}

bool is_in_database(pid_t process) {
  const auto descriptors = proc_entry(process, "/fd");
  const auto base = link_target(proc_entry(process, "/cwd")) + "/base/";
  const auto opened = names_in(descriptors);
  return std::any_of(opened.begin(), opened.end(), [&](const auto& name) {
    const auto file = link_target(descriptors + "/" + name);
    // Those of a tablespace are in a folder PG_15_202209061 or the like.
    return file.compare(0, base.size(), base) == 0 || file.find("/PG_") != std::string::npos;
  });
}

std::optional<std::chrono::seconds> startup_program_age(const std::string& data_directory) {
  for (const auto& process : find_server_processes(data_directory)) {
    if (!pg::startup_words(process.title)) continue;
    if (const auto program = child_of(process.pid)) return std::chrono::seconds(age_of(*program));
  }
  return std::nullopt;
}

std::optional<std::string> startup_activity(const std::string& data_directory) {
  for (const auto& process : find_server_processes(data_directory)) {
    const auto said = pg::startup_words(process.title);
    if (!said) continue;
    if (const auto program = child_of(process.pid)) return describe_program(*program);
    if (!said->empty()) return "the startup process is " + std::string(*said);
  }
  return std::nullopt;
}

std::optional<std::string> served_directory(pid_t postmaster) {
  const auto program = link_target(proc_entry(postmaster, "/exe"));
  if (!program.empty() && !has_known_name(program)) return std::nullopt;
  auto directory = link_target(proc_entry(postmaster, "/cwd"));
  return directory.empty() ? std::nullopt : std::optional(std::move(directory));
}

}  // namespace pgsqlms::system
