// SPDX-License-Identifier: PostgreSQL
// Prints the reference from the agent's own tables: docs/parameters.md, and the man page by filling in its template.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include "pgsqlms/action/transitions.hpp"
#include "pgsqlms/cluster/promotion_score.hpp"
#include "pgsqlms/decision/instance_state.hpp"
#include "pgsqlms/ocf/action.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/ocf/parameters.hpp"
#include "pgsqlms/text.hpp"
#include "pgsqlms/version.hpp"

namespace {

using namespace pgsqlms;

// ---- What the agent's tables do not hold: the words for exit codes and scores

/// One exit code: its name in the OCF, what the agent means by it, and what Pacemaker does.
struct ExitCode {
  ocf::ReturnCode code;
  std::string_view name;
  std::string_view meaning;
  std::string_view consequence;
};

// clang-format off
constexpr ExitCode kExitCodes[] = {
    {ocf::ReturnCode::Success, "OCF_SUCCESS",
     "The action did what it is for. A monitor: a standby runs.",
     "Goes on."},
    {ocf::ReturnCode::ErrGeneric, "OCF_ERR_GENERIC",
     "The action was refused or failed, or the instance does not work. The exit reason says why.",
     "Recovers the instance: stops it and starts it again. After a failed start the node is banned from running it until "
     "the failure is cleaned up. After a failed stop the node is fenced."},
    {ocf::ReturnCode::ErrArgs, "OCF_ERR_ARGS",
     "A parameter or a setting of PostgreSQL cannot be used on this node.",
     "Bans this node from running the instance until the failure is cleaned up. Other nodes are not affected."},
    {ocf::ReturnCode::ErrUnimplemented, "OCF_ERR_UNIMPLEMENTED",
     "There is no such action.",
     "As with 2."},
    {ocf::ReturnCode::ErrPerm, "OCF_ERR_PERM",
     "The agent may not act as system_user: it was not run by root.",
     "As with 2."},
    {ocf::ReturnCode::ErrInstalled, "OCF_ERR_INSTALLED",
     "A program is missing, PostgreSQL or Pacemaker is too old, maxlag is no number, or the clone's options are not those "
     "that are needed.",
     "As with 2."},
    {ocf::ReturnCode::ErrConfigured, "OCF_ERR_CONFIGURED",
     "Never answered.",
     "Would stop the instances on all nodes."},
    {ocf::ReturnCode::NotRunning, "OCF_NOT_RUNNING",
     "A monitor: no server runs. A probe answers it also for a crashed or an absent instance.",
     "Expected of a stopped instance. If it should be running, it is recovered as with 1."},
    {ocf::ReturnCode::RunningPromoted, "OCF_RUNNING_PROMOTED",
     "A monitor: the primary runs.",
     "Goes on. If a standby was expected, the instance is demoted."},
    {ocf::ReturnCode::FailedPromoted, "OCF_FAILED_PROMOTED",
     "A monitor: the primary has crashed.",
     "Demotes, stops and starts the instance, then promotes again: the node with the highest score, which is mostly this "
     "one."},
};
// clang-format on

constexpr bool is_ordered_by_number() {
  for (std::size_t i = 0; i < std::size(kExitCodes); ++i) {
    if (static_cast<std::size_t>(kExitCodes[i].code) != i) return false;
  }
  return true;
}
static_assert(is_ordered_by_number() && kExitCodes[std::size(kExitCodes) - 1].code == ocf::ReturnCode::FailedPromoted,
              "each exit code has a row, in the order of their numbers");

/// One promotion score, or the first ones of a series.
struct ScoreMeaning {
  std::string score;
  std::string_view meaning;
};

std::string score_text(cluster::PromotionScore score) { return cluster::to_string(score); }

std::string first_scores(cluster::PromotionScore best) {
  const auto step = best > 0 ? -cluster::kStandbyScoreStep : cluster::kStandbyScoreStep;
  return score_text(best) + ", " + score_text(best + step) + ", ...";
}

const ScoreMeaning kScoreMeanings[] = {
    {score_text(cluster::kPrimaryScore), "the primary"},
    {first_scores(cluster::kBestStandbyScore), "the standbys that stream or catch up, the one with the most WAL first"},
    {score_text(cluster::kLowestPromotableScore),
     "the former primary at the first start of a cluster, or a candidate that another node has more WAL than"},
    {score_text(cluster::kNotReadyScore), "a standby that is connected but does not stream yet, or is a base backup"},
    {first_scores(-cluster::kBestStandbyScore), "a standby whose lag is above maxlag"},
    {score_text(cluster::kDisconnectedScore), "a standby that is not connected to the primary"},
    {score_text(cluster::kForbiddenScore),
     "a candidate that a location constraint wanted though another node has more WAL; until it streams again"},
};

// ---- Facts of the tables as text

std::string seconds(std::chrono::seconds duration) { return std::to_string(duration.count()) + "s"; }

std::string_view role_name(ocf::Role role) {
  switch (role) {
    case ocf::Role::Promoted: return "Promoted";
    case ocf::Role::Unpromoted: return "Unpromoted";
    case ocf::Role::Any: break;
  }
  return "";
}

std::string_view type_name(ocf::ValueType type) {
  switch (type) {
    case ocf::ValueType::Integer: return "integer";
    case ocf::ValueType::Boolean: return "boolean";
    case ocf::ValueType::String: break;
  }
  return "string";
}

int number(ocf::ReturnCode code) { return static_cast<int>(code); }

/// "0, as a probe 7"; only "0" where both are the same.
std::string monitor_answer(const decision::StateAnswer& state) {
  auto text = std::to_string(number(state.monitor));
  if (state.probe != state.monitor) text += ", as a probe " + std::to_string(number(state.probe));
  return text;
}

/// The operations as pcs and crmsh take them, a text such as "monitor interval=15s timeout=10s role=Promoted" each.
std::string operation(const ocf::ActionSpec& spec) {
  std::string text(spec.name);
  if (spec.interval.count() > 0) text += " interval=" + seconds(spec.interval);
  text += " timeout=" + seconds(spec.timeout);
  if (spec.role != ocf::Role::Any) text.append(" role=").append(role_name(spec.role));
  return text;
}

/// Those that a cluster's configuration names.
bool is_configured(const ocf::ActionSpec& spec) {
  switch (spec.action) {
    case ocf::Action::Start:
    case ocf::Action::Stop:
    case ocf::Action::Promote:
    case ocf::Action::Demote:
    case ocf::Action::Monitor:
    case ocf::Action::Notify: return true;
    case ocf::Action::Reload:
    case ocf::Action::ReloadAgent:
    case ocf::Action::ValidateAll:
    case ocf::Action::MetaData:
    case ocf::Action::Methods: break;
  }
  return false;
}

// ---- docs/parameters.md

std::string in_table(std::string_view text) {
  std::string cell;
  for (const char letter : text) cell += letter == '|' ? std::string("\\|") : std::string(1, letter);
  return cell;
}

/// The package decides about pghost; so that this file is the same everywhere, it names no value.
std::string markdown_default(const ocf::ParameterSpec& spec) {
  if (spec.name == "pghost") return "`/tmp`; in Debian's package `/var/run/postgresql`";
  if (spec.member == &ocf::ResourceParameters::datadir) return "the value of `pgdata`";
  if (spec.member == &ocf::ResourceParameters::recovery_template) return "`recovery.conf.pcmk` in `pgdata`";
  return spec.default_value.empty() ? "none" : "`" + std::string(spec.default_value) + "`";
}

/// What a change of the value does to running instances. Pacemaker goes by `reloadable`, before 2.1 by `unique`.
std::string_view change_of(const ocf::ParameterSpec& spec) {
  if (spec.reloadable) return spec.unique ? "reload, before Pacemaker 2.1 restart" : "reload";
  return spec.unique ? "restart" : "restart, before Pacemaker 2.1 reload";
}

void print_markdown_parameters(std::ostream& out) {
  out << "## Parameters\n\n"
         "An empty value and `0` mean the default. After a change of a value Pacemaker restarts the instances, or "
         "calls "
         "`reload`\n(`reload-agent`): the agent reads all parameters anew at each call, so nothing stops.\n\n"
         "| parameter | type | default | a change | meaning |\n"
         "|---|---|---|---|---|\n";
  for (const auto& spec : ocf::kParameters) {
    out << "| `" << spec.name << "` | " << type_name(spec.type) << " | " << markdown_default(spec) << " | "
        << change_of(spec) << " | " << in_table(spec.long_description) << " |\n";
  }
}

void print_markdown_actions(std::ostream& out) {
  out << "\n## Actions\n\n"
         "Timeouts and intervals are the suggested ones. A cluster's configuration should name them: without, "
         "Pacemaker "
         "uses\nits own default, 20 seconds, and monitors nothing.\n\n"
         "| action | timeout | interval | role | what it does |\n"
         "|---|---|---|---|---|\n";
  for (const auto& spec : ocf::kActions) {
    const auto interval = spec.interval.count() > 0 ? seconds(spec.interval) : std::string();
    out << "| `" << spec.name << "` | " << seconds(spec.timeout) << " | " << interval << " | " << role_name(spec.role)
        << " | " << in_table(spec.summary) << " |\n";
  }
}

void print_markdown_states(std::ostream& out) {
  out << "\n## What monitor answers\n\n"
         "| the instance is | answer | exit reason |\n"
         "|---|---|---|\n";
  for (const auto& state : decision::kStateAnswers) {
    out << "| " << state.name << " | " << monitor_answer(state) << " | " << in_table(state.reason) << " |\n";
  }
}

void print_markdown_transitions(std::ostream& out) {
  constexpr ocf::Action kColumns[] = {ocf::Action::Start, ocf::Action::Promote, ocf::Action::Demote};
  out << "\n## What start, promote and demote do\n\n"
         "An empty cell is a refusal: exit code 1, and the exit reason names the state. `stop` does not ask for the "
         "state: it ends\nwhatever server works in the data directory, and succeeds if no process of it is left.\n\n"
         "| the instance is |";
  for (const auto action : kColumns) out << " `" << ocf::spec_of(action).name << "` |";
  out << "\n|---|---|---|---|\n";
  for (const auto& state : decision::kStateAnswers) {
    out << "| " << state.name << " |";
    for (const auto action : kColumns) {
      const auto* const transition = action::find_transition(action, state.state);
      out << ' ' << (transition == nullptr ? std::string() : in_table(transition->comment)) << " |";
    }
    out << '\n';
  }
}

void print_markdown_exit_codes(std::ostream& out) {
  out << "\n## Exit codes\n\n"
         "| code | name | meaning | what Pacemaker does |\n"
         "|---|---|---|---|\n";
  for (const auto& row : kExitCodes) {
    out << "| " << number(row.code) << " | `" << row.name << "` | " << row.meaning << " | " << row.consequence
        << " |\n";
  }
}

void print_markdown_scores(std::ostream& out) {
  out << "\n## Promotion scores\n\n"
         "The node attribute `master-RESOURCE`, set by the primary's monitor. Pacemaker promotes the node with the "
         "highest one,\nand never one with a negative one.\n\n"
         "| score | who has it |\n"
         "|---|---|\n";
  for (const auto& row : kScoreMeanings) out << "| " << row.score << " | " << row.meaning << " |\n";
}

void print_markdown(std::ostream& out) {
  out << "<!-- Printed by pgsqlms_reference (docs/reference.cpp) from the agent's tables. Do not edit. -->\n"
         "# Parameters, actions, exit codes\n\n";
  print_markdown_parameters(out);
  print_markdown_actions(out);
  print_markdown_states(out);
  print_markdown_transitions(out);
  print_markdown_exit_codes(out);
  print_markdown_scores(out);
}

// ---- The man page, mdoc(7)

constexpr std::size_t kWidestLine = 78;

/// A word as text: no escape sequence, and no request at the beginning of a line.
std::string as_text(std::string_view word, bool begins_line) {
  std::string text = begins_line && (word.front() == '.' || word.front() == '\'') ? "\\&" : "";
  for (const char letter : word) text += letter == '\\' ? std::string("\\e") : std::string(1, letter);
  return text;
}

/// Text in lines that are not too long, each sentence on a new one, as mdoc wants it.
void print_filled(std::ostream& out, std::string_view text) {
  std::size_t width = 0;
  for (const auto word : words(text)) {
    if (width > 0 && width + 1 + word.size() > kWidestLine) {
      out << '\n';
      width = 0;
    }
    const auto shown = as_text(word, width == 0);
    out << (width > 0 ? " " : "") << shown;
    width += (width > 0 ? 1 : 0) + shown.size();
    if (word.back() != '.' || word == words(text).back()) continue;
    out << '\n';
    width = 0;
  }
  if (width > 0) out << '\n';
}

void print_mdoc_parameters(std::ostream& out) {
  const auto defaults = ocf::read_parameters(ocf::Environment());
  out << ".Bl -tag -width Ds\n";
  for (const auto& spec : ocf::kParameters) {
    out << ".It Cm " << spec.name << " Ns = Ns Ar " << type_name(spec.type) << '\n';
    print_filled(out, spec.long_description);
    const auto& value = defaults.*spec.member;
    if (!spec.default_value.empty()) out << "Default:\n.Ql " << value << " .\n";
  }
  out << ".El\n";
}

void print_mdoc_actions(std::ostream& out) {
  out << ".Bl -tag -width Ds\n";
  for (const auto& spec : ocf::kActions) {
    out << ".It Cm " << spec.name;
    if (spec.interval.count() > 0) out << " Cm interval Ns = Ns Ar " << seconds(spec.interval);
    out << " Cm timeout Ns = Ns Ar " << seconds(spec.timeout);
    if (spec.role != ocf::Role::Any) out << " Cm role Ns = Ns Ar " << role_name(spec.role);
    out << '\n';
    print_filled(out, spec.summary);
  }
  out << ".El\n";
}

void print_mdoc_states(std::ostream& out) {
  out << ".Bl -tag -width Ds\n";
  for (const auto& state : decision::kStateAnswers) {
    out << ".It Sy " << state.name << '\n' << "Answer " << monitor_answer(state) << ".\n";
    if (!state.reason.empty()) print_filled(out, "Exit reason: " + std::string(state.reason) + ".");
  }
  out << ".El\n";
}

void print_mdoc_exit_codes(std::ostream& out) {
  out << ".Bl -tag -width Ds\n";
  for (const auto& row : kExitCodes) {
    out << ".It " << number(row.code) << " Pq Dv " << row.name << '\n';
    print_filled(out, row.meaning);
    print_filled(out, "Pacemaker: " + std::string(row.consequence));
  }
  out << ".El\n";
}

void print_mdoc_scores(std::ostream& out) {
  out << ".Bl -tag -width Ds\n";
  for (const auto& row : kScoreMeanings) {
    out << ".It Li " << row.score << '\n';
    print_filled(out, row.meaning);
  }
  out << ".El\n";
}

/// One operation a line, for an example that goes on after them.
void print_mdoc_operations(std::ostream& out) {
  for (const auto& spec : ocf::kActions) {
    if (is_configured(spec)) out << "    op " << operation(spec) << " \\e\n";
  }
}

const std::map<std::string_view, std::function<void(std::ostream&)>> kPlaceholders = {
    {"@PARAMETERS@", print_mdoc_parameters},
    {"@ACTIONS@", print_mdoc_actions},
    {"@STATES@", print_mdoc_states},
    {"@EXIT_CODES@", print_mdoc_exit_codes},
    {"@SCORES@", print_mdoc_scores},
    {"@OPERATIONS@", print_mdoc_operations},
    {"@VERSION@", [](std::ostream& out) { out << "This is version " << kVersion << ".\n"; }},
};

/// Copies the template; a line that is nothing but a placeholder is replaced by what it stands for.
void print_man_page(std::istream& page, std::ostream& out) {
  for (std::string line; std::getline(page, line);) {
    const auto placeholder = kPlaceholders.find(line);
    if (placeholder != kPlaceholders.end()) placeholder->second(out);
    else out << line << '\n';
  }
}

int usage() {
  std::cerr << "usage: pgsqlms_reference parameters | man-page TEMPLATE\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "parameters" && argc == 2) {
    print_markdown(std::cout);
  } else if (what == "man-page" && argc == 3) {
    std::ifstream page(argv[2]);
    if (!page) return std::cerr << "pgsqlms_reference: cannot read \"" << argv[2] << "\"\n", 1;
    print_man_page(page, std::cout);
  } else {
    return usage();
  }
  return std::cout.flush() ? 0 : 1;
}
