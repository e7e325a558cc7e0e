// SPDX-License-Identifier: PostgreSQL
// What a caller sees: meta-data, arguments, logs, and the environment that is read.
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "conformance_case.hpp"
#include "pgsqlms/system/user.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

const system::User& nobody() {
  static const auto user = system::find_user("nobody");
  if (!user) throw std::runtime_error("there is no user nobody");
  return *user;
}

std::string form_of_meta_data(Scene& scene) {
  const auto& text = scene.last.out;
  if (text.find("role=\"Promoted\"") != std::string::npos) return "meta-data of OCF 1.1";
  return text.find("role=\"Master\"") != std::string::npos ? "meta-data of OCF 1.0" : "no meta-data";
}

std::string listed_actions(Scene& scene) {
  const auto has = [&](const std::string& name) { return scene.last.out.find(name) != std::string::npos; };
  return has("promote") && has("notify") && has("validate-all") ? "the actions are listed" : "nothing is listed";
}

std::string printed(Scene& scene) {
  const auto has = [&](const std::string& text) { return scene.last.out.find(text) != std::string::npos; };
  if (has("--pgdata")) return "the parameters are explained";
  return has("pgsqlms ") ? "the version is printed" : "nothing is printed";
}

std::string log_tag(Scene& scene) {
  const auto log = contents_of(scene.environment().at("HA_LOGFILE"));
  return log.find("pgsqlms(pgsqld)[") != std::string::npos ? "the log names resource and process" : "no such line";
}

std::string calls_of_logger(Scene& scene) {
  return fs::exists(scene.local.folder() / "logger") ? "logger was run" : "logger was not run";
}

std::string cost(Scene& scene) {
  const auto environment = with(scene.environment(), {{"OCF_RESKEY_CRM_meta_interval", "15000"}});
  const auto programs = effort_of("monitor", environment, scene.agent).programs.size();
  constexpr std::size_t kMany = 10;
  if (programs == 0) return "no program is run";
  return programs > kMany ? "more than 10 programs are run" : "some programs are run";
}

void french(Scene& scene) {
  const auto folder = scene.local.folder() / "locales";
  make_folder(folder);
  make_locale("fr_FR", folder);
  for (const auto* const name : {"LC_ALL", "LANG", "LANGUAGE"}) scene.changes[name] = "fr_FR.UTF-8";
  scene.changes["LOCPATH"] = folder;
}

void fork_fails(Scene& scene) {
  scene.conditions.through = {"/usr/bin/strace",
                              "-qq",
                              "-o",
                              "/dev/null",
                              "-e",
                              "trace=clone,clone3,fork,vfork",
                              "-e",
                              "inject=clone,clone3,fork,vfork:error=EAGAIN"};
}

}  // namespace

