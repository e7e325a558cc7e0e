// SPDX-License-Identifier: PostgreSQL
#include "agent_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <regex>
#include <stdexcept>

#include "pgsqlms/text.hpp"

namespace pgsqlms::test {
namespace {

constexpr std::string_view kReason = "ocf-exit-reason:";

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void execute(std::vector<std::string> words, const Variables& environment, const Conditions& conditions,
                          const std::string& out, const std::string& err) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(open(out.c_str(), O_WRONLY | O_APPEND), STDOUT_FILENO);
  dup2(open(err.c_str(), O_WRONLY | O_APPEND), STDERR_FILENO);
  for (int number = 3; number < 256; ++number) close(number);
  setpgid(0, 0);
  if (conditions.user != nullptr && !system::become(*conditions.user)) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (chdir("/") != 0) _exit(126);
  for (const int stream : conditions.closed) close(stream);
  execve(words[0].c_str(), pointers_to(words).data(), pointers_to(variables).data());
  _exit(126);
}

/// Waits for its end; kills it, with its group, if there is none.
int wait_for_end(pid_t child, std::chrono::milliseconds patience) {
  int status = 0;
  const bool ended = eventually([&] { return waitpid(child, &status, WNOHANG) != 0; }, patience);
  if (!ended) {
    kill(-child, SIGKILL);
    waitpid(child, &status, 0);
  }
  return status;
}

std::vector<std::string> matches(const std::string& text, const char* expression) {
  const std::regex regex(expression);
  std::vector<std::string> found;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), regex); match != std::sregex_iterator(); ++match) {
    found.push_back((*match)[1].str());
  }
  return found;
}

/// What strace wrote of each process, that of the agent itself first. In one file for all, calls of one process would
/// be cut in two by those of another.
std::string traces_in(const ScratchFolder& folder) {
  std::map<int, std::string> by_process;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "")) {
    const auto extension = entry.path().extension().string();
    if (entry.path().stem() == "trace") by_process[std::stoi(extension.substr(1))] = contents_of(entry.path());
  }
  std::string text;
  for (const auto& [pid, trace] : by_process) text += trace;
  return text;
}

}  // namespace

std::string AgentRun::reason() const {
  const auto at = err.find(kReason);
  if (at == std::string::npos || err.find(kReason, at + 1) != std::string::npos) return "";
  const auto begin = at + kReason.size();
  return err.substr(begin, err.find('\n', begin) - begin);
}

std::string agent_program() { return PGSQLMS_PROGRAM; }

AgentRun run_agent(const std::vector<std::string>& arguments, const Variables& environment,
                   const Conditions& conditions) {
  adopt_orphans();
  const ScratchFolder folder;
  const auto out = folder / "out";
  const auto err = folder / "err";
  write_file(out, "");
  write_file(err, "");
  auto words = conditions.through;
  words.push_back(conditions.program.empty() ? agent_program() : conditions.program);
  words.insert(words.end(), arguments.begin(), arguments.end());
  const auto began = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) execute(words, environment, conditions, out, err);
  const int status = wait_for_end(child, conditions.patience);
  AgentRun run;
  run.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  if (WIFEXITED(status)) run.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) run.signal = WTERMSIG(status);
  run.out = contents_of(out);
  run.err = contents_of(err);
  return run;
}

Variables environment_for(const ScratchInstance& instance) {
  const auto parameters = instance.parameters();
  return {{"OCF_ROOT", "/usr/lib/ocf"},
          {"OCF_RA_VERSION_MAJOR", "1"},
          {"OCF_RA_VERSION_MINOR", "1"},
          {"OCF_EXIT_REASON_PREFIX", std::string(kReason)},
          {"OCF_RESOURCE_INSTANCE", "pgsqld"},
          {"OCF_RESOURCE_TYPE", "pgsqlms"},
          {"OCF_RESOURCE_PROVIDER", "heartbeat"},
          {"OCF_RESKEY_crm_feature_set", "3.16.1"},
          {"OCF_RESKEY_CRM_meta_timeout", "20000"},
          {"OCF_RESKEY_CRM_meta_on_node", "srv1"},
          {"OCF_RESKEY_CRM_meta_clone", "0"},
          {"OCF_RESKEY_CRM_meta_clone_max", "3"},
          {"OCF_RESKEY_CRM_meta_notify", "true"},
          {"OCF_RESKEY_CRM_meta_promoted_max", "1"},
          {"OCF_RESKEY_CRM_meta_master_max", "1"},
          {"OCF_RESKEY_system_user", parameters.system_user},
          {"OCF_RESKEY_bindir", parameters.bindir},
          {"OCF_RESKEY_pgdata", parameters.pgdata},
          {"OCF_RESKEY_pghost", parameters.pghost},
          {"OCF_RESKEY_pgport", parameters.pgport},
          {"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"},
          {"LC_ALL", "C"}};
}

Variables with(Variables environment, const Variables& more) {
  for (const auto& [name, value] : more) environment[name] = value;
  return environment;
}

Variables recurring(Variables environment) {
  return with(std::move(environment),
              {{"OCF_RESKEY_CRM_meta_interval", "15000"}, {"OCF_RESKEY_CRM_meta_role", "Master"}});
}

Effort effort_of(const std::string& action, const Variables& environment, const std::string& program) {
  const ScratchFolder folder;
  const auto trace = folder / "trace";
  Conditions conditions;
  conditions.program = program;
  conditions.through = {"/usr/bin/strace", "-ff", "-qq", "-s", "200", "-o", trace};
  Effort effort;
  effort.run = run_agent({action}, environment, conditions);
  const auto text = traces_in(folder);
  if (text.empty()) throw std::runtime_error("no trace, is strace installed? " + effort.run.err);
  effort.programs = matches(text, R"re(execve\("([^"]*)", .* = 0\n)re");
  if (!effort.programs.empty()) effort.programs.erase(effort.programs.begin());  // the agent itself
  effort.processes = static_cast<int>(matches(text, R"re((clone3?|v?fork)\(.* = [1-9][0-9]*\n)re").size());
  // Questions about users and the log's socket aside.
  for (const auto& address : matches(text, R"re(connect\([0-9]+, \{(.*)\}, )re")) {
    if (address.find("/nscd/") == std::string::npos && address.find("/systemd/userdb") == std::string::npos &&
        address.find("/dev/log") == std::string::npos) {
      effort.addresses.push_back(address);
    }
  }
  effort.libraries = matches(text, R"re(openat\([^"]*"([^"]*\.so[.0-9]*)", [^)]*\) = [0-9])re");
  effort.system_calls = static_cast<int>(matches(text, R"re((?:^|\n)([a-z_0-9]+)\()re").size());
  for (const auto* const expression :
       {R"re(open(?:at)?\((?:AT_FDCWD, )?"([^"]*)", [^,]*O_CREAT.* = [0-9])re",
        R"re((?:mkdir|creat)\("([^"]*)".* = [0-9])re", R"re(mkdirat\([^,]*, "([^"]*)".* = 0)re"}) {
    for (auto& path : matches(text, expression)) effort.created.push_back(std::move(path));
  }
  return effort;
}

}  // namespace pgsqlms::test
