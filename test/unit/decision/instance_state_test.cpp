// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/instance_state.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "fake/printing.hpp"

namespace pgsqlms::decision {
namespace {

using ocf::ReturnCode;
using pg::Contact;
using pg::DbState;
using pg::ProbeFacts;

constexpr Contact kContacts[] = {Contact::Accepted, Contact::NotYet,     Contact::Saturated,   Contact::Denied,
                                 Contact::Broken,   Contact::NoResponse, Contact::NotListening};
constexpr DbState kDbStates[] = {DbState::StartingUp,   DbState::ShutDown,        DbState::ShutDownInRecovery,
                                 DbState::ShuttingDown, DbState::InCrashRecovery, DbState::InArchiveRecovery,
                                 DbState::InProduction};
constexpr InstanceState kStates[] = {
    InstanceState::Primary,      InstanceState::Standby,        InstanceState::Pending,
    InstanceState::Stopped,      InstanceState::CrashedPrimary, InstanceState::CrashedStandby,
    InstanceState::Transitional, InstanceState::Unresponsive,   InstanceState::Unreachable,
    InstanceState::Broken,       InstanceState::SingleUser,     InstanceState::Unknown,
    InstanceState::Damaged,      InstanceState::Misplaced,      InstanceState::Absent};
constexpr bool kBoth[] = {false, true};

std::vector<std::optional<pg::ControlData>> every_control_data() {
  std::vector<std::optional<pg::ControlData>> all = {std::nullopt};
  for (const auto state : kDbStates) {
    all.push_back(pg::ControlData{state, {}, 1, 0, "replica"});
    all.back()->minimum_recovery = {0x3000148};
    all.back()->wal_segment_size = 16 << 20;
  }
  return all;
}

/// What can be found in the data directory.
std::vector<pg::ServerProcesses> every_processes() {
  std::vector<pg::ServerProcesses> all;
  for (const bool postmaster : kBoth)
    for (const std::size_t orphans : {0U, 2U})
      for (const bool single_user : kBoth)
        for (const char* unknown : {"", "/proc cannot be read"})
          all.push_back({postmaster, orphans, std::nullopt, single_user ? std::optional(7) : std::nullopt, unknown});
  return all;
}

const pg::Replay kBeforeConsistency{true, "000000010000000000000002", std::nullopt};
const pg::Replay kBehindConsistency{true, "000000010000000000000003", std::nullopt};

/// All combinations of facts that a probe can give.
std::vector<ProbeFacts> every_facts() {
  std::vector<ProbeFacts> all;
  for (const auto contact : kContacts)
    for (const auto& control : every_control_data())
      for (const bool in_recovery : kBoth)
        for (const bool data_directory : kBoth)
          for (const auto& processes : every_processes())
            for (const bool backup_label : kBoth)
              for (const bool standby_signal : kBoth)
                for (const auto& replay : {std::optional<pg::Replay>(), std::optional(kBeforeConsistency),
                                           std::optional(kBehindConsistency)})
                  all.push_back({contact, "", in_recovery, data_directory, processes, control, backup_label,
                                 standby_signal, replay});
  return all;
}

std::string describe(const ProbeFacts& facts) {
  return "contact " + std::to_string(static_cast<int>(facts.contact)) + ", pg_control " +
         (facts.control ? std::string(to_string(facts.control->state)) : "unreadable") +
         (facts.in_recovery ? ", in recovery" : "") + (facts.data_directory ? "" : ", no data directory") +
         (facts.processes.postmaster ? ", postmaster" : "") + (facts.backup_label ? ", backup_label" : "") +
         (facts.standby_signal ? ", standby.signal" : "") + (facts.replay ? ", replays " + facts.replay->wal_file : "");
}

bool is_session(const ProbeFacts& facts) { return facts.contact == Contact::Accepted; }
bool is_server(const ProbeFacts& facts) { return !is_session(facts) && facts.processes.postmaster; }
bool is_unseen(const ProbeFacts& facts) { return !is_session(facts) && !facts.processes.postmaster; }
bool is_doubtful(const ProbeFacts& facts) { return is_unseen(facts) && !facts.processes.unknown.empty(); }
bool is_single_user(const ProbeFacts& facts) {
  return is_unseen(facts) && !is_doubtful(facts) && facts.processes.single_user_backend;
}
bool is_dead(const ProbeFacts& facts) { return is_unseen(facts) && !is_doubtful(facts) && !is_single_user(facts); }
bool is_readable(const ProbeFacts& facts) { return is_dead(facts) && facts.data_directory && facts.control; }
bool is_inferred(const ProbeFacts& facts) {
  return is_server(facts) && (facts.contact == Contact::Saturated || facts.contact == Contact::Denied);
}
bool says(const ProbeFacts& facts, std::initializer_list<DbState> states) {
  return facts.control && std::find(states.begin(), states.end(), facts.control->state) != states.end();
}

bool is_consistent(const ProbeFacts& facts) {
  return says(facts, {DbState::InArchiveRecovery}) && facts.replay &&
         facts.replay->wal_file == kBehindConsistency.wal_file;
}

struct Rule {
  const char* sentence;
  std::function<bool(const ProbeFacts&)> applies;
  InstanceState state;
};

/// The contract's rules. Each combination of facts falls under exactly one.
const Rule kRules[] = {
    {"a session that is not in recovery shows a primary",
     [](const auto& facts) { return is_session(facts) && !facts.in_recovery; }, InstanceState::Primary},
    {"a session in recovery shows a standby", [](const auto& facts) { return is_session(facts) && facts.in_recovery; },
     InstanceState::Standby},
    {"a server that takes no sessions yet is in transition",
     [](const auto& facts) { return is_server(facts) && facts.contact == Contact::NotYet && !is_consistent(facts); },
     InstanceState::Transitional},
    {"a server that takes no sessions though its data are consistent waits for the end of a transaction",
     [](const auto& facts) { return is_server(facts) && facts.contact == Contact::NotYet && is_consistent(facts); },
     InstanceState::Pending},
    {"a server that gives no answer is unresponsive",
     [](const auto& facts) { return is_server(facts) && facts.contact == Contact::NoResponse; },
     InstanceState::Unresponsive},
    {"a server that does not listen is unreachable",
     [](const auto& facts) { return is_server(facts) && facts.contact == Contact::NotListening; },
     InstanceState::Unreachable},
    {"a server whose sessions fail inside is broken",
     [](const auto& facts) { return is_server(facts) && facts.contact == Contact::Broken; }, InstanceState::Broken},
    {"what cannot be seen is not gone", is_doubtful, InstanceState::Unknown},
    {"a single-user backend is no server", is_single_user, InstanceState::SingleUser},
    {"a full or closed server in production is a primary",
     [](const auto& facts) { return is_inferred(facts) && says(facts, {DbState::InProduction}); },
     InstanceState::Primary},
    {"a full or closed server in archive recovery is a standby",
     [](const auto& facts) { return is_inferred(facts) && says(facts, {DbState::InArchiveRecovery}); },
     InstanceState::Standby},
    {"a full or closed server in any other state is in transition",
     [](const auto& facts) {
       return is_inferred(facts) && facts.control && !says(facts, {DbState::InProduction, DbState::InArchiveRecovery});
     },
     InstanceState::Transitional},
    {"a full or closed server without a readable pg_control is unreachable",
     [](const auto& facts) { return is_inferred(facts) && !facts.control; }, InstanceState::Unreachable},
    {"without a data directory there is nothing",
     [](const auto& facts) { return is_dead(facts) && !facts.data_directory; }, InstanceState::Absent},
    {"a data directory without a readable pg_control is damaged",
     [](const auto& facts) { return is_dead(facts) && facts.data_directory && !facts.control; },
     InstanceState::Damaged},
    {"what was shut down is stopped",
     [](const auto& facts) {
       return is_readable(facts) && says(facts, {DbState::ShutDown, DbState::ShutDownInRecovery});
     },
     InstanceState::Stopped},
    {"what was in archive recovery is a crashed standby",
     [](const auto& facts) { return is_readable(facts) && says(facts, {DbState::InArchiveRecovery}); },
     InstanceState::CrashedStandby},
    {"any other state without a standby's file is that of a crashed primary",
     [](const auto& facts) {
       return is_readable(facts) && !facts.standby_signal &&
              says(facts,
                   {DbState::InProduction, DbState::StartingUp, DbState::ShuttingDown, DbState::InCrashRecovery});
     },
     InstanceState::CrashedPrimary},
    {"a copy of a running primary with a standby's file did not run yet",
     [](const auto& facts) {
       return is_readable(facts) && facts.standby_signal && says(facts, {DbState::InProduction});
     },
     InstanceState::Stopped},
    {"any other state with a standby's file is that of a crashed standby",
     [](const auto& facts) {
       return is_readable(facts) && facts.standby_signal &&
              says(facts, {DbState::StartingUp, DbState::ShuttingDown, DbState::InCrashRecovery});
     },
     InstanceState::CrashedStandby},
};

TEST(Classify, FollowsExactlyOneRuleInEveryCombinationOfFacts) {
  const auto all = every_facts();
  EXPECT_EQ(all.size(), 7U * 8U * 4U * 16U * 4U * 3U);
  for (const auto& facts : all) {
    SCOPED_TRACE(describe(facts));
    int applying = 0;
    for (const auto& rule : kRules) {
      if (!rule.applies(facts)) continue;
      ++applying;
      ASSERT_EQ(classify(facts), rule.state) << rule.sentence;
    }
    ASSERT_EQ(applying, 1);
  }
}

TEST(Classify, NeverFindsADeadServerInTransition) {
  for (const auto& facts : every_facts()) {
    if (!is_dead(facts)) continue;
    ASSERT_FALSE(may_settle(classify(facts))) << describe(facts);
  }
}

TEST(Classify, FindsACrashedPrimaryAlsoDuringAnExclusiveBackup) {
  ProbeFacts facts;
  facts.control = pg::ControlData{DbState::InProduction, {}, 1, 0, "replica"};
  facts.backup_label = true;
  EXPECT_EQ(classify(facts), InstanceState::CrashedPrimary);
}

TEST(Classify, FindsAServerInAnotherDirectoryWhereNoneIsInItsOwn) {
  for (auto facts : every_facts()) {
    const auto own = classify(facts);
    facts.processes.elsewhere = "/srv/other";
    ASSERT_EQ(classify(facts), is_dead(facts) ? InstanceState::Misplaced : own) << describe(facts);
  }
}

TEST(Explain, NamesTheOtherDirectory) {
  ProbeFacts facts;
  facts.processes.elsewhere = "/srv/other";
  EXPECT_EQ(explain(InstanceState::Misplaced, facts),
            "the server of this instance works in another directory than datadir: \"/srv/other\"");
}

TEST(StateAnswers, HaveOneRowForEachState) {
  std::multiset<InstanceState> rows;
  for (const auto& row : kStateAnswers) rows.insert(row.state);
  EXPECT_EQ(rows, std::multiset<InstanceState>(std::begin(kStates), std::end(kStates)));
  for (const auto state : kStates) EXPECT_EQ(answer_of(state).state, state);
}

TEST(StateAnswers, AreThoseOfTheContract) {
  struct Row {
    InstanceState state;
    ReturnCode monitor;
    ReturnCode probe;
  };
  constexpr Row kRows[] = {
      {InstanceState::Primary, ReturnCode::RunningPromoted, ReturnCode::RunningPromoted},
      {InstanceState::Standby, ReturnCode::Success, ReturnCode::Success},
      {InstanceState::Pending, ReturnCode::Success, ReturnCode::Success},
      {InstanceState::Stopped, ReturnCode::NotRunning, ReturnCode::NotRunning},
      {InstanceState::CrashedPrimary, ReturnCode::FailedPromoted, ReturnCode::NotRunning},
      {InstanceState::CrashedStandby, ReturnCode::ErrGeneric, ReturnCode::NotRunning},
      {InstanceState::Transitional, ReturnCode::ErrGeneric, ReturnCode::ErrGeneric},
      {InstanceState::Unresponsive, ReturnCode::ErrGeneric, ReturnCode::ErrGeneric},
      {InstanceState::Unreachable, ReturnCode::ErrGeneric, ReturnCode::ErrGeneric},
      {InstanceState::Broken, ReturnCode::ErrGeneric, ReturnCode::ErrGeneric},
      {InstanceState::SingleUser, ReturnCode::ErrGeneric, ReturnCode::NotRunning},
      {InstanceState::Unknown, ReturnCode::ErrGeneric, ReturnCode::ErrGeneric},
      {InstanceState::Damaged, ReturnCode::ErrGeneric, ReturnCode::NotRunning},
      {InstanceState::Misplaced, ReturnCode::ErrGeneric, ReturnCode::ErrGeneric},
      {InstanceState::Absent, ReturnCode::NotRunning, ReturnCode::NotRunning},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(answer_of(row.state).name);
    EXPECT_EQ(answer_of(row.state).monitor, row.monitor);
    EXPECT_EQ(answer_of(row.state).probe, row.probe);
  }
}

TEST(StateAnswers, GiveAReasonForEveryError) {
  for (const auto& row : kStateAnswers) {
    SCOPED_TRACE(row.name);
    const bool is_error = row.monitor == ReturnCode::ErrGeneric || row.monitor == ReturnCode::FailedPromoted;
    EXPECT_EQ(is_error, !row.reason.empty());
    EXPECT_LE(row.reason.size(), 128U);
  }
}

TEST(Explain, AddsTheServersWords) {
  ProbeFacts facts;
  facts.processes.postmaster = true;
  facts.contact_detail = "the database system is starting up";
  EXPECT_EQ(explain(InstanceState::Transitional, facts),
            "the server accepts no connections yet: the database system is starting up");
}

TEST(Explain, LeavesOutWhatLibpqSaidOfADeadServer) {
  ProbeFacts facts;
  facts.contact_detail = "connection refused";
  EXPECT_EQ(explain(InstanceState::CrashedPrimary, facts), answer_of(InstanceState::CrashedPrimary).reason);
}

TEST(Explain, SaysWhatCouldNotBeSeen) {
  ProbeFacts facts;
  facts.contact_detail = "connection refused";
  facts.processes.unknown = "/proc cannot be read: Too many open files";
  EXPECT_EQ(explain(InstanceState::Unknown, facts),
            "whether a server runs cannot be told: /proc cannot be read: Too many open files");
}

TEST(Explain, NamesTheSingleUserBackend) {
  ProbeFacts facts;
  facts.contact_detail = "connection refused";
  facts.processes.single_user_backend = 4711;
  EXPECT_EQ(explain(InstanceState::SingleUser, facts), "a single-user backend works in the data directory: pid 4711");
}

TEST(Explain, HasNothingToSayOfAHealthyInstance) {
  ProbeFacts facts;
  facts.processes.postmaster = true;
  facts.contact_detail = "sorry, too many clients already";
  EXPECT_EQ(explain(InstanceState::Primary, facts), "");
}

TEST(MaySettle, HoldsForWhatMayBeOverAMomentLater) {
  const std::set<InstanceState> expected = {InstanceState::Transitional, InstanceState::Unreachable,
                                            InstanceState::Broken, InstanceState::SingleUser, InstanceState::Unknown};
  for (const auto state : kStates) EXPECT_EQ(may_settle(state), expected.count(state) > 0) << state;
}

TEST(WasPrimary, HoldsForAPrimarysStatesWithoutAnyOfAStandbysFiles) {
  const std::set<DbState> of_a_primary = {DbState::ShutDown, DbState::ShuttingDown, DbState::InCrashRecovery,
                                          DbState::InProduction};
  for (const auto& facts : every_facts()) {
    const bool expected =
        facts.control && of_a_primary.count(facts.control->state) > 0 && !facts.backup_label && !facts.standby_signal;
    ASSERT_EQ(was_primary(facts), expected) << describe(facts);
  }
}

}  // namespace
}  // namespace pgsqlms::decision
