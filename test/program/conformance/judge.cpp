// SPDX-License-Identifier: PostgreSQL
#include <algorithm>
#include <csignal>
#include <exception>
#include <future>
#include <regex>

#include "conformance_case.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::test {
namespace {

constexpr const char* kPaf = "/usr/lib/ocf/resource.d/heartbeat/pgsqlms";
/// How long a PAF that is known not to return is looked at.
constexpr std::chrono::milliseconds kPafPatience = 5s;
constexpr std::chrono::milliseconds kPatience = 100s;

/// What changes neither the instance nor its folder; both agents can act in one and the same scene.
bool only_asks(const std::string& action) {
  static const std::vector<std::string> kQuestions = {"monitor", "probe", "validate-all", "meta-data", "methods"};
  return std::find(kQuestions.begin(), kQuestions.end(), std::string(words(action).front())) != kQuestions.end();
}

/// The words before the bracket; `monitor` is the recurring one of a promoted instance, where the scene says no other
/// role, `probe` the one without an interval.
const AgentRun& act(Scene& scene, const std::string& action) {
  const std::string_view before_bracket(action.data(), std::min(action.find('('), action.size()));
  std::vector<std::string> arguments;
  for (const auto word : words(before_bracket)) arguments.emplace_back(word);
  if (!arguments.empty() && arguments.back() == "probe") arguments.back() = "monitor";
  else if (!arguments.empty() && arguments.back() == "monitor") {
    return scene.run(
        arguments,
        with({{"OCF_RESKEY_CRM_meta_role", "Master"}, {"OCF_RESKEY_CRM_meta_interval", "15000"}}, scene.changes));
  }
  return scene.run(arguments);
}

std::string said(const AgentRun& run) {
  const auto code = run.signal != 0 ? "no end" : std::to_string(run.code);
  return code + " after " + std::to_string(run.took.count()) + " ms, " + run.err + run.out;
}

/// What is not as expected of that agent.
std::string complaint(Scene& scene, const ConformanceCase& subject, const Expected& expected) {
  const bool is_cut_off = expected.code == kDoesNotReturn;
  scene.conditions.patience = is_cut_off ? kPafPatience : kPatience;
  const auto& run = act(scene, subject.action);
  const int code = run.signal == SIGKILL ? kDoesNotReturn : run.code;
  std::string text;
  if (code != expected.code) text += "code " + std::to_string(code) + " instead of " + std::to_string(expected.code);
  if (run.err.find(expected.reason) == std::string::npos) text += "; the reason lacks \"" + expected.reason + '"';
  if (subject.look != nullptr) {
    const auto found = subject.look(scene);
    if (found != expected.found) text += "; found \"" + found + "\" instead of \"" + expected.found + '"';
  }
  return text.empty() ? text : text + "; it said: " + said(run) + '\n';
}

std::string complaints_of_both(const std::string& ours, const std::string& paf) {
  return (ours.empty() ? "" : "this agent: " + ours) + (paf.empty() ? "" : "PAF's agent: " + paf);
}

std::string judge_on_one_scene(const ConformanceCase& subject) {
  Scene scene(agent_program());
  subject.prepare(scene);
  scene.cluster.remember();
  const auto ours = complaint(scene, subject, subject.ours);
  scene.cluster.restore();
  scene.agent = kPaf;
  return complaints_of_both(ours, complaint(scene, subject, subject.paf));
}

std::string judge_on_own_scene(const ConformanceCase& subject, const std::string& agent, const Expected& expected) {
  Scene scene(agent);
  subject.prepare(scene);
  return complaint(scene, subject, expected);
}

std::string answer_text(const Expected& expected) {
  auto text = expected.code == kDoesNotReturn ? "does not return" : std::to_string(expected.code);
  if (!expected.found.empty()) text += "; " + expected.found;
  return text;
}

constexpr const char* kIntroduction = R"(# Differences from PAF

Each line is a case that the tests run with both agents, this one and PAF's 2.3.0 from its Debian package, in the same situation: a real
PostgreSQL 15, Pacemaker's real tools on a CIB in a file, scripts in the place of `crm_node` and `attrd_updater`. The first column
names the promises that the case shows; the other cases of `test/program/conformance`, where both agents answer the same, are not
listed. This file is printed by `build/test/program/conformance_test --differences`, and a test compares it with the cases.

An answer is an exit code (0 success, 1 error, 2 wrong arguments, 3 unknown action, 5 not installed, 6 not configured: the resource is
stopped on all nodes, 7 not running, 8 running as a primary, 9 failed as a primary; 255: the Perl program died) and what is found
afterwards. "Does not return" is an agent that is ended by nothing but Pacemaker's timeout.

| case | situation | action | PAF | this agent | why | PAF's issues |
|---|---|---|---|---|---|---|
)";

}  // namespace

std::vector<std::string> ids_of(const std::string& name) {
  static const std::regex kId("[A-Z][0-9]+");
  std::vector<std::string> ids;
  for (const auto part : split(name, "_")) {
    if (!std::regex_match(std::string(part), kId)) break;
    ids.emplace_back(part);
  }
  return ids;
}

std::string judge(const ConformanceCase& subject) try {
  if (only_asks(subject.action)) return judge_on_one_scene(subject);
  // Side by side, which saves the time that PAF's agent spends waiting.
  auto paf = std::async(std::launch::async, [&] { return judge_on_own_scene(subject, kPaf, subject.paf); });
  const auto ours = judge_on_own_scene(subject, agent_program(), subject.ours);
  return complaints_of_both(ours, paf.get());
} catch (const std::exception& error) {
  return std::string("the situation cannot be had: ") + error.what();
}

std::string difference_line(const ConformanceCase& subject) {
  std::string ids;
  for (const auto& id : ids_of(subject.name)) ids += (ids.empty() ? "" : " ") + id;
  return "| " + ids + " | " + subject.situation + " | " + subject.action + " | " + answer_text(subject.paf) + " | " +
         answer_text(subject.ours) + " | " + subject.why + " | " + subject.issues + " |\n";
}

std::string differences_document(const Cases& cases) {
  std::string text = kIntroduction;
  for (const auto& subject : cases) {
    if (differs(subject)) text += difference_line(subject);
  }
  return text;
}

Cases all_cases() {
  Cases cases;
  for (auto* const make : {validation_cases, monitor_cases, start_and_stop_cases, role_cases, election_cases,
                           score_cases, interface_cases}) {
    for (auto& subject : make()) cases.push_back(std::move(subject));
  }
  return cases;
}

}  // namespace pgsqlms::test
