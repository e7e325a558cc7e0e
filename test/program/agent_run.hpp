// SPDX-License-Identifier: PostgreSQL
// Runs of the built agent: with an action and nothing but the given environment, as Pacemaker does it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/user.hpp"
#include "scratch_instance.hpp"

namespace pgsqlms::test {

using Variables = std::map<std::string, std::string>;

/// The agent's return codes as numbers, under the names of the OCF.
inline constexpr int kSuccess = 0;
inline constexpr int kErrGeneric = 1;
inline constexpr int kErrArgs = 2;
inline constexpr int kErrUnimplemented = 3;
inline constexpr int kErrInstalled = 5;
inline constexpr int kNotRunning = 7;
inline constexpr int kRunningPromoted = 8;
inline constexpr int kFailedPromoted = 9;

/// How a run of the agent ended.
struct AgentRun {
  int code = -1;    ///< exit code
  int signal = 0;   ///< that ended it; SIGKILL also where it did not end in time
  std::string out;  ///< what it wrote to its standard output
  std::string err;
  std::chrono::milliseconds took{};

  /// What stands behind `ocf-exit-reason:`; empty if the agent gave no reason, or more than one.
  [[nodiscard]] std::string reason() const;
};

/// Conditions of a run that are not in its environment.
struct Conditions {
  const system::User* user = nullptr;        ///< nobody in particular: as the tests
  std::string program;                       ///< another copy of the agent
  std::vector<std::string> through;          ///< words of a command that runs the agent, such as strace and its options
  std::vector<int> closed;                   ///< standard streams that are closed
  std::chrono::milliseconds patience = 60s;  ///< how long its end is waited for
};

[[nodiscard]] std::string agent_program();

[[nodiscard]] AgentRun run_agent(const std::vector<std::string>& arguments, const Variables& environment,
                                 const Conditions& conditions = {});

/// The environment in which Pacemaker 2.1.5 calls the agent on node srv1 for this instance, without any kind of action.
[[nodiscard]] Variables environment_for(const ScratchInstance& instance);
[[nodiscard]] Variables with(Variables environment, const Variables& more);
/// That of the monitor that recurs where Pacemaker has promoted the instance.
[[nodiscard]] Variables recurring(Variables environment);

/// What a run takes, agent and children alike: nothing of it depends on how busy the machine is.
struct Effort {
  AgentRun run;
  std::vector<std::string> programs;   ///< names of executed programs other than the agent itself
  int processes = 0;                   ///< processes made
  std::vector<std::string> addresses;  ///< of sockets of the instance, the cluster or the network
  std::vector<std::string> created;    ///< files and folders created
  std::vector<std::string> libraries;  ///< shared libraries loaded
  int system_calls = 0;                ///< of all kinds
};
[[nodiscard]] Effort effort_of(const std::string& action, const Variables& environment,
                               const std::string& program = agent_program());

}  // namespace pgsqlms::test
