// SPDX-License-Identifier: PostgreSQL
// Configurations that make the server work in another directory than the one that the agent looks at.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

/// An instance for node srv1 whose configuration is beside its data, as on Debian; and the folder that the parameters
/// take for the data directory: a copy.
class Misplaced : public testing::Test {
 protected:
  Misplaced() {
    instance_.configure_recovery("primary_conninfo = 'application_name=srv1'");
    fs::copy(instance_.data(), copy_, fs::copy_options::recursive);
    if (is_root()) own(copy_);
  }

  static void own(const std::string& folder) {
    fs::permissions(folder, fs::perms::owner_all);
    EXPECT_EQ(chown(folder.c_str(), scratch_user().uid, scratch_user().gid), 0);
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      EXPECT_EQ(chown(entry.path().c_str(), scratch_user().uid, scratch_user().gid), 0);
    }
  }

  [[nodiscard]] AgentRun act(const std::string& action, const Variables& more = {}) const {
    return run_agent({action}, with(with(environment_for(instance_), {{"OCF_RESKEY_pgdata", copy_}}), more));
  }

  /// Starts the server as somebody would by hand, and waits until it accepts sessions.
  [[nodiscard]] std::unique_ptr<Child> launch(const std::vector<std::string>& options) const {
    Start start;
    start.arguments = {server_programs() + "/postgres"};
    start.arguments.insert(start.arguments.end(), options.begin(), options.end());
    start.user = is_root() ? &scratch_user() : nullptr;
    start.output = instance_.log_file();
    auto server = std::make_unique<Child>(start);
    EXPECT_TRUE(eventually([&] { return Session(instance_.conninfo()).is_open(); })) << instance_.log();
    return server;
  }

  ScratchInstance instance_;
  const std::string copy_ = instance_.folder() / "copy";
};

TEST_F(Misplaced, StartIsRefusedAndWritesNothing) {
  append_to_file(copy_ + "/postgresql.conf", "data_directory = '" + instance_.data() + "'\n");
  for (const auto* const action : {"start"}) {
    const auto run = act(action);
    EXPECT_EQ(run.code, kErrArgs) << action;
    EXPECT_EQ(run.reason(), "the server would work in \"" + instance_.data() +
                                "\" (data_directory), not in datadir \"" + copy_ + "\"");
  }
  EXPECT_FALSE(fs::exists(copy_ + "/" + fs::path(instance_.recovery_file()).filename().string()));
  EXPECT_EQ(instance_.postmaster(), 0);
}

TEST_F(Misplaced, StartIsRefusedForOptionsThatNameAnotherDirectory) {
  write_file(instance_.folder() / "elsewhere.conf",
             contents_of(instance_.data() + "/postgresql.conf") + "data_directory = '" + instance_.data() + "'\n");
  for (const auto& options : {"-D " + instance_.data(), "--data-directory=" + instance_.data(),
                              "-c config_file=" + instance_.folder().path() + "/elsewhere.conf"}) {
    const auto run = act("start", {{"OCF_RESKEY_start_opts", options}});
    EXPECT_EQ(run.code, kErrArgs) << options;
    EXPECT_EQ(run.reason().find("the server would work in \"" + instance_.data()), 0U) << run.err;
  }
}

TEST_F(Misplaced, StartSucceedsWhereTheOtherNameIsTheSameDirectory) {
  fs::create_directory_symlink(copy_, instance_.folder() / "link");
  append_to_file(copy_ + "/postgresql.conf", "data_directory = '" + (instance_.folder() / "link") + "'\n");
  const auto run = act("start");
  EXPECT_EQ(run.code, kSuccess) << run.err;
}

TEST_F(Misplaced, ServerIsMonitoredAsFailedAndNotPassedOverByStop) {
  append_to_file(copy_ + "/postgresql.conf", "data_directory = '" + instance_.data() + "'\n");
  const auto server = launch({"-D", copy_});
  const auto words =
      "the server of this instance works in another directory than datadir: \"" + instance_.data() + "\"";
  const auto monitor =
      run_agent({"monitor"}, recurring(with(environment_for(instance_), {{"OCF_RESKEY_pgdata", copy_}})));
  EXPECT_EQ(monitor.code, kErrGeneric);
  EXPECT_EQ(monitor.reason(), words);
  EXPECT_EQ(act("monitor").code, kErrGeneric) << "a probe";
  EXPECT_EQ(act("start").code, kErrGeneric);
  const auto stop = act("stop");
  EXPECT_EQ(stop.code, kErrGeneric);
  EXPECT_EQ(stop.reason(), "not stopped: " + words);
  EXPECT_TRUE(is_alive(server->pid()));
}

TEST_F(Misplaced, ServerIsKnownByItsConfigurationFileToo) {
  const auto file = instance_.folder() / "main.conf";
  write_file(file, contents_of(instance_.data() + "/postgresql.conf"));
  const auto server = launch({"-D", instance_.data(), "-c", "config_file=" + file});
  EXPECT_EQ(act("stop", {{"OCF_RESKEY_start_opts", "-c config_file=" + file}}).code, kErrGeneric);
  EXPECT_EQ(act("stop").code, kSuccess) << "another configuration";
  EXPECT_TRUE(is_alive(server->pid()));
}

TEST_F(Misplaced, ServerIsNotOneWithTheSameConfigurationFileAndAnotherPort) {
  const auto file = instance_.folder() / "shared.conf";
  write_file(file, contents_of(instance_.data() + "/postgresql.conf"));
  const auto server = launch({"-D", instance_.data(), "-c", "config_file=" + file});
  const auto run =
      act("stop", {{"OCF_RESKEY_start_opts", "-p 5433 -c config_file=" + file}, {"OCF_RESKEY_pgport", "5433"}});
  EXPECT_EQ(run.code, kSuccess) << run.err;
  EXPECT_TRUE(is_alive(server->pid()));
}

}  // namespace
}  // namespace pgsqlms::test
