// SPDX-License-Identifier: PostgreSQL
// Probes and recurring monitors: which state is which answer.
#include <csignal>
#include <filesystem>
#include <thread>

#include "conformance_case.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

/// Short, so that a wait for a better state is a short one.
void give_little_time(Scene& scene) { scene.set_meta("timeout", "4000"); }

void end_recovery_soon(Scene& scene) {
  struct Ending {
    explicit Ending(ScratchInstance& recovered)
        : blocked(std::make_unique<BlockedRecovery>(recovered)), instance(recovered) {}
    ~Ending() {
      if (ender.joinable()) ender.join();
    }
    std::unique_ptr<BlockedRecovery> blocked;
    ScratchInstance& instance;
    std::thread ender;
  };
  scene.local.configure("log_min_messages = debug1");
  auto& ending = scene.hold<Ending>(scene.local);
  scene.local.launch();
  if (!scene.local.has_logged("redo starts")) throw std::runtime_error("the crash recovery does not begin");
  ending.ender = std::thread([&ending] {
    // Refused once: an agent has seen the server in recovery.
    static_cast<void>(ending.instance.has_logged("FATAL:  the database system is"));
    ending.blocked.reset();
  });
}

/// What was promised to make of pg_isready's answer, where a real server does not give it at will.
void ready_program(Scene& scene, const std::string& script) {
  scene.replace_program("pg_isready", "#!/bin/sh\n" + script + "\n");
}

void isready_says_no_once(Scene& scene) {
  running_primary(scene);
  const auto mark = scene.local.folder() / "asked";
  ready_program(scene,
                "[ -e " + mark + " ] && exec " + server_programs() + "/pg_isready \"$@\"\ntouch " + mark + "\nexit 1");
}

void stopping_when_looked_at(Scene& scene) {
  const auto mark = scene.local.folder() / "asked";
  ready_program(scene, "[ -e " + mark + " ] && exit 2\ntouch " + mark + "\nexit 1");
}

