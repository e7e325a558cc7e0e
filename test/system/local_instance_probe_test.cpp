// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "deadlines.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/local_instance.hpp"
#include "scratch_instance.hpp"

namespace pgsqlms::system {
namespace {

namespace fs = std::filesystem;

using pg::Contact;
using pg::DbState;
using test::BlockedRecovery;
using test::eventually;
using test::Frozen;
using test::in;
using test::Saturation;
using test::ScratchInstance;
using test::ScratchPair;
using test::Session;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

pg::ProbeFacts probe(const ocf::ResourceParameters& parameters, Duration limit = 10s) {
  return LocalInstance(parameters).probe(in(limit));
}

pg::ProbeFacts probe(const ScratchInstance& instance, Duration limit = 10s) {
  return probe(instance.parameters(), limit);
}

std::optional<DbState> state_in(const pg::ProbeFacts& facts) {
  return facts.control ? std::optional(facts.control->state) : std::nullopt;
}

TEST(Probe, IsToldTheRoleOfARunningPrimary) {
  ScratchInstance instance;
  instance.start();
  const auto facts = probe(instance);
  EXPECT_EQ(facts.contact, Contact::Accepted);
  EXPECT_FALSE(facts.in_recovery);
}

TEST(Probe, IsToldTheRoleOfARunningStandby) {
  const ScratchPair pair;
  const auto facts = probe(pair.standby);
  EXPECT_EQ(facts.contact, Contact::Accepted);
  EXPECT_TRUE(facts.in_recovery);
}

TEST(Probe, FindsACleanlyStoppedPrimary) {
  ScratchInstance instance;
  instance.start();
  instance.stop();
  const auto facts = probe(instance);
  EXPECT_EQ(facts.contact, Contact::NotListening);
  EXPECT_TRUE(facts.data_directory);
  EXPECT_FALSE(facts.processes.postmaster);
  EXPECT_EQ(facts.processes.orphans, 0U);
  EXPECT_EQ(state_in(facts), DbState::ShutDown);
  EXPECT_FALSE(facts.standby_signal);
  EXPECT_FALSE(facts.backup_label);
}

TEST(Probe, FindsACleanlyStoppedStandby) {
  ScratchPair pair;
  pair.standby.stop();
  const auto facts = probe(pair.standby);
  EXPECT_FALSE(facts.processes.postmaster);
  EXPECT_EQ(state_in(facts), DbState::ShutDownInRecovery);
  EXPECT_TRUE(facts.standby_signal);
}

TEST(Probe, FindsAKilledPrimary) {
  ScratchInstance instance;
  instance.start();
  instance.kill_server();
  const auto facts = probe(instance);
  EXPECT_EQ(facts.contact, Contact::NotListening);
  EXPECT_FALSE(facts.processes.postmaster);
  EXPECT_EQ(facts.processes.orphans, 0U);
  EXPECT_EQ(state_in(facts), DbState::InProduction);
}

TEST(Probe, FindsAKilledStandby) {
  ScratchPair pair;
  pair.standby.kill_server();
  const auto facts = probe(pair.standby);
  EXPECT_FALSE(facts.processes.postmaster);
  EXPECT_EQ(state_in(facts), DbState::InArchiveRecovery);
  EXPECT_TRUE(facts.standby_signal);
}

TEST(Probe, CountsTheOrphansOfAKilledPrimary) {
  ScratchInstance instance;
  instance.start();
  const Session session(instance.conninfo());
  const Frozen backend(session.backend());
  instance.kill_postmaster();
  ASSERT_TRUE(eventually([&] { return probe(instance).processes.orphans == 1; }));
  EXPECT_FALSE(probe(instance).processes.postmaster);
  EXPECT_EQ(state_in(probe(instance)), DbState::InProduction);
}

TEST(Probe, IsNotHeldUpByAFrozenPostmaster) {
  ScratchInstance instance;
  instance.start();
  const Frozen postmaster(instance.postmaster());
  const auto began = std::chrono::steady_clock::now();
  const auto facts = probe(instance, 400ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  EXPECT_EQ(facts.contact, Contact::NoResponse);
  EXPECT_TRUE(facts.processes.postmaster);
}

TEST(Probe, IsNotHeldUpByAFrozenBackendOfItsOwn) {
  ScratchInstance instance;
  instance.start();
  LocalInstance local(instance.parameters());
  ASSERT_EQ(local.probe(in(10s)).contact, Contact::Accepted);
  const Frozen backend(std::stoi(instance.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsqlms'")));
  const auto began = std::chrono::steady_clock::now();
  static_cast<void>(local.probe(in(400ms)));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
}

TEST(Probe, TakesTheRoleOfASaturatedServerFromItsControlFile) {
  ScratchInstance instance;
  const Saturation saturation(instance);
  const auto facts = probe(instance);
  EXPECT_EQ(facts.contact, Contact::Saturated);
  EXPECT_TRUE(facts.processes.postmaster);
  EXPECT_EQ(state_in(facts), DbState::InProduction);
}

TEST(Probe, FindsAServerInCrashRecovery) {
  ScratchInstance instance;
  const BlockedRecovery blocked(instance);
  instance.launch();
  ASSERT_TRUE(instance.has_logged("redo starts"));
  const auto facts = probe(instance);
  EXPECT_EQ(facts.contact, Contact::NotYet);
  EXPECT_TRUE(facts.processes.postmaster);
  EXPECT_EQ(state_in(facts), DbState::InCrashRecovery);
}

TEST(Probe, FindsAServerThatShutsDown) {
  ScratchInstance instance;
  instance.start();
  const Session session(instance.conninfo());
  kill(instance.postmaster(), SIGTERM);
  ASSERT_TRUE(instance.has_logged("received smart shutdown request"));
  EXPECT_EQ(probe(instance).contact, Contact::NotYet);
}

TEST(Probe, SeesThatTheServerWasRestartedSinceItAskedLast) {
  ScratchInstance instance;
  instance.start();
  LocalInstance local(instance.parameters());
  ASSERT_EQ(local.probe(in(10s)).contact, Contact::Accepted);
  instance.stop();
  instance.ask_for_recovery();
  instance.start();
  const auto facts = local.probe(in(10s));
  EXPECT_EQ(facts.contact, Contact::Accepted);
  EXPECT_TRUE(facts.in_recovery);
}

TEST(Probe, SeesThatTheServerWasKilledSinceItAskedLast) {
  ScratchInstance instance;
  instance.start();
  LocalInstance local(instance.parameters());
  ASSERT_EQ(local.probe(in(10s)).contact, Contact::Accepted);
  instance.kill_server();
  const auto facts = local.probe(in(10s));
  EXPECT_EQ(facts.contact, Contact::NotListening);
  EXPECT_EQ(state_in(facts), DbState::InProduction);
}

TEST(Probe, SeesThatTheDataDirectoryIsMissing) {
  const ScratchInstance instance;
  fs::remove_all(instance.data());
  const auto facts = probe(instance);
  EXPECT_FALSE(facts.data_directory);
  EXPECT_FALSE(facts.processes.postmaster);
  EXPECT_FALSE(facts.control);
}

TEST(Probe, FindsTheServerWhoseDataDirectoryWasDeleted) {
  ScratchInstance instance;
  instance.start();
  // So that nobody tells the role, and the facts below it are gathered.
  const Frozen postmaster(instance.postmaster());
  fs::remove_all(instance.data());
  const auto facts = probe(instance, 300ms);
  EXPECT_FALSE(facts.data_directory);
  EXPECT_TRUE(facts.processes.postmaster);
}

TEST(Probe, HasNoControlDataWhereTheControlFileIsCutOff) {
  const ScratchInstance instance;
  fs::resize_file(instance.data() + "/global/pg_control", 100);
  const auto facts = probe(instance);
  EXPECT_TRUE(facts.data_directory);
  EXPECT_FALSE(facts.control);
}

TEST(Probe, HasNoControlDataWhereTheControlFileIsOverwritten) {
  const ScratchInstance instance;
  test::write_file(instance.data() + "/global/pg_control", std::string(8192, '\0'), 0600);
  EXPECT_FALSE(probe(instance).control) << "state read from a file whose checksum is wrong: "
                                        << to_string(*state_in(probe(instance)));
}

TEST(Probe, IsNotTakenInByAnotherInstanceAtTheSameAddress) {
  ScratchInstance other;
  other.start();
  const ScratchInstance instance;
  auto parameters = instance.parameters();
  parameters.pghost = other.parameters().pghost;
  const auto facts = probe(parameters);
  EXPECT_EQ(facts.contact, Contact::NotListening);
  EXPECT_NE(facts.contact_detail.find(other.data()), std::string::npos) << facts.contact_detail;
  EXPECT_FALSE(facts.processes.postmaster);
  EXPECT_EQ(state_in(facts), DbState::ShutDown);
}

TEST(Probe, FindsTheServerThroughALinkToItsDataDirectory) {
  ScratchInstance instance;
  instance.start();
  fs::create_directory_symlink(instance.data(), instance.folder() / "link");
  auto parameters = instance.parameters();
  parameters.pgdata = parameters.datadir = instance.folder() / "link";
  EXPECT_EQ(probe(parameters).contact, Contact::Accepted);
}

TEST(Probe, IsNotTakenInBySomebodyElsesPidInThePidFile) {
  ScratchInstance instance;
  instance.start();
  instance.kill_server();
  test::Start start;
  start.arguments = {"/bin/sleep", "60"};
  start.user = test::is_root() ? &test::scratch_user() : nullptr;
  const test::Child other(start);
  test::write_file(instance.data() + "/postmaster.pid", std::to_string(other.pid()) + "\n" + instance.data() + "\n",
                   0600);
  const auto facts = probe(instance);
  EXPECT_FALSE(facts.processes.postmaster);
  EXPECT_EQ(state_in(facts), DbState::InProduction);
}

TEST(Probe, SeesABackupLabel) {
  const ScratchInstance instance;
  test::write_file(instance.data() + "/backup_label", "");
  EXPECT_TRUE(probe(instance).backup_label);
}

TEST(Probe, SeesEveryFileThatAsksForRecovery) {
  for (const auto* const name : {"standby.signal", "recovery.signal", "recovery.conf"}) {
    const ScratchInstance instance;
    test::write_file(instance.data() + "/" + name, "");
    EXPECT_TRUE(probe(instance).standby_signal) << name;
  }
}

TEST(Processes, AreThoseOfTheServerWithItsPostmaster) {
  ScratchInstance instance;
  LocalInstance local(instance.parameters());
  EXPECT_FALSE(local.processes().postmaster);
  instance.start();
  EXPECT_TRUE(local.processes().postmaster);
  EXPECT_EQ(local.processes().orphans, 0U);
}

TEST(Processes, AreFoundWhereTheSystemUserDoesNotExist) {
  ScratchInstance instance;
  instance.start();
  auto parameters = instance.parameters();
  parameters.system_user = "no-such-user";
  EXPECT_TRUE(LocalInstance(parameters).processes().postmaster);
}

TEST(Installation, IsCompleteForAnInstance) {
  const ScratchInstance instance;
  const auto installation = LocalInstance(instance.parameters()).installation();
  EXPECT_TRUE(installation.system_user);
  EXPECT_TRUE(installation.pgdata);
  EXPECT_TRUE(installation.data_directory);
  ASSERT_TRUE(installation.version);
  EXPECT_EQ(installation.version->number, test::server_major() * 10000);
  EXPECT_EQ(installation.missing_program, std::nullopt);
  EXPECT_FALSE(installation.recovery_template);
}

TEST(Installation, HasNoVersionWherePgVersionIsBroken) {
  for (const auto* const text : {"", "fifteen\n", "15 beta\n", "15.1\n"}) {
    const ScratchInstance instance;
    test::write_file(instance.data() + "/PG_VERSION", text);
    EXPECT_FALSE(LocalInstance(instance.parameters()).installation().version) << text;
  }
}

TEST(Installation, NamesTheFirstProgramThatIsMissing) {
  const ScratchInstance instance;
  auto parameters = instance.parameters();
  parameters.bindir = instance.folder() / "bin";
  EXPECT_EQ(LocalInstance(parameters).installation().missing_program, instance.folder() / "bin/postgres");
  test::make_folder(instance.folder() / "bin");
  fs::create_symlink(test::server_programs() + "/postgres", instance.folder() / "bin/postgres");
  EXPECT_EQ(LocalInstance(parameters).installation().missing_program, instance.folder() / "bin/pg_ctl");
}

TEST(ControlData, AreTheValuesThatPgControldataPrints) {
  const ScratchInstance instance;
  const auto control = LocalInstance(instance.parameters()).control_data(in(10s));
  ASSERT_TRUE(control);
  EXPECT_EQ(control->state, DbState::ShutDown);
  EXPECT_EQ(to_string(control->checkpoint), instance.control("Latest checkpoint location"));
  EXPECT_EQ(control->timeline, 1U);
  EXPECT_EQ(control->minimum_recovery_timeline, 0U);
  EXPECT_EQ(control->wal_level, "replica");
}

TEST(ControlData, AreWhatTheServerItselfTells) {
  const ScratchPair pair;
  pair.catch_up();
  for (const auto* const instance : {&pair.primary, &pair.standby}) {
    instance->ask("CHECKPOINT");
    const auto control = LocalInstance(instance->parameters()).control_data(in(10s));
    ASSERT_TRUE(control);
    EXPECT_EQ(to_string(control->checkpoint), instance->ask("SELECT checkpoint_lsn FROM pg_control_checkpoint()"));
    EXPECT_EQ(std::to_string(control->timeline), instance->ask("SELECT timeline_id FROM pg_control_checkpoint()"));
    EXPECT_EQ(std::to_string(control->minimum_recovery_timeline),
              instance->ask("SELECT min_recovery_end_timeline FROM pg_control_recovery()"));
    EXPECT_EQ(instance->control("Minimum recovery ending location"),
              instance->ask("SELECT min_recovery_end_lsn FROM pg_control_recovery()"));
    EXPECT_EQ(control->wal_level, instance->ask("SHOW wal_level"));
  }
}

TEST(Probe, ConnectsToNobodyWhereTheSystemUserDoesNotExist) {
  ScratchInstance instance;
  instance.start();
  auto parameters = instance.parameters();
  parameters.system_user = "no-such-user";
  const auto facts = probe(parameters);
  EXPECT_EQ(facts.contact, Contact::NotListening);
  EXPECT_EQ(facts.contact_detail, "system_user \"no-such-user\" does not exist");
  EXPECT_TRUE(facts.processes.postmaster);
  EXPECT_FALSE(facts.control);
}

/// PostgreSQL's programs, but a pg_controldata that does something else first.
class TreacherousPrograms {
 public:
  TreacherousPrograms(const ScratchInstance& instance, const std::string& first) {
    const auto programs = test::server_programs();
    for (const auto* const name : {"postgres", "pg_ctl"}) {
      fs::create_symlink(programs + "/" + name, folder_ / name);
    }
    test::make_folder(folder_ / "once");
    test::write_file(folder_ / "pg_controldata",
                     "#!/bin/sh\n" + first + "\nexec " + programs + "/pg_controldata \"$@\"\n", 0755);
    parameters_ = instance.parameters();
    parameters_.bindir = folder_.path();
  }
  [[nodiscard]] const ocf::ResourceParameters& parameters() const { return parameters_; }

 private:
  test::ScratchFolder folder_;
  ocf::ResourceParameters parameters_;
};

TEST(ControlData, AreAskedForAgainWhereTheProgramWasKilled) {
  const ScratchInstance instance;
  const TreacherousPrograms programs(instance, "rmdir \"${0%/*}/once\" 2>/dev/null && kill -9 $$");
  EXPECT_TRUE(LocalInstance(programs.parameters()).control_data(in(10s)));
}

TEST(ControlData, AreAFailureOfTheMachineWhereTheProgramIsKilledEachTime) {
  const ScratchInstance instance;
  const TreacherousPrograms programs(instance, "kill -9 $$");
  try {
    const auto control = LocalInstance(programs.parameters()).control_data(in(10s));
    FAIL() << (control ? "data" : "no data") << " of a program that told nothing";
  } catch (const ocf::Failure& failure) {
    EXPECT_EQ(failure.answer().code, ocf::ReturnCode::ErrGeneric);
    EXPECT_EQ(failure.what(), programs.parameters().bindir + "/pg_controldata: ended by signal 9");
  }
}

TEST(ControlData, AreAskedForAgainWhereNoProcessCouldBeMade) {
  const ScratchInstance instance;
  const auto answer = test::told_by_child([&]() -> std::string {
    LocalInstance local(instance.parameters());
    static_cast<void>(local.installation());  // knows its user
    // A moment without descriptors for the pipes; meanwhile somebody gives some back.
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const auto former = limit.rlim_cur;
    limit.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &limit);
    std::thread relief([limit, former]() mutable {
      std::this_thread::sleep_for(50ms);
      limit.rlim_cur = former;
      setrlimit(RLIMIT_NOFILE, &limit);
    });
    std::string told = "failure";
    try {
      told = local.control_data(in(10s)) ? "control data" : "nothing";
    } catch (const ocf::Failure& failure) {
      told = failure.what();
    }
    relief.join();
    return told;
  });
  EXPECT_EQ(answer, "control data");
}

TEST(Installation, IsAFailureOfTheMachineWhereTheUserCannotBeLookedUp) {
  const ScratchInstance instance;
  const auto answer = test::told_by_child([&]() -> std::string {
    rlimit limit{3, 3};
    setrlimit(RLIMIT_NOFILE, &limit);
    try {
      return LocalInstance(instance.parameters()).installation().system_user ? "user" : "no such user";
    } catch (const ocf::Failure& failure) {
      return failure.what();
    }
  });
  EXPECT_EQ(answer, "user \"" + test::scratch_user().name + "\" not looked up: Too many open files");
}

TEST(ControlData, AreUnderstoodUnderAForeignLocale) {
  const ScratchInstance instance;
  setenv("LANG", "de_DE.UTF-8", 1);
  setenv("LC_ALL", "de_DE.UTF-8", 1);
  setenv("LANGUAGE", "de", 1);
  EXPECT_TRUE(LocalInstance(instance.parameters()).control_data(in(10s)));
}

}  // namespace
}  // namespace pgsqlms::system
