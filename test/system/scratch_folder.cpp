// SPDX-License-Identifier: PostgreSQL
#include "scratch_folder.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "processes.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

system::User find_scratch_user() {
  std::string name = "postgres";
  if (!is_root()) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) throw std::runtime_error("the user of these tests has no name");
    name = entry.pw_name;
  }
  if (auto user = system::find_user(name)) return system::with_groups(*user);
  throw std::runtime_error("there is no user " + name);
}

/// Memory where there is enough of it, which saves most of the time that copies of data directories take.
std::string place_for_folders() {
  constexpr unsigned long kEnough = 1UL << 30;
  struct statvfs status {};
  const bool has_memory = statvfs("/dev/shm", &status) == 0 && status.f_bavail * status.f_bsize > kEnough;
  return has_memory && (status.f_flag & ST_NOEXEC) == 0 ? "/dev/shm" : "/tmp";
}

void hand_over(const std::string& path) {
  if (!is_root()) return;
  if (lchown(path.c_str(), scratch_user().uid, scratch_user().gid) != 0) throw_errno("chown " + path);
}

}  // namespace

bool is_root() { return geteuid() == 0; }

const system::User& scratch_user() {
  static const system::User user = find_scratch_user();
  return user;
}

ScratchFolder::ScratchFolder() {
  std::string name = place_for_folders() + "/pgsqlms-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp " + name);
  path_ = name;
  hand_over(path_);
  if (chmod(path_.c_str(), 0755) != 0) throw_errno("chmod " + path_);
}

ScratchFolder::~ScratchFolder() {
  end_processes_in(path_);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& contents, unsigned mode) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << contents;
  file.close();
  if (!file) throw_errno("write " + path);
  if (chmod(path.c_str(), mode) != 0) throw_errno("chmod " + path);
  hand_over(path);
}

void append_to_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << text;
  file.close();
  if (!file) throw_errno("append to " + path);
}

std::string contents_of(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

void make_folder(const std::string& path, unsigned mode) {
  if (mkdir(path.c_str(), mode) != 0) throw_errno("mkdir " + path);
  if (chmod(path.c_str(), mode) != 0) throw_errno("chmod " + path);
  hand_over(path);
}

std::string listing_of(const std::string& folder) {
  std::vector<std::string> paths = {folder};
  for (const auto& found : fs::recursive_directory_iterator(folder)) paths.push_back(found.path());
  std::sort(paths.begin(), paths.end());
  std::ostringstream listing;
  for (const auto& path : paths) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0) throw_errno("stat " + path);
    listing << path << ' ' << std::oct << status.st_mode << std::dec << ' ' << status.st_uid << ' ' << status.st_size
            << ' ' << status.st_mtim.tv_sec << '.' << status.st_mtim.tv_nsec;
    if (S_ISLNK(status.st_mode)) listing << " -> " << fs::read_symlink(path).string();
    listing << '\n';
  }
  return listing.str();
}

}  // namespace pgsqlms::test
