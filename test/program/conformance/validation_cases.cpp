// SPDX-License-Identifier: PostgreSQL
// What is judged before an action, and before which one.
#include <filesystem>

#include "conformance_case.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

void for_postgresql_11(Scene& scene, const std::string& recovery_template) {
  write_file(scene.local.data() + "/PG_VERSION", "11\n");
  if (!recovery_template.empty()) write_file(scene.local.data() + "/recovery.conf.pcmk", recovery_template);
}

void broken_configuration(Scene& scene) {
  scene.local.start();
  scene.local.configure("work_mem = lots");
}

/// The whole password must not be seen, nor a part of it that tells.
std::string password_in_log(Scene& scene) {
  return contents_of(scene.environment().at("HA_LOGFILE")).find("s3cr3t") == std::string::npos
             ? "no password in the log"
             : "the password is in the log";
}

/// A server program that tells as whom it was run, and by how many calls.
void watched_server_program(Scene& scene) {
  make_folder(scene.local.folder() / "calls", 0777);
  scene.replace_program("postgres", "#!/bin/sh\ntouch \"" + (scene.local.folder() / "calls") + "/$(id -un)\"\nexec " +
                                        server_programs() + "/postgres \"$@\"\n");
}

std::string callers(Scene& scene) {
  std::string text;
  for (const auto& entry : fs::directory_iterator(scene.local.folder() / "calls")) {
    text += (text.empty() ? "postgres -C was run by " : ", ") + entry.path().filename().string();
    fs::remove(entry.path());
  }
  return text;
}

void options_with_a_command(Scene& scene) {
  scene.set("start_opts", "-c work_mem=7MB ; touch " + (scene.local.folder() / "trap"));
}

std::string trap(Scene& scene) {
  return fs::exists(scene.local.folder() / "trap") ? "the command was run by root" : "the command was not run";
}

}  // namespace

