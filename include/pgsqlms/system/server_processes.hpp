// SPDX-License-Identifier: PostgreSQL
// The processes of the server of one data directory, found in /proc by owner, working directory and program.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgsqlms::system {

/// With it begin the titles of all server processes but the postmaster, soon after they were forked.
inline constexpr std::string_view kChildTitle = "postgres: ";

struct ServerProcess {
  pid_t pid = 0;
  bool postmaster = false;
  bool single_user = false;  ///< postgres --single, --boot or --check: no server, but it writes to the data directory
  std::string title = {};    ///< what it calls itself, "postgres: checkpointer"; of the others the program
};

struct Survey {
  std::vector<ServerProcess> processes;
  std::string blind_spot;  ///< what kept further processes from being seen, for people; empty if all were looked at
};

/// PostgreSQL's processes all work in the data directory. Zombies do not count. Looks as the directory's owner first,
/// who may see his own processes where root without CAP_SYS_PTRACE may not.
[[nodiscard]] Survey survey_server(const std::string& data_directory);

/// Only what was seen. Nobody may conclude from it that there is no server.
[[nodiscard]] std::vector<ServerProcess> find_server_processes(const std::string& data_directory);

/// Whether a process of a server is connected to a database: it has files of one open. False where that cannot be seen.
[[nodiscard]] bool is_in_database(pid_t process);

/// For how long the startup process of a server has waited for a program (restore_command or the like). Nothing if it
/// waits for none.
[[nodiscard]] std::optional<std::chrono::seconds> startup_program_age(const std::string& data_directory);

/// What the startup process of a server is about, for people: the program that it waits for (restore_command or the
/// like), else what it says itself. Nothing if there is none.
[[nodiscard]] std::optional<std::string> startup_activity(const std::string& data_directory);

/// The data directory that a postmaster serves; nothing if that process is no postmaster or cannot be looked at.
[[nodiscard]] std::optional<std::string> served_directory(pid_t postmaster);

/// Whether both names stand for the same directory.
[[nodiscard]] bool is_same_directory(const std::string& a, const std::string& b);

}  // namespace pgsqlms::system
