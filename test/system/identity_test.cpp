// SPDX-License-Identifier: PostgreSQL
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "deadlines.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/connection.hpp"
#include "pgsqlms/system/file.hpp"
#include "pgsqlms/system/server_processes.hpp"
#include "pgsqlms/system/subprocess.hpp"
#include "pgsqlms/system/user.hpp"
#include "pgsqlms/text.hpp"
#include "processes.hpp"
#include "scratch_folder.hpp"
#include "scratch_instance.hpp"

namespace pgsqlms::system {
namespace {

namespace fs = std::filesystem;

using test::contents_of;
using test::in;
using test::ScratchFolder;
using test::told_by_child;
using std::chrono_literals::operator""s;

User nobody() { return with_groups(find_user("nobody").value()); }
User postgres() { return with_groups(find_user("postgres").value()); }

/// The user of the file, as its name.
uid_t owner_of(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_uid : static_cast<uid_t>(-1);
}

std::string identity_line(const User& user, const char* name) {
  Command command;
  command.arguments = {"/bin/grep", std::string("^") + name + ":", "/proc/self/status"};
  command.user = &user;
  return run(command, in(10s)).out;
}

std::string four_times(unsigned id) {
  const auto text = "\t" + std::to_string(id);
  return text + text + text + text + "\n";
}

TEST(RunAsUser, DropsTheWholeIdentityTheSavedOneToo) {
  const auto user = postgres();
  EXPECT_EQ(identity_line(user, "Uid"), "Uid:" + four_times(user.uid));
  EXPECT_EQ(identity_line(user, "Gid"), "Gid:" + four_times(user.gid));
}

TEST(RunAsUser, TakesExactlyTheGroupsOfTheUser) {
  auto user = postgres();
  user.groups.push_back(nobody().gid);
  const auto line = identity_line(user, "Groups");
  std::vector<gid_t> groups;
  for (const auto word : words(line)) {
    if (const auto number = parse_number<gid_t>(word)) groups.push_back(*number);
  }
  std::sort(groups.begin(), groups.end());
  std::sort(user.groups.begin(), user.groups.end());
  EXPECT_EQ(groups, user.groups);
}

TEST(RunAsUser, LeavesNoCapabilityToTheProgram) {
  EXPECT_EQ(identity_line(nobody(), "CapEff"), "CapEff:\t0000000000000000\n");
  EXPECT_EQ(identity_line(nobody(), "CapPrm"), "CapPrm:\t0000000000000000\n");
}

TEST(RunAsUser, DoesNotRunTheProgramAtAllWhereItMayNotChangeTheUser) {
  const ScratchFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  const auto me = nobody();
  const auto told = told_by_child(
      [&] {
        const auto other = postgres();
        Command command;
        command.arguments = {"/bin/touch", folder / "ran"};
        command.user = &other;
        return std::to_string(run(command, in(10s)).exit_code);
      },
      &me);
  EXPECT_EQ(told, "127");
  EXPECT_FALSE(fs::exists(folder / "ran"));
}

TEST(RunAsUser, TakesTheProgramAlongWhenTheAgentIsKilled) {
  const ScratchFolder folder;
  const auto file = folder / "pid";
  const auto pid = [&] { return parse_number<pid_t>(trimmed(contents_of(file))).value_or(0); };
  const pid_t agent = fork();
  if (agent == 0) {
    const auto user = postgres();
    Command command;
    command.arguments = {"/bin/sh", "-c", "echo $$ > " + file + "; exec sleep 60"};
    command.user = &user;
    static_cast<void>(run(command, in(60s)));
    _exit(0);
  }
  ASSERT_TRUE(test::eventually([&] { return pid() > 0; }));
  kill(agent, SIGKILL);
  EXPECT_TRUE(test::wait_until_gone(agent));
  EXPECT_TRUE(test::eventually([&] { return !test::is_alive(pid()); }));
}

TEST(FindUser, KnowsTheHomeAndNobodyElse) {
  const auto user = find_user("postgres");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "postgres");
  EXPECT_FALSE(user->home.empty());
  EXPECT_NE(user->uid, 0U);
  EXPECT_TRUE(user->groups.empty());
  EXPECT_FALSE(find_user("no-such-user"));
  EXPECT_FALSE(find_user(""));
}

TEST(WithGroups, KnowsTheGroupsOfTheUser) {
  const auto user = with_groups(find_user("postgres").value());
  EXPECT_NE(std::find(user.groups.begin(), user.groups.end(), user.gid), user.groups.end());
}

TEST(ActingAs, MakesFilesOfTheUserAndComesBack) {
  const ScratchFolder folder;
  {
    const ActingAs acting(postgres());
    test::append_to_file(folder / "as postgres", "");
  }
  test::append_to_file(folder / "as root", "");
  EXPECT_EQ(owner_of(folder / "as postgres"), postgres().uid);
  EXPECT_EQ(owner_of(folder / "as root"), 0U);
  EXPECT_EQ(geteuid(), 0U);
  EXPECT_EQ(getegid(), 0U);
}

TEST(ActingAs, MayNotReadWhatTheUserMayNotRead) {
  const ScratchFolder folder;
  test::append_to_file(folder / "shadow", "secret");
  ASSERT_EQ(chmod((folder / "shadow").c_str(), 0600), 0);
  EXPECT_TRUE(read_file(folder / "shadow"));
  const ActingAs acting(postgres());
  EXPECT_FALSE(read_file(folder / "shadow"));
}

TEST(ActingAs, TakesTheGroupsOfTheUserAndGivesThemBack) {
  const auto told = told_by_child([] {
    const gid_t before[] = {0, 7};
    if (setgroups(2, before) != 0) return std::string("setgroups");
    const auto groups = [] {
      std::vector<gid_t> list(64);
      list.resize(static_cast<std::size_t>(getgroups(64, list.data())));
      std::sort(list.begin(), list.end());
      return list;
    };
    auto user = postgres();
    std::sort(user.groups.begin(), user.groups.end());
    {
      const ActingAs acting(user);
      if (groups() != user.groups) return std::string("not the groups of the user");
    }
    return groups() == std::vector<gid_t>{0, 7} ? std::string("restored") : std::string("not restored");
  });
  EXPECT_EQ(told, "restored");
}

TEST(ActingAs, ComesBackAlsoWhenSomethingIsThrown) {
  try {
    const ActingAs acting(postgres());
    throw std::runtime_error("in between");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(geteuid(), 0U);
}

TEST(ActingAs, DoesNothingWhereTheProcessIsThatUserAlready) {
  const auto me = postgres();
  const auto told = told_by_child(
      [&] {
        const ActingAs acting(me);
        return std::to_string(geteuid());
      },
      &me);
  EXPECT_EQ(told, std::to_string(me.uid));
}

TEST(ConnectionOpen, ComesToASocketThatOnlyAGroupOfTheUserMayReach) {
  const auto user = with_groups(find_user("postgres").value());
  const auto extra = std::find_if(user.groups.begin(), user.groups.end(), [&](gid_t gid) { return gid != user.gid; });
  if (extra == user.groups.end()) GTEST_SKIP() << "the user postgres is in one group only";
  test::ScratchInstance instance;
  instance.start();
  const auto folder = instance.folder() / "";
  ASSERT_EQ(chown(folder.c_str(), 0, *extra), 0);
  ASSERT_EQ(chmod(folder.c_str(), 0710), 0);
  const auto parameters = instance.parameters();
  const Address address{parameters.pghost, parameters.pgport, find_user("postgres").value()};
  const auto attempt = Connection::open(address, SessionKind::Sql, in(10s));
  EXPECT_EQ(attempt.contact, pg::Contact::Accepted) << attempt.detail;
  ASSERT_EQ(chown(folder.c_str(), user.uid, user.gid), 0);  // the server is stopped by its files
}

TEST(ActingAs, RefusesWithoutTheRightToDoSo) {
  const auto me = nobody();
  const auto told = told_by_child(
      []() -> std::string {
        try {
          const ActingAs acting(postgres());
        } catch (const ocf::Failure& failure) {
          return std::to_string(static_cast<int>(failure.answer().code)) + " " + failure.what();
        }
        return "no failure";
      },
      &me);
  EXPECT_EQ(told, "4 cannot act as \"postgres\": run the agent as root");
}

TEST(ReplaceFileAsUser, GivesTheFileToTheUser) {
  const ScratchFolder folder;
  {
    const ActingAs acting(postgres());
    replace_file(folder.path(), "standby.signal", "");
  }
  EXPECT_EQ(owner_of(folder / "standby.signal"), postgres().uid);
}

TEST(ReplaceFileAsUser, CannotBeUsedToWriteAFileOfRoot) {
  const ScratchFolder folder;
  const ScratchFolder other;
  ASSERT_EQ(chown(other.path().c_str(), 0, 0), 0);
  test::append_to_file(other / "shadow", "secret");
  fs::create_symlink(other / "shadow", folder / "recovery.conf");
  fs::create_symlink(other / "shadow", folder / "recovery.conf.pgsqlms");
  {
    const ActingAs acting(postgres());
    replace_file(folder.path(), "recovery.conf", "mine");
  }
  EXPECT_EQ(contents_of(other / "shadow"), "secret");
  EXPECT_EQ(owner_of(other / "shadow"), 0U);
  EXPECT_EQ(contents_of(folder / "recovery.conf"), "mine");
}

TEST(ReplaceFileAsUser, LeavesTheFormerFileWhereItMayNotWrite) {
  const ScratchFolder folder;
  test::write_file(folder / "recovery.conf", "former");
  ASSERT_EQ(chown(folder.path().c_str(), 0, 0), 0);
  std::string reason;
  try {
    const ActingAs acting(postgres());
    replace_file(folder.path(), "recovery.conf", "new");
  } catch (const ocf::Failure& failure) {
    reason = failure.what();
  }
  EXPECT_EQ(reason, "cannot create \"" + folder / "recovery.conf.pgsqlms" + "\": Permission denied");
  EXPECT_EQ(contents_of(folder / "recovery.conf"), "former");
}

TEST(FindServerProcesses, FindsNothingInADirectoryThatBelongsToSomebodyElse) {
  test::ScratchInstance instance;
  instance.start();
  EXPECT_FALSE(find_server_processes(instance.data()).empty());
  ASSERT_EQ(chown(instance.data().c_str(), nobody().uid, nobody().gid), 0);
  EXPECT_TRUE(find_server_processes(instance.data()).empty());
}

/// Runs the function in a mount namespace of its own where the folder is a file system of 64 kB.
std::string told_on_small_disk(const std::string& folder, const std::function<std::string()>& function) {
  return told_by_child([&]() -> std::string {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("small", folder.c_str(), "tmpfs", 0, "size=64k,mode=0777") != 0) {
      return std::string("no small disk: ") + std::strerror(errno);
    }
    return function();
  });
}

TEST(ReplaceFile, LeavesTheFormerFileOnAFullDisk) {
  const ScratchFolder folder;
  const auto told = told_on_small_disk(folder.path(), [&]() -> std::string {
    test::append_to_file(folder / "recovery.conf", "former");
    std::string reason = "no failure";
    try {
      replace_file(folder.path(), "recovery.conf", std::string(200'000, 'x'));
    } catch (const ocf::Failure& failure) {
      reason = failure.what();
    }
    const auto files = std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
    return reason + ", " + contents_of(folder / "recovery.conf") + ", " + std::to_string(files) + " file";
  });
  EXPECT_EQ(told, "cannot write \"" + folder / "recovery.conf.pgsqlms" + "\": No space left on device, former, 1 file");
}

TEST(ReplaceFile, WritesAnEmptySignalFileOnAFullDisk) {
  const ScratchFolder folder;
  const auto told = told_on_small_disk(folder.path(), [&]() -> std::string {
    try {
      replace_file(folder.path(), "filling", std::string(200'000, 'x'));
    } catch (const ocf::Failure&) {
      replace_file(folder.path(), "standby.signal", "");
      return exists(folder / "standby.signal") ? "there" : "missing";
    }
    return "the disk is not small";
  });
  EXPECT_EQ(told, "there");
}

}  // namespace
}  // namespace pgsqlms::system
