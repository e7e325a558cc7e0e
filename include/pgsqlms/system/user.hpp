// SPDX-License-Identifier: PostgreSQL
// User: an operating system user, and acting as one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace pgsqlms::system {

struct User {
  std::string name;
  std::string home;
  uid_t uid = 0;
  gid_t gid = 0;
  /// All groups, the primary one included; empty until somebody needs them: they may be a name service's to tell.
  std::vector<gid_t> groups;
};

/// Nothing if there is no such user. Its groups are not looked up. Throws ocf::Failure if that could not be found out.
[[nodiscard]] std::optional<User> find_user(const std::string& name);

/// For people: "\"postgres\"", or "uid 1002" where nobody knows a name.
[[nodiscard]] std::string describe_user(uid_t uid);

/// The same user with its groups.
[[nodiscard]] User with_groups(User user);

/// Becomes the user for good: groups, group and user, real, effective and saved. For a child before exec:
/// async-signal-safe. Returns false if the identity could not be taken in whole. The groups are those that `user` has
/// here.
[[nodiscard]] bool become(const User& user) noexcept;

/// Acts as the user, as far as files and sockets are concerned, for as long as the object lives. Does nothing where the
/// process is that user already. Throws ocf::Failure(ErrPerm) if it may not. The groups are those that `user` has here.
class ActingAs {
 public:
  explicit ActingAs(const User& user);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  bool switched_ = false;
  uid_t former_uid_;
  gid_t former_gid_;
  std::vector<gid_t> former_groups_;
};

}  // namespace pgsqlms::system