void warm_standby(Scene& scene) {
  scene.local.configure("hot_standby = off");
  auto& primary = scene.add_instance();
  scene.local.follow(primary, "srv1");
  primary.start();
  scene.local.launch();
  if (!eventually(
          [&] { return primary.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1"; })) {
    throw std::runtime_error("the warm standby does not stream");
  }
  give_little_time(scene);
}

/// Another instance, in crash recovery, serves this one's address.
void stranger_in_recovery_at_the_address(Scene& scene) {
  auto& other = scene.add_instance();
  scene.hold<BlockedRecovery>(other);
  other.launch();
  if (!other.has_logged("redo starts")) throw std::runtime_error("the crash recovery does not begin");
  scene.set("pghost", other.folder().path());
}

void stranger_at_the_address(Scene& scene) {
  auto& other = scene.add_instance();
  other.start();
  scene.set("pghost", other.folder().path());
}

void listening_elsewhere(Scene& scene) {
  running_primary(scene);
  scene.set("pghost", "/nonexistent");
  give_little_time(scene);
}

void killed_during_a_backup(Scene& scene) {
  killed_primary(scene);
  write_file(scene.local.data() + "/backup_label", "START WAL LOCATION: 0/2000028\n");
}

/// As a role's own settings do: no time for a statement, and a function of the same name before the system's.
void hostile_settings(Scene& scene) {
  running_primary(scene);
  scene.local.ask("CREATE SCHEMA mine");
  scene.local.ask("CREATE FUNCTION mine.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS 'SELECT true'");
  scene.local.ask("ALTER ROLE postgres SET search_path = mine, pg_catalog");
}

void foreign_process_in_pid_file(Scene& scene) {
  killed_primary(scene);
  Start start;
  start.arguments = {"/bin/sleep", "600"};
  start.user = &scratch_user();
  const auto stranger = scene.hold<Child>(start).pid();
  auto text = contents_of(scene.local.data() + "/postmaster.pid");
  text.replace(0, text.find('\n'), std::to_string(stranger));
  write_file(scene.local.data() + "/postmaster.pid", text, 0600);
}

void unmounted(Scene& scene) {
  fs::rename(scene.local.data(), scene.local.data() + ".unmounted");
  make_folder(scene.local.data(), 0700);
}

}  // namespace

Cases monitor_cases() {
  return {
      {"R201_AStandbyThatAcceptsSessionsIsAStandby",
       "a standby",
       running_standby,
       "monitor",
       nullptr,
       {kSuccess, "", ""},
       {kSuccess, "", ""},
       "",
       ""},
      {"R202_APrimaryThatAcceptsSessionsIsAPrimary",
       "a primary",
       running_primary,
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kRunningPromoted, "", ""},
       "",
       ""},
      {"R202_F19_APrimaryThatWasStartedByHandIsFoundByAProbe",
       "a primary that was started by hand",
       running_primary,
       "probe",
       nullptr,
       {kRunningPromoted, "", ""},
       {kRunningPromoted, "", ""},
       "",
       ""},
      {"M5_R203_F07_ASaturatedServerIsAlive",
       "a primary all of whose connections are taken",
       saturated_primary,
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrGeneric, "", ""},
       "A busy server is not a dead one.",
       ""},
      {"M5_F14_ASaturatedServerThatSpeaksRussianIsAlive",
       "a primary that speaks Russian, all of whose connections are taken",
       [](Scene& scene) {
         const ForeignLanguage russian(scene.local, "ru_RU");
         saturated_primary(scene);
         scene.changes["LOCPATH"] = scene.local.folder().path();
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrGeneric, "", ""},
       "A refusal is known by its SQLSTATE; PostgreSQL translates the word before it too.",
       ""},
      {"R204_V5_F04_AKilledPsqlDoesNotStopTheResourceEverywhere",
       "a primary, psql is killed by a signal",
       [](Scene& scene) {
         running_primary(scene);
         scene.replace_program("psql", "#!/bin/sh\nkill -9 $$\n");
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {6, "", ""},
       "The agent has its own session. Nothing is answered with 6, which stops the resource on all nodes.",
       ""},
      {"R205_M7_AMonitorNeedsNoTemporaryFile",
       "a primary, HA_RSCTMP does not exist",
       [](Scene& scene) {
         running_primary(scene);
         scene.changes["HA_RSCTMP"] = "/nonexistent";
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrArgs, "", ""},
       "A full /run must not take a healthy primary away.",
       ""},
      {"R206_AServerThatRejectsAtFirstIsAskedAgain",
       "a primary, pg_isready says once that it rejects sessions",
       isready_says_no_once,
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kRunningPromoted, "", ""},
       "",
       ""},
      {"R207_AWarmStandbyIsAnError",
       "a standby with hot_standby=off",
       warm_standby,
       "monitor",
       nullptr,
       {kErrGeneric, "", "accepts no connections yet"},
       {kErrGeneric, "", "not consistent"},
       "",
       ""},
      {"R208_AServerThatWentDownMeanwhileIsNotRunning",
       "a stopped instance, pg_isready says once that it rejects",
       stopping_when_looked_at,
       "monitor",
       nullptr,
       {kNotRunning, "", ""},
       {kNotRunning, "", ""},
       "",
       ""},
      {"R209_AStrangerInRecoveryAtTheAddressIsNotThisInstance",
       "a stopped instance, another one in crash recovery listens at its address",
       stranger_in_recovery_at_the_address,
       "monitor",
       nullptr,
       {kNotRunning, "", ""},
       {kErrGeneric, "", ""},
       "What another instance says tells nothing of this one.",
       ""},
      {"M8_F19_AStrangerAtTheAddressIsNotThisInstance",
       "a stopped instance, another primary listens at its address",
       stranger_at_the_address,
       "monitor",
       nullptr,
       {kNotRunning, "", ""},
       {kRunningPromoted, "", ""},
       "A session tells which data directory it belongs to.",
       ""},
      {"R210_A6_ACrashRecoveryIsNotWaitedForWithoutEnd",
       "a server in crash recovery, timeout 4 s",
       [](Scene& scene) {
         recovering(scene);
         give_little_time(scene);
       },
       "monitor",
       nullptr,
       {kErrGeneric, "", "accepts no connections yet"},
       {kDoesNotReturn, "", ""},
       "Every wait ends before Pacemaker's timeout.",
       ""},
      {"R210_M4_ACrashRecoveryIsWaitedForWithinTheTimeout",
       "a server in crash recovery that soon ends",
       end_recovery_soon,
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kRunningPromoted, "", ""},
       "",
       ""},
      {"R211_AServerThatListensElsewhereIsAnError",
       "a primary that does not listen in pghost",
       listening_elsewhere,
       "monitor",
       nullptr,
       {kErrGeneric, "", "cannot be reached"},
       {kErrGeneric, "", "not listening"},
       "",
       ""},
      {"A6_F15_AFrozenServerIsAnErrorInTime",
       "a frozen postmaster, timeout 1500 ms",
       [](Scene& scene) {
         frozen_primary(scene);
         scene.set_meta("timeout", "1500");
       },
       "monitor",
       nullptr,
       {kErrGeneric, "", "does not answer"},
       {kDoesNotReturn, "", ""},
       "PAF takes a timeout that is not whole seconds for 24 hours.",
       "#107, #113"},
      {"R212_M8_ABackupLabelDoesNotHideACrash",
       "a primary that was killed during a backup",
       killed_during_a_backup,
       "monitor",
       nullptr,
       {kFailedPromoted, "", ""},
       {kNotRunning, "", ""},
       "A crashed primary must be recovered as one.",
       ""},
      {"R213_AStoppedPrimaryIsNotRunning",
       "a primary that was shut down",
       untouched,
       "monitor",
       nullptr,
       {kNotRunning, "", ""},
       {kNotRunning, "", ""},
       "",
       ""},
      {"R213_AStoppedStandbyIsNotRunning",
       "a standby that was shut down",
       stopped_standby,
       "probe",
       nullptr,
       {kNotRunning, "", ""},
       {kNotRunning, "", ""},
       "",
       ""},
      {"R214_AKilledPrimaryIsAFailedOne",
       "a primary that was killed",
       killed_primary,
       "monitor",
       nullptr,
       {kFailedPromoted, "", "has crashed"},
       {kFailedPromoted, "", "crashed"},
       "",
       ""},
      {"R214_M2_AProbeOfAKilledPrimarySaysNotRunning",
       "a primary that was killed",
       killed_primary,
       "probe",
       nullptr,
       {kNotRunning, "", ""},
       {kFailedPromoted, "", ""},
       "Nothing runs, and `start` recovers it. With 9 a node that lost its power is demoted, stopped, fenced.",
       "#162, #173, #181"},
      {"R215_AKilledStandbyIsAnError",
       "a standby that was killed",
       killed_standby,
       "monitor",
       nullptr,
       {kErrGeneric, "", "has crashed"},
       {kErrGeneric, "", "crashed"},
       "",
       ""},
      {"R215_M2_AProbeOfAKilledStandbySaysNotRunning",
       "a standby that was killed",
       killed_standby,
       "probe",
       nullptr,
       {kNotRunning, "", ""},
       {kErrGeneric, "", ""},
       "Nothing runs, and `start` recovers it.",
       "#162"},
      {"R216_M3_APrimaryKilledInRecoveryIsAFailedOne",
       "a primary that was killed during crash recovery",
       killed_in_recovery,
       "monitor",
       nullptr,
       {kFailedPromoted, "", "has crashed"},
       {kDoesNotReturn, "", ""},
       "Without a process no state of pg_control will change.",
       "#205"},
      {"R216_M2_M3_AProbeOfAPrimaryKilledInRecoverySaysNotRunning",
       "a primary that was killed during crash recovery",
       killed_in_recovery,
       "probe",
       nullptr,
       {kNotRunning, "", ""},
       {kDoesNotReturn, "", ""},
       "Without a process no state of pg_control will change.",
       "#205"},
      {"R217_V5_APortThatCannotBeTriedDoesNotStopTheResourceEverywhere",
       "a stopped instance, pgport is `5432,5433`",
       [](Scene& scene) { scene.set("pgport", "5432,5433"); },
       "monitor",
       nullptr,
       {kNotRunning, "", ""},
       {6, "", ""},
       "Nothing is answered with 6, which stops the resource on all nodes.",
       "#49"},
      {"R218_AnOddPgIsreadyDoesNotMatter",
       "a primary, pg_isready answers 9",
       [](Scene& scene) {
         running_primary(scene);
         ready_program(scene, "exit 9");
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrGeneric, "", ""},
       "The agent has its own session.",
       ""},
      {"R219_AnUnreadableControlFileOfAStoppedInstanceIsAnError",
       "a stopped instance, pg_control is damaged",
       [](Scene& scene) { fs::resize_file(scene.local.data() + "/global/pg_control", 100); },
       "monitor",
       nullptr,
       {kErrGeneric, "", "pg_control"},
       {kErrArgs, "", ""},
       "A code that bans the node is for the configuration.",
       ""},
      {"R219_M7_APrimaryIsNotJudgedByPgControl",
       "a primary, pg_controldata fails",
       [](Scene& scene) {
         running_primary(scene);
         scene.replace_program("pg_controldata", "#!/bin/sh\nexit 1\n");
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrArgs, "", ""},
       "A server that answers for itself needs no witness.",
       ""},
      {"M1_R104_AProbeWhereThereIsNoDataDirectorySaysNotRunning",
       "pgdata does not exist",
       [](Scene& scene) { scene.set("pgdata", "/nonexistent"); },
       "probe",
       nullptr,
       {kNotRunning, "", ""},
       {kErrArgs, "", ""},
       "A node without the instance does not run it.",
       "#109, #138, #155, #235"},
      {"M1_R113_AProbeWhereThereIsNoPostgreSQLSaysNotInstalled",
       "bindir has no PostgreSQL",
       [](Scene& scene) { scene.set("bindir", "/nonexistent"); },
       "probe",
       nullptr,
       {kErrInstalled, "", "bindir"},
       {kErrArgs, "", ""},
       "Pacemaker takes this answer to a probe for not running; any other is a failure.",
       "#235"},
      {"M1_F18_AProbeOfAMountPointWithoutTheDataSaysNotRunning",
       "the data directory is not mounted",
       unmounted,
       "probe",
       nullptr,
       {kNotRunning, "", ""},
       {kErrArgs, "", ""},
       "Nothing runs here.",
       "#113"},
      {"M7_TheSettingsOfTheRoleDoNotDecide",
       "the role's search_path has another pg_is_in_recovery()",
       hostile_settings,
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kSuccess, "", ""},
       "The agent's session has settings of its own.",
       ""},
      {"F20_AStrangersProcessInPostmasterPidIsNotTheServer",
       "a primary that was killed, postmaster.pid names another process",
       foreign_process_in_pid_file,
       "monitor",
       nullptr,
       {kFailedPromoted, "", "has crashed"},
       {kErrGeneric, "", ""},
       "A server is known by its working directory and program.",
       ""},
  };
}

}  // namespace pgsqlms::test
