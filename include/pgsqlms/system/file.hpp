// SPDX-License-Identifier: PostgreSQL
// Small files, read and written whole. Each call acts with the rights that the process has at that time (see ActingAs).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace pgsqlms::system {

[[nodiscard]] bool is_directory(const std::string& path);
[[nodiscard]] bool exists(const std::string& path);

/// The last `limit` bytes of a regular file; nothing if it cannot be read.
[[nodiscard]] std::optional<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);

/// Where a link leads; empty if it cannot be read.
[[nodiscard]] std::string target_of_link(const std::string& link);

/// The names of what is in the directory, `.` and `..` included; none if it cannot be read.
[[nodiscard]] std::vector<std::string> names_in(const std::string& directory);

/// How many files of the directory have a name with that end; 0 if it cannot be read.
[[nodiscard]] std::size_t count_files(const std::string& directory, const std::string& end_of_name);

/// The time since the file was last written; nothing if there is no such file, or if that lies in the future.
[[nodiscard]] std::optional<std::chrono::seconds> age_of(const std::string& path);

/// Replaces the file in one step: a new file with mode 0600, made without following a link, fsynced and renamed, then
/// the directory is fsynced. Throws ocf::Failure naming the file and the error; the former file is then untouched.
void replace_file(const std::string& directory, const std::string& name, const std::string& contents);

/// Removes the file, if it is there, for good. Throws ocf::Failure naming the file and the error.
void remove_file(const std::string& directory, const std::string& name);

}  // namespace pgsqlms::system