Cases validation_cases() {
  return {
      {"R101_I1_MetaDataNeedsNoFolderOfTheFramework",
       "OCF_ROOT is no directory",
       [](Scene& scene) { scene.changes["OCF_ROOT"] = "/nonexistent"; },
       "meta-data",
       nullptr,
       {kSuccess, "", ""},
       {kErrGeneric, "", ""},
       "Meta-data depends on nothing but the program.",
       ""},
      {"R102_AResourceWithoutANameIsRefused",
       "OCF_RESOURCE_INSTANCE is empty",
       [](Scene& scene) { scene.changes["OCF_RESOURCE_INSTANCE"] = ""; },
       "validate-all",
       nullptr,
       {kErrArgs, "", "OCF_RESOURCE_INSTANCE"},
       {kErrArgs, "", ""},
       "",
       ""},
      {"R104_AMissingDataDirectoryIsRefused",
       "pgdata does not exist",
       [](Scene& scene) { scene.set("pgdata", "/nonexistent"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "pgdata \"/nonexistent\""},
       {kErrArgs, "", "PGDATA \"/nonexistent\""},
       "",
       ""},
      {"R104_AMissingDatadirIsRefused",
       "datadir does not exist",
       [](Scene& scene) { scene.set("datadir", "/nonexistent"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "datadir \"/nonexistent\""},
       {kErrArgs, "", "data_directory \"/nonexistent\""},
       "",
       ""},
      {"R104_AFolderWithoutPgVersionIsRefused",
       "PG_VERSION is missing",
       [](Scene& scene) { fs::remove(scene.local.data() + "/PG_VERSION"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "PG_VERSION"},
       {kErrArgs, "", "PG_VERSION"},
       "",
       ""},
      {"R105_AnOldPacemakerIsRefused",
       "crm_feature_set is 3.0.8",
       [](Scene& scene) { scene.set("crm_feature_set", "3.0.8"); },
       "validate-all",
       nullptr,
       {kErrInstalled, "", "\"3.0.8\""},
       {kErrInstalled, "", "1.1.13"},
       "",
       ""},
      {"R105_AFeatureSetThatIsNoVersionIsRefused",
       "crm_feature_set is no version",
       [](Scene& scene) { scene.set("crm_feature_set", "rubbish"); },
       "validate-all",
       nullptr,
       {kErrInstalled, "", "\"rubbish\""},
       {kErrInstalled, "", "1.1.13"},
       "",
       ""},
      {"R106_ACloneWithoutNotificationsIsRefused",
       "the clone lacks notify=true",
       [](Scene& scene) {
         scene.set_meta("notify", "false");
         scene.cluster.set_notify("false");
       },
       "validate-all",
       nullptr,
       {kErrInstalled, "", "notify=true"},
       {kErrInstalled, "", "notify=true"},
       "",
       ""},
      {"R107_ACloneWithTwoPrimariesIsRefused",
       "promoted-max is 2",
       [](Scene& scene) {
         scene.set_meta("promoted_max", "2");
         scene.set_meta("master_max", "2");
       },
       "validate-all",
       nullptr,
       {kErrInstalled, "", "promoted-max"},
       {kErrInstalled, "", "master-max=1"},
       "",
       ""},
      {"V2_ACreationWithoutACloneIsNoError",
       "the options of a clone are not there (`pcs resource create`)",
       [](Scene& scene) {
         for (const auto* const name : {"clone", "clone_max", "notify", "promoted_max", "master_max"}) {
           scene.set_meta(name, "");
         }
         scene.cluster.set_notify("false");
       },
       "validate-all",
       nullptr,
       {kSuccess, "", ""},
       {kErrInstalled, "", "notify=true"},
       "A resource is validated before it becomes a clone.",
       "#171, #216, #217"},
      {"R108_ATemplateIsRefusedFromPostgreSQL12On",
       "recovery.conf.pcmk exists",
       [](Scene& scene) { write_file(scene.local.data() + "/recovery.conf.pcmk", ""); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "recovery template"},
       {kErrArgs, "", "template"},
       "",
       ""},
      {"R108_AnotherTargetTimelineIsRefused",
       "recovery_target_timeline is current",
       [](Scene& scene) { scene.local.configure("recovery_target_timeline = 'current'"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "recovery_target_timeline"},
       {kErrArgs, "", "recovery_target_timeline"},
       "",
       ""},
      {"R108_AnotherApplicationNameIsRefused",
       "application_name is that of another node",
       [](Scene& scene) { scene.local.configure("primary_conninfo = 'application_name=srv2'"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "srv2"},
       {kErrArgs, "", "application_name=srv1"},
       "",
       ""},
      {"V3_AQuotedApplicationNameIsUnderstood",
       "`application_name='srv1'` is quoted, as libpq allows",
       [](Scene& scene) { scene.local.configure("primary_conninfo = 'application_name=''srv1'''"); },
       "validate-all",
       nullptr,
       {kSuccess, "", ""},
       {kErrArgs, "", ""},
       "libpq reads the setting, so libpq says what is in it.",
       "#182"},
      {"V3_AUriIsUnderstood",
       "primary_conninfo is a URI",
       [](Scene& scene) {
         scene.local.configure("primary_conninfo = 'postgresql://postgres@vip/?application_name=srv1'");
       },
       "validate-all",
       nullptr,
       {kSuccess, "", ""},
       {kSuccess, "", ""},
       "",
       ""},
      {"V3_F12_ANameThatOnlyBeginsLikeTheNodesIsRefused",
       "application_name is srv1-old on node srv1",
       [](Scene& scene) { scene.local.configure("primary_conninfo = 'application_name=srv1-old'"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "srv1-old"},
       {kSuccess, "", ""},
       "The primary would look for a walsender named srv1 and find none.",
       "#156"},
      {"V3_TheLastOfTwoApplicationNamesCounts",
       "two application_name, the last one of another node",
       [](Scene& scene) { scene.local.configure("primary_conninfo = 'application_name=srv1 application_name=srv2'"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "srv2"},
       {kSuccess, "", ""},
       "libpq uses the last one.",
       ""},
      {"V3_F13_ANodeNameThatPostgreSQLCutsIsNamedAsSuch",
       "the node's name has 64 bytes",
       [](Scene& scene) {
         const std::string name(64, 'n');
         scene.cluster.set_nodes({name, "srv2", "srv3"});
         scene.set_meta("on_node", name);
         scene.local.configure("primary_conninfo = 'application_name=" + name + "'");
       },
       "validate-all",
       nullptr,
       {kErrArgs, "", "63 bytes"},
       {kSuccess, "", ""},
       "PostgreSQL cuts application_name after 63 bytes, so that the node would never count as connected.",
       ""},
      {"V3_F16_APasswordIsNeverShown",
       "primary_conninfo with a password, and without application_name",
       [](Scene& scene) { scene.local.configure("primary_conninfo = 'host=vip user=postgres password=s3cr3t'"); },
       "validate-all",
       password_in_log,
       {kErrArgs, "no password in the log", "application_name"},
       {kErrArgs, "the password is in the log", "password=s3cr3t"},
       "An exit reason is shown by crm_mon and kept in the CIB.",
       "#156"},
      {"R109_AMissingTemplateIsRefusedUpToPostgreSQL11",
       "PostgreSQL 11 without recovery.conf.pcmk",
       [](Scene& scene) { for_postgresql_11(scene, ""); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "recovery.conf.pcmk\" does not exist"},
       {kErrArgs, "", "recovery.conf.pcmk\" does not exist"},
       "",
       ""},
      {"R109_ATemplateWithoutStandbyModeIsRefused",
       "PostgreSQL 11, the template lacks standby_mode",
       [](Scene& scene) {
         for_postgresql_11(scene, "recovery_target_timeline = latest\nprimary_conninfo = 'application_name=srv1'\n");
       },
       "validate-all",
       nullptr,
       {kErrArgs, "", "standby_mode"},
       {kErrArgs, "", "standby_mode"},
       "",
       ""},
      {"R109_ATemplateWithoutTargetTimelineIsRefused",
       "PostgreSQL 11, the template lacks recovery_target_timeline",
       [](Scene& scene) {
         for_postgresql_11(scene, "standby_mode = on\nprimary_conninfo = 'application_name=srv1'\n");
       },
       "validate-all",
       nullptr,
       {kErrArgs, "", "recovery_target_timeline"},
       {kErrArgs, "", "recovery_target_timeline"},
       "",
       ""},
      {"R109_A8_ATemplateMayNameTheNodeByAPlaceholder",
       "PostgreSQL 11, `application_name={{node}}` in the template",
       [](Scene& scene) {
         for_postgresql_11(scene,
                           "standby_mode = on\nrecovery_target_timeline = 'latest'\n"
                           "primary_conninfo = 'host=vip application_name={{node}}'\n");
       },
       "validate-all",
       nullptr,
       {kSuccess, "", ""},
       {kErrArgs, "", "application_name=srv1"},
       "One file serves all nodes.",
       ""},
      {"R110_V4_AMaxlagThatIsNoNumberIsRefused",
       "maxlag is `many`",
       [](Scene& scene) { scene.set("maxlag", "many"); },
       "validate-all",
       nullptr,
       {kErrInstalled, "", "maxlag=\"many\""},
       {kErrInstalled, "", "\"many\""},
       "",
       ""},
      {"R110_V4_AnInfiniteMaxlagIsRefused",
       "maxlag is `inf`",
       [](Scene& scene) { scene.set("maxlag", "inf"); },
       "validate-all",
       nullptr,
       {kErrInstalled, "", "maxlag=\"inf\""},
       {kSuccess, "", ""},
       "What Perl takes for a number, PostgreSQL does not: the monitor of a primary would fail.",
       ""},
      {"R110_V4_M6_AMaxlagThatIsNoNumberOfPostgreSQLFailsNoPrimary",
       "a primary, maxlag is `inf`",
       [](Scene& scene) {
         running_primary(scene);
         scene.set("maxlag", "inf");
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrGeneric, "", ""},
       "The answer is settled before a score is thought of.",
       ""},
      {"V4_APortThatIsNoNumberIsNamed",
       "pgport is `0x`",
       [](Scene& scene) { scene.set("pgport", "0x"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "pgport=\"0x\""},
       {kSuccess, "", ""},
       "A wrong value is found before it is used.",
       ""},
      {"R111_AnUnknownUserIsRefused",
       "system_user does not exist",
       [](Scene& scene) { scene.set("system_user", "no-such-user"); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "no-such-user"},
       {kErrArgs, "", "no-such-user"},
       "",
       ""},
      {"R112_AnOldPostgreSQLIsRefused",
       "PostgreSQL 9.2",
       [](Scene& scene) {
         write_file(scene.local.data() + "/PG_VERSION", "9.2\n");
         write_file(scene.local.data() + "/recovery.conf.pcmk",
                    "standby_mode = on\nrecovery_target_timeline = latest\n"
                    "primary_conninfo = 'application_name=srv1 '\n");
       },
       "validate-all",
       nullptr,
       {kErrInstalled, "", "9.3"},
       {kErrInstalled, "", "9.3"},
       "",
       ""},
      {"R113_MissingProgramsAreNotInstalled",
       "bindir has no PostgreSQL",
       [](Scene& scene) { scene.set("bindir", "/nonexistent"); },
       "validate-all",
       nullptr,
       {kErrInstalled, "", "/nonexistent/postgres"},
       {kErrArgs, "", ""},
       "Of the codes that ban a node this one says why.",
       ""},
      {"R114_AnUnreadableControlFileIsRefused",
       "pg_control is damaged",
       [](Scene& scene) { fs::resize_file(scene.local.data() + "/global/pg_control", 100); },
       "validate-all",
       nullptr,
       {kErrArgs, "", "pg_controldata"},
       {kErrArgs, "", ""},
       "",
       ""},
      {"R114_WalWithoutReplicationIsRefused",
       "pg_control says that wal_level is minimal",
       [](Scene& scene) {
         scene.local.configure("wal_level = minimal\nmax_wal_senders = 0");
         scene.local.start();
         scene.local.stop();
       },
       "validate-all",
       nullptr,
       {kErrArgs, "", "wal_level"},
       {kErrArgs, "", "wal_level"},
       "",
       ""},
      {"R115_AWellConfiguredInstanceIsAccepted",
       "everything is fine",
       untouched,
       "validate-all",
       nullptr,
       {kSuccess, "", ""},
       {kSuccess, "", ""},
       "",
       ""},
      {"V6_TheServerProgramIsNotRunByRoot",
       "a stopped instance",
       watched_server_program,
       "validate-all",
       callers,
       {kSuccess, "postgres -C was run by postgres", ""},
       {kSuccess, "postgres -C was run by root", ""},
       "A configuration is read with the rights of its owner.",
       ""},
      {"V6_NoShellReadsTheStartOptions",
       "start_opts has a semicolon and a command in it",
       options_with_a_command,
       "validate-all",
       trap,
       {kErrArgs, "the command was not run", ""},
       {kSuccess, "the command was run by root", ""},
       "Options are split into words, and a shell never sees them.",
       ""},
      {"V1_R404_F17_AMonitorDoesNotReadTheConfiguration",
       "a primary whose postgresql.conf was broken while it ran",
       broken_configuration,
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrArgs, "", ""},
       "A typo must not fail a healthy primary.",
       "#161, #183, #211, #235"},
      {"V1_R404_F17_AStopDoesNotReadTheConfiguration",
       "a primary whose postgresql.conf was broken while it ran",
       broken_configuration,
       "stop",
       server,
       {kSuccess, "no server runs", ""},
       {kErrArgs, "a primary runs", ""},
       "A stop that fails is a fencing.",
       "#161, #183, #211, #235"},
      {"V1_AMonitorDoesNotJudgeTheClone",
       "a primary, the clone lacks notify=true",
       [](Scene& scene) {
         running_primary(scene);
         scene.set_meta("notify", "false");
         scene.cluster.set_notify("false");
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrInstalled, "", ""},
       "An option that was changed by mistake must not take a healthy primary away.",
       "#62, #67"},
      {"V1_AReloadDoesNotReadTheConfiguration",
       "a primary whose postgresql.conf was broken while it ran",
       broken_configuration,
       "reload",
       server,
       {kSuccess, "a primary runs", ""},
       {kErrArgs, "a primary runs", ""},
       "There is nothing that a reload would have to judge.",
       ""},
      {"V1_StartJudgesTheConfiguration",
       "postgresql.conf is broken",
       [](Scene& scene) { scene.local.configure("work_mem = lots"); },
       "start",
       server,
       {kErrArgs, "no server runs", "postgres -C"},
       {kErrArgs, "no server runs", ""},
       "",
       ""},
  };
}

}  // namespace pgsqlms::test
