// SPDX-License-Identifier: PostgreSQL
// A server that was started from an instance's configuration and works in another directory than the agent looks at.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace pgsqlms::system {

/// How an instance is started, and where it listens.
struct Configuration {
  uid_t user = 0;
  std::string pgdata;
  std::string data_directory;
  std::vector<std::string> start_options;
  std::string host;  ///< the directory of its socket, else somebody's name
  std::string port;
};

/// The directory in which a server works that has this configuration, by its command line, and this address; nothing if
/// that is none but `data_directory`. Another cluster's server at the same address was started from another
/// configuration, and one that shares the configuration file has another address.
[[nodiscard]] std::optional<std::string> find_stray_directory(const Configuration& configuration);

}  // namespace pgsqlms::system