Cases interface_cases() {
  return {
      {"R103_I1_MetaDataIsThatOfTheCallersOcf",
       "OCF 1.1",
       untouched,
       "meta-data",
       form_of_meta_data,
       {kSuccess, "meta-data of OCF 1.1", ""},
       {kSuccess, "meta-data of OCF 1.0", ""},
       "A caller that says OCF_RA_VERSION_MINOR=1 knows Promoted and Unpromoted.",
       "#185"},
      {"R103_I1_MetaDataIsThatOfAnOldCallerToo",
       "OCF 1.0",
       [](Scene& scene) { scene.changes["OCF_RA_VERSION_MINOR"] = "0"; },
       "meta-data",
       form_of_meta_data,
       {kSuccess, "meta-data of OCF 1.0", ""},
       {kSuccess, "meta-data of OCF 1.0", ""},
       "",
       ""},
      {"R103_I1_AnyUserMayReadTheMetaData",
       "as the user nobody",
       [](Scene& scene) { scene.conditions.user = &nobody(); },
       "meta-data",
       nullptr,
       {kSuccess, "", ""},
       {kSuccess, "", ""},
       "",
       ""},
      {"R103_I2_MethodsAreListed",
       "anywhere",
       untouched,
       "methods",
       listed_actions,
       {kSuccess, "the actions are listed", ""},
       {kSuccess, "the actions are listed", ""},
       "",
       ""},
      {"R116_I2_AnUnknownActionIsRefused",
       "everything is fine",
       untouched,
       "dance",
       nullptr,
       {kErrUnimplemented, "", "dance"},
       {kErrUnimplemented, "", ""},
       "",
       ""},
      {"R116_I2_NoActionIsRefused",
       "everything is fine",
       untouched,
       "(none)",
       nullptr,
       {kErrUnimplemented, "", ""},
       {kErrUnimplemented, "", ""},
       "",
       ""},
      {"R116_I2_AnUnknownActionIsRefusedBeforeAnythingIsChecked",
       "pgdata does not exist",
       [](Scene& scene) { scene.set("pgdata", "/nonexistent"); },
       "dance",
       nullptr,
       {kErrUnimplemented, "", "dance"},
       {kErrArgs, "", ""},
       "What the agent cannot do does not depend on the instance.",
       ""},
      {"R801_ReloadChangesNothing",
       "a primary",
       running_primary,
       "reload",
       server,
       {kSuccess, "a primary runs", ""},
       {kSuccess, "a primary runs", ""},
       "",
       ""},
      {"I2_ReloadAgentIsKnown",
       "a primary",
       running_primary,
       "reload-agent",
       server,
       {kSuccess, "a primary runs", ""},
       {kErrUnimplemented, "a primary runs", ""},
       "So OCF 1.1 calls a change of parameters.",
       ""},
      {"I3_HelpIsPrinted",
       "anywhere",
       untouched,
       "--help",
       printed,
       {kSuccess, "the parameters are explained", ""},
       {kErrUnimplemented, "nothing is printed", ""},
       "Who calls the agent by hand is told how.",
       ""},
      {"I3_ParametersAreTakenFromTheCommandLine",
       "pgdata of the environment does not exist, that of the command line is a primary",
       [](Scene& scene) {
         running_primary(scene);
         scene.set("pghost", scene.local.folder().path());
       },
       "--pgport=5432 probe",
       nullptr,
       {kRunningPromoted, "", ""},
       {kErrUnimplemented, "", ""},
       "Who calls the agent by hand need not know the environment.",
       ""},
      {"R903_I4_TheLogNamesResourceAndProcess",
       "HA_LOGFILE is set",
       [](Scene& scene) { running_primary(scene); },
       "promote",
       log_tag,
       {kSuccess, "the log names resource and process", ""},
       {kSuccess, "the log names resource and process", ""},
       "",
       ""},
      {"I4_ALineOfTheLogCostsNoProcess",
       "HA_LOGFACILITY is set",
       [](Scene& scene) {
         running_primary(scene);
         scene.changes["HA_LOGFACILITY"] = "daemon";
         scene.cluster.replace_tool("logger", "#!/bin/sh\ntouch " + (scene.local.folder() / "logger") + "\n");
       },
       "promote",
       calls_of_logger,
       {kSuccess, "logger was not run", ""},
       {kSuccess, "logger was run", ""},
       "A monitor must not depend on what a process costs.",
       ""},
      {"R903_AReasonHasTheCallersPrefix",
       "OCF_EXIT_REASON_PREFIX is set",
       [](Scene& scene) {
         scene.changes["OCF_EXIT_REASON_PREFIX"] = "because:";
         scene.set("system_user", "no-such-user");
       },
       "validate-all",
       nullptr,
       {kErrArgs, "", "because:"},
       {kErrArgs, "", "because:"},
       "",
       ""},
      {"I5_TheNodesNameIsThatOfTheEnvironment",
       "crm_node cannot tell the node's name",
       [](Scene& scene) { scene.cluster.replace_tool("crm_node", "#!/bin/sh\nexit 1\n"); },
       "validate-all",
       nullptr,
       {kSuccess, "", ""},
       {kSuccess, "", ""},
       "",
       ""},
      {"R901_AParameterThatIsEmptyOrZeroHasItsDefault",
       "a primary, pgport is 0, datadir and maxlag are empty",
       [](Scene& scene) {
         running_primary(scene);
         scene.set("pgport", "0");
         scene.set("datadir", "");
         scene.set("maxlag", "");
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kRunningPromoted, "", ""},
       "",
       ""},
      {"R904_F14_AForeignLocaleChangesNoAnswer",
       "a primary that was killed, the agent's locale is fr_FR.UTF-8",
       [](Scene& scene) {
         killed_primary(scene);
         french(scene);
       },
       "monitor",
       nullptr,
       {kFailedPromoted, "", ""},
       {kFailedPromoted, "", ""},
       "",
       ""},
      {"R1101_M7_AMonitorOfAStandbyRunsNoProgram",
       "a standby",
       running_standby,
       "monitor",
       cost,
       {kSuccess, "no program is run", ""},
       {kSuccess, "more than 10 programs are run", ""},
       "One session answers it.",
       ""},
      {"F05_AForkThatFailsMakesNoStandbyOfAPrimary",
       "a primary, fork fails",
       [](Scene& scene) {
         running_primary(scene);
         fork_fails(scene);
       },
       "monitor",
       nullptr,
       {kRunningPromoted, "", ""},
       {kDoesNotReturn, "", ""},
       "A standby's or a primary's probe needs no process.",
       ""},
      {"F05_AForkThatFailsIsAnErrorOfTheStart",
       "a stopped instance, fork fails",
       fork_fails,
       "start",
       server,
       {kErrGeneric, "no server runs", "not run, fork"},
       {kDoesNotReturn, "no server runs", ""},
       "A reason in time; a later start can succeed.",
       ""},
  };
}

}  // namespace pgsqlms::test
