// SPDX-License-Identifier: PostgreSQL
// ScratchFolder: a folder for one test. Ends every process that works in it and removes it with the object.
#pragma once

#include <string>

#include "pgsqlms/system/user.hpp"

namespace pgsqlms::test {

/// Who the tests' servers and files belong to: postgres where the tests run as root, else whoever runs them.
[[nodiscard]] const system::User& scratch_user();

[[nodiscard]] bool is_root();

class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  /// Every user can traverse it; it belongs to scratch_user().
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Writes a file that belongs to scratch_user().
void write_file(const std::string& path, const std::string& contents, unsigned mode = 0644);
void append_to_file(const std::string& path, const std::string& text);
/// The whole file; empty if it cannot be read.
[[nodiscard]] std::string contents_of(const std::string& path);
/// Makes a folder that belongs to scratch_user().
void make_folder(const std::string& path, unsigned mode = 0755);

/// Every file below the folder with type, mode, owner, size, time of its last change and target of a link.
[[nodiscard]] std::string listing_of(const std::string& folder);

}  // namespace pgsqlms::test
