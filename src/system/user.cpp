// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/user.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/descriptor.hpp"

namespace pgsqlms::system {
namespace {

std::vector<gid_t> find_groups(const std::string& name, gid_t primary) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(name.c_str(), primary, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    getgrouplist(name.c_str(), primary, groups.data(), &count);
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

std::vector<gid_t> own_groups() {
  std::vector<gid_t> groups(static_cast<std::size_t>(getgroups(0, nullptr)));
  getgroups(static_cast<int>(groups.size()), groups.data());
  return groups;
}

/// The error that keeps this process from opening any file now; 0 if there is none. A name service that cannot open its
/// files may say that it knows nobody of that name.
int shortage() {
  const Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return nothing.is_open() ? 0 : errno;
}

}  // namespace

std::optional<User> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    const int error = shortage();
    if (error != 0) throw ocf::Failure("user \"" + name + "\" not looked up: " + std::strerror(error));
    return std::nullopt;
  }
  return User{name, entry.pw_dir, entry.pw_uid, entry.pw_gid, {}};
}

std::string describe_user(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return "uid " + std::to_string(uid);
  }
  return "\"" + std::string(entry.pw_name) + "\"";
}

User with_groups(User user) {
  if (user.groups.empty()) user.groups = find_groups(user.name, user.gid);
  return user;
}

bool become(const User& user) noexcept {
  if (getuid() == user.uid && geteuid() == user.uid) return true;
  return setgroups(user.groups.size(), user.groups.data()) == 0 && setresgid(user.gid, user.gid, user.gid) == 0 &&
         setresuid(user.uid, user.uid, user.uid) == 0;
}

ActingAs::ActingAs(const User& user) : former_uid_(geteuid()), former_gid_(getegid()) {
  if (former_uid_ == user.uid) return;
  former_groups_ = own_groups();
  switched_ =
      setgroups(user.groups.size(), user.groups.data()) == 0 && setegid(user.gid) == 0 && seteuid(user.uid) == 0;
  if (!switched_) {
    throw ocf::Failure(ocf::ReturnCode::ErrPerm, "cannot act as \"" + user.name + "\": run the agent as root");
  }
}

ActingAs::~ActingAs() {
  if (!switched_) return;
  // Going on with the wrong identity would be worse than ending here.
  if (seteuid(former_uid_) != 0 || setegid(former_gid_) != 0 ||
      setgroups(former_groups_.size(), former_groups_.data()) != 0) {
    std::abort();
  }
}

}  // namespace pgsqlms::system
