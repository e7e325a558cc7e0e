// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/server_processes.hpp"

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>

#include "scratch_instance.hpp"

namespace pgsqlms::system {
namespace {

namespace fs = std::filesystem;

using test::Child;
using test::eventually;
using test::Frozen;
using test::scratch_user;
using test::ScratchFolder;
using test::ScratchInstance;
using test::Session;

std::vector<ServerProcess> found_in(const ScratchInstance& instance) { return find_server_processes(instance.data()); }

bool has(const std::vector<ServerProcess>& processes, pid_t pid, bool postmaster) {
  return std::any_of(processes.begin(), processes.end(),
                     [&](const auto& process) { return process.pid == pid && process.postmaster == postmaster; });
}

std::vector<pid_t> postmasters_in(const std::vector<ServerProcess>& processes) {
  std::vector<pid_t> found;
  for (const auto& process : processes) {
    if (process.postmaster) found.push_back(process.pid);
  }
  return found;
}

TEST(FindServerProcesses, FindsThePostmasterAndItsChildrenOfALivePrimary) {
  ScratchInstance instance;
  instance.start();
  const auto checkpointer = instance.process("checkpointer");
  const auto found = found_in(instance);
  EXPECT_TRUE(has(found, instance.postmaster(), true));
  EXPECT_TRUE(has(found, checkpointer, false));
  EXPECT_EQ(postmasters_in(found), std::vector{instance.postmaster()});
}

TEST(FindServerProcesses, TakesNoBackendOfASilentClientForThePostmaster) {
  ScratchInstance instance;
  instance.start();
  const Session session(instance.conninfo());  // served, so whatever the postmaster starts by itself is there
  const auto before = found_in(instance);
  // Asks for nothing yet: the backend waits, and has not named itself.
  const std::unique_ptr<PGconn, void (*)(PGconn*)> client(PQconnectStart(instance.conninfo().c_str()), PQfinish);
  ASSERT_TRUE(eventually([&] {
    const auto now = found_in(instance);
    return std::any_of(now.begin(), now.end(), [&](const auto& process) {
      return !has(before, process.pid, true) && !has(before, process.pid, false);
    });
  }));
  EXPECT_EQ(postmasters_in(found_in(instance)), std::vector{instance.postmaster()});
}

TEST(FindServerProcesses, FindsNothingOfAStoppedInstance) {
  ScratchInstance instance;
  instance.start();
  instance.stop();
  EXPECT_TRUE(found_in(instance).empty());
}

TEST(FindServerProcesses, FindsNothingOfAnotherInstance) {
  ScratchInstance instance;
  const ScratchInstance other;
  instance.start();
  EXPECT_TRUE(found_in(other).empty());
}

TEST(FindServerProcesses, FindsThemThroughALinkToTheDataDirectory) {
  ScratchInstance instance;
  instance.start();
  fs::create_directory_symlink(instance.data(), instance.folder() / "link");
  EXPECT_TRUE(has(find_server_processes(instance.folder() / "link"), instance.postmaster(), true));
}

TEST(FindServerProcesses, FindsTheFrozenOrphanOfAKilledPostmaster) {
  ScratchInstance instance;
  instance.start();
  const Session session(instance.conninfo());
  const Frozen backend(session.backend());
  instance.kill_postmaster();
  EXPECT_TRUE(eventually([&] { return found_in(instance).size() == 1; }));
  EXPECT_TRUE(has(found_in(instance), session.backend(), false));
}

TEST(FindServerProcesses, CountsNoZombie) {
  ScratchInstance instance;
  instance.start();
  const auto postmaster = instance.postmaster();
  instance.make_zombie();
  EXPECT_TRUE(eventually([&] { return found_in(instance).empty(); }));
  EXPECT_EQ(kill(postmaster, 0), 0) << "the zombie is no longer there";
}

TEST(FindServerProcesses, CountsNoShellOfTheAdministratorInTheDataDirectory) {
  const ScratchInstance instance;
  test::Start start;
  start.user = test::is_root() ? &scratch_user() : nullptr;
  start.folder = instance.data();
  start.arguments = {"/bin/sh", "-c", "sleep 60 & wait"};
  const Child shell(start);
  start.arguments = {"/bin/tail", "-f", "postgresql.conf"};
  const Child tail(start);
  ASSERT_TRUE(eventually([&] { return test::processes_in(instance.data()).size() == 3; }));
  EXPECT_TRUE(found_in(instance).empty());
}

TEST(FindServerProcesses, FindsTheServerOfADeletedDataDirectory) {
  ScratchInstance instance;
  instance.start();
  const auto postmaster = instance.postmaster();
  fs::remove_all(instance.data());
  EXPECT_TRUE(has(found_in(instance), postmaster, true));
  test::make_folder(instance.data(), 0700);
  EXPECT_TRUE(has(found_in(instance), postmaster, true)) << "a new directory has taken the place of the deleted one";
}

TEST(ServedDirectory, IsTheDataDirectoryOfAPostmaster) {
  ScratchInstance instance;
  instance.start();
  EXPECT_EQ(served_directory(instance.postmaster()), instance.data());
}

TEST(ServedDirectory, IsNothingForAProcessThatIsNoServer) { EXPECT_EQ(served_directory(getpid()), std::nullopt); }

TEST(IsSameDirectory, ComparesTheDirectoriesAndNotTheirNames) {
  const ScratchFolder folder;
  test::make_folder(folder / "data");
  fs::create_directory_symlink(folder / "data", folder / "link");
  EXPECT_TRUE(is_same_directory(folder / "data", folder / "link/"));
  EXPECT_FALSE(is_same_directory(folder / "data", folder.path()));
  EXPECT_FALSE(is_same_directory(folder / "missing", folder / "missing"));
}

}  // namespace
}  // namespace pgsqlms::system
