// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "pgsqlms/ocf/answer.hpp"
#include "processes.hpp"
#include "scratch_folder.hpp"

namespace pgsqlms::system {
namespace {

namespace fs = std::filesystem;

using test::contents_of;
using test::ScratchFolder;

unsigned mode_of(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

/// What replace_file() says; empty if it succeeds.
std::string refusal(const std::string& directory, const std::string& name, const std::string& contents) {
  try {
    replace_file(directory, name, contents);
  } catch (const ocf::Failure& failure) {
    EXPECT_EQ(failure.answer().code, ocf::ReturnCode::ErrGeneric);
    return failure.what();
  }
  return "";
}

TEST(ReplaceFile, WritesTheContentsAndLeavesNothingElse) {
  const ScratchFolder folder;
  replace_file(folder.path(), "standby.signal", "one\ntwo\n");
  EXPECT_EQ(contents_of(folder / "standby.signal"), "one\ntwo\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(ReplaceFile, ReplacesALongerFileInWhole) {
  const ScratchFolder folder;
  test::write_file(folder / "recovery.conf", std::string(100'000, 'x'));
  replace_file(folder.path(), "recovery.conf", "short");
  EXPECT_EQ(contents_of(folder / "recovery.conf"), "short");
}

TEST(ReplaceFile, GivesTheFileMode0600UnderAnyUmask) {
  for (const mode_t mask : {00U, 022U, 026U, 077U, 0777U}) {
    const ScratchFolder folder;
    test::write_file(folder / "recovery.conf", "former", 0644);
    const auto former_mask = umask(mask);
    replace_file(folder.path(), "recovery.conf", "new");
    umask(former_mask);
    EXPECT_EQ(mode_of(folder / "recovery.conf"), 0600U) << std::oct << mask;
  }
}

TEST(ReplaceFile, ReplacesASymlinkAndNotWhatItPointsTo) {
  const ScratchFolder folder;
  test::write_file(folder / "shadow", "secret", 0640);
  fs::create_symlink(folder / "shadow", folder / "standby.signal");
  replace_file(folder.path(), "standby.signal", "signal");
  EXPECT_FALSE(fs::is_symlink(folder / "standby.signal"));
  EXPECT_EQ(contents_of(folder / "standby.signal"), "signal");
  EXPECT_EQ(contents_of(folder / "shadow"), "secret");
  EXPECT_EQ(mode_of(folder / "shadow"), 0640U);
}

TEST(ReplaceFile, FollowsNoSymlinkPlantedUnderItsTemporaryName) {
  const ScratchFolder folder;
  test::write_file(folder / "shadow", "secret", 0640);
  fs::create_symlink(folder / "shadow", folder / "standby.signal.pgsqlms");
  fs::create_symlink(folder / "not-there", folder / "recovery.conf.pgsqlms");
  replace_file(folder.path(), "standby.signal", "signal");
  replace_file(folder.path(), "recovery.conf", "settings");
  EXPECT_EQ(contents_of(folder / "standby.signal"), "signal");
  EXPECT_EQ(contents_of(folder / "recovery.conf"), "settings");
  EXPECT_EQ(contents_of(folder / "shadow"), "secret");
  EXPECT_EQ(mode_of(folder / "shadow"), 0640U);
  EXPECT_FALSE(fs::exists(folder / "not-there"));
}

TEST(ReplaceFile, CreatesNothingThroughADanglingSymlink) {
  const ScratchFolder folder;
  fs::create_symlink(folder / "not-there", folder / "standby.signal");
  replace_file(folder.path(), "standby.signal", "");
  EXPECT_FALSE(fs::exists(folder / "not-there"));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(folder / "standby.signal")));
}

TEST(ReplaceFile, GoesOnAfterARunThatWasKilled) {
  const ScratchFolder folder;
  test::write_file(folder / "standby.signal.pgsqlms", "half of a fi", 0400);
  replace_file(folder.path(), "standby.signal", "whole");
  EXPECT_EQ(contents_of(folder / "standby.signal"), "whole");
  EXPECT_FALSE(fs::exists(folder / "standby.signal.pgsqlms"));
}

TEST(ReplaceFile, RefusesToReplaceADirectoryAndLeavesNothingBehind) {
  const ScratchFolder folder;
  test::make_folder(folder / "standby.signal");
  EXPECT_EQ(refusal(folder.path(), "standby.signal", "signal"),
            "cannot replace \"" + folder / "standby.signal" + "\": Is a directory");
  EXPECT_FALSE(fs::exists(folder / "standby.signal.pgsqlms"));
}

TEST(ReplaceFile, NamesAFolderThatIsNotThere) {
  const ScratchFolder folder;
  EXPECT_EQ(refusal(folder / "data", "standby.signal", ""),
            "cannot create \"" + folder / "data/standby.signal.pgsqlms" + "\": No such file or directory");
}

TEST(ReadFile, ReadsTheWholeFile) {
  const ScratchFolder folder;
  const std::string text = std::string("a\0b\n", 4) + std::string(100'000, 'c');
  test::write_file(folder / "file", text);
  EXPECT_EQ(read_file(folder / "file"), text);
}

TEST(ReadFile, ReadsTheLastBytesUpToTheLimit) {
  const ScratchFolder folder;
  test::write_file(folder / "log", "first line\nlast line\n");
  EXPECT_EQ(read_file(folder / "log", 10), "last line\n");
}

TEST(ReadFile, ReadsAnEmptyFile) {
  const ScratchFolder folder;
  test::write_file(folder / "empty", "");
  EXPECT_EQ(read_file(folder / "empty"), "");
}

TEST(ReadFile, ReadsNothingWhereThereIsNoRegularFile) {
  const ScratchFolder folder;
  EXPECT_EQ(read_file(folder / "missing"), std::nullopt);
  EXPECT_EQ(read_file(folder.path()), std::nullopt);
  EXPECT_EQ(read_file("/dev/zero"), std::nullopt);
}

TEST(ReadFile, IsNotHeldUpByAFifo) {
  const ScratchFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(read_file(folder / "fifo"), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST(AgeOf, TellsTheTimeSinceTheLastChange) {
  const ScratchFolder folder;
  test::write_file(folder / "00000002.history", "");
  timespec times[2] = {};
  times[0].tv_sec = times[1].tv_sec = time(nullptr) - 100;
  ASSERT_EQ(utimensat(AT_FDCWD, (folder / "00000002.history").c_str(), times, 0), 0);
  const auto age = age_of(folder / "00000002.history");
  ASSERT_TRUE(age);
  EXPECT_GE(age->count(), 100);
  EXPECT_LT(age->count(), 110);
  EXPECT_EQ(age_of(folder / "00000003.history"), std::nullopt);
}

TEST(Exists, SeesALinkThatPointsNowhere) {
  const ScratchFolder folder;
  fs::create_symlink(folder / "nowhere", folder / "backup_label");
  EXPECT_TRUE(exists(folder / "backup_label"));
  EXPECT_FALSE(exists(folder / "nowhere"));
}

TEST(IsDirectory, FollowsALinkToADirectory) {
  const ScratchFolder folder;
  fs::create_directory_symlink(folder.path(), folder / "link");
  test::write_file(folder / "file", "");
  EXPECT_TRUE(is_directory(folder / "link"));
  EXPECT_FALSE(is_directory(folder / "file"));
  EXPECT_FALSE(is_directory(folder / "missing"));
}

}  // namespace
}  // namespace pgsqlms::system
