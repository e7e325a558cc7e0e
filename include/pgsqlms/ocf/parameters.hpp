// SPDX-License-Identifier: PostgreSQL
// The resource's parameters. The table feeds the reading of OCF_RESKEY_*, the command line's options, the help, the
// meta-data and docs/parameters.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/ocf/environment.hpp"

#ifndef PGSQLMS_DEFAULT_PGHOST
#define PGSQLMS_DEFAULT_PGHOST "/tmp"
#endif

namespace pgsqlms::ocf {

/// The parameters' values as text, with defaults filled in.
struct ResourceParameters {
  std::string system_user;
  std::string bindir;
  std::string pgdata;
  std::string datadir;
  std::string pghost;
  std::string pgport;
  std::string start_opts;
  std::string maxlag;
  std::string recovery_template;
  std::string watch;
};

enum class ValueType { String, Integer, Boolean };

/// One parameter. `unique` is Pacemaker's rule for OCF 1.0 (a change needs a restart), `reloadable` that of OCF 1.1.
/// An empty default is computed from pgdata.
struct ParameterSpec {
  std::string_view name;
  std::string ResourceParameters::*member;
  ValueType type;
  std::string_view default_value;
  bool unique;
  bool reloadable;
  std::string_view short_description;
  std::string_view long_description;
};

// clang-format off
inline constexpr ParameterSpec kParameters[] = {
    // name, member, type, default, unique, reloadable, short and long description
    {"system_user", &ResourceParameters::system_user, ValueType::String, "postgres", false, false,
     "Operating system user of the instance",
     "The operating system user that owns the data directory and runs the server. The agent connects to the server as "
     "the database role of the same name."},
    {"bindir", &ResourceParameters::bindir, ValueType::String, "/usr/bin", false, true,
     "Directory of the PostgreSQL programs",
     "The directory that holds postgres, pg_ctl, pg_controldata and the other programs of the instance's version."},
    {"pgdata", &ResourceParameters::pgdata, ValueType::String, "/var/lib/pgsql/data", true, false,
     "Directory given to the server with -D",
     "The data directory, or the directory of postgresql.conf where configuration and data are kept apart."},
    {"datadir", &ResourceParameters::datadir, ValueType::String, "", true, false,
     "Data directory, where it differs from pgdata",
     "The data directory as set by data_directory in postgresql.conf. Needed only where pgdata is a directory that "
     "holds nothing but the configuration. Default: the value of pgdata."},
    {"pghost", &ResourceParameters::pghost, ValueType::String, PGSQLMS_DEFAULT_PGHOST, false, true,
     "Socket directory or address for local connections",
     "The directory of the server's unix socket, or the IP address, through which the agent connects to the local "
     "instance."},
    {"pgport", &ResourceParameters::pgport, ValueType::Integer, "5432", false, false,
     "Port of the instance",
     "The port number, from 1 to 65535, on which the local instance listens."},
    {"start_opts", &ResourceParameters::start_opts, ValueType::String, "", false, false,
     "Options for the server's start",
     "Additional options for postgres, given at every start. On Debian and its kin: "
     "-c config_file=/etc/postgresql/VERSION/NAME/postgresql.conf"},
    {"maxlag", &ResourceParameters::maxlag, ValueType::Integer, "0", false, true,
     "Largest lag, in bytes, with which a standby may be promoted",
     "A standby whose lag behind the primary is above this number of bytes of WAL gets a negative promotion score. "
     "0 means no limit."},
    {"recovery_template", &ResourceParameters::recovery_template, ValueType::String, "", true, true,
     "Template of recovery.conf (PostgreSQL 11 and older)",
     "The file from which recovery.conf is written before each start of PostgreSQL 11 and older. $(hostname -s), "
     "$(uname -n) and {{node}} in it become the short host name, the host name and the node's name in Pacemaker. With "
     "PostgreSQL 12 and newer this file must not exist. Default: recovery.conf.pcmk in pgdata."},
    {"watch", &ResourceParameters::watch, ValueType::Boolean, "false", false, true,
     "Report the end of the server at once",
     "If true, a small process beside the instance sleeps until the server ends, and reports to the cluster at once what "
     "the next monitor would have found. It restarts nothing by itself, and the monitors stay as they are."},
};
// clang-format on

/// Reads OCF_RESKEY_*. As in PAF an empty value and "0" mean the default.
[[nodiscard]] ResourceParameters read_parameters(const Environment& environment);

/// The first value that cannot be used, as an answer naming parameter and value; nothing if all are well-formed.
[[nodiscard]] std::optional<Answer> find_invalid_parameter(const ResourceParameters& parameters);

/// The largest allowed lag in bytes of WAL; nothing if there is no limit. A malformed value counts as no limit.
[[nodiscard]] std::optional<std::uint64_t> lag_limit(const ResourceParameters& parameters);

}  // namespace pgsqlms::ocf
