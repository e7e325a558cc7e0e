// SPDX-License-Identifier: PostgreSQL
// The command line: the action, and parameters that overrule the environment in calls by hand.
#pragma once

#include <ostream>
#include <string>

#include "pgsqlms/ocf/environment.hpp"

namespace pgsqlms::system {

struct CommandLine {
  std::string action;  ///< empty if none was given
  bool help = false;
  bool version = false;
};

/// Reads the arguments and puts parameters given as options into the environment. Throws ocf::Failure(ErrArgs) naming
/// an option that is not understood. Arguments after the action are ignored, as OCF demands.
[[nodiscard]] CommandLine read_command_line(int argc, const char* const* argv, ocf::Environment& environment);

void print_help(std::ostream& out);

}  // namespace pgsqlms::system
