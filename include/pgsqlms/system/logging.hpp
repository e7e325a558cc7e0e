// SPDX-License-Identifier: PostgreSQL
// Logging as ocf_log of the resource-agents does it, without a process for each line.
#pragma once

#include "pgsqlms/ocf/environment.hpp"

namespace pgsqlms::system {

/// Makes spdlog's default logger write where the cluster wants it: syslog (HA_LOGFACILITY), HA_LOGFILE, HA_DEBUGLOG; on
/// a terminal to stderr, debug lines included. HA_debug and OCF_TRACE_RA turn debug lines on.
void start_logging(const ocf::Environment& environment);

/// Closes everything that logging has opened. What is logged afterwards goes nowhere.
void stop_logging();

}  // namespace pgsqlms::system
