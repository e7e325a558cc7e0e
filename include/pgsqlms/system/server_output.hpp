// SPDX-License-Identifier: PostgreSQL
// The file for what a server writes to its standard streams. That is its whole log where the logging
// collector is off, and whatever its archive_command and restore_command print.
#pragma once

#include <string>

#include "pgsqlms/system/user.hpp"

namespace pgsqlms::system {

/// Debian's log of the cluster where the configuration is in /etc/postgresql/VERSION/CLUSTER: the file that the link
/// `log` there names, else /var/log/postgresql/postgresql-VERSION-CLUSTER.log. For other places a file below
/// /var/log/pgsqlms that is named after the data directory. No shell finds anything in the name.
[[nodiscard]] std::string output_file_of(const std::string& configuration_directory, const std::string& data_directory);

/// Makes the file, owned by the user, if there is none, and returns its name. Where the user cannot append to it, as in
/// a call by hand that is not root's, the output goes to pgsqlms.log in the data directory, and if that does not do
/// either, to /dev/null; with a warning. No server is kept from its start for that.
[[nodiscard]] std::string writable_output_file(const std::string& path, const std::string& data_directory,
                                               const User& user);

}  // namespace pgsqlms::system
