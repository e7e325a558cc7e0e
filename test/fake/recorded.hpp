// SPDX-License-Identifier: PostgreSQL
// Recorded: the files of test/data, which were taken from real servers and clusters.
#pragma once

#include <string>
#include <vector>

#include "pgsqlms/ocf/environment.hpp"

namespace pgsqlms::fake {

/// The contents of a file; throws std::runtime_error if there is none.
[[nodiscard]] std::string contents_of(const std::string& path);

/// The names of the regular files below a directory, in order, relative to it.
[[nodiscard]] std::vector<std::string> files_below(const std::string& directory);

/// The contents of a file of test/data.
[[nodiscard]] std::string recorded(const std::string& name);

/// The environment of a call in test/data/ocf-env, such as "switchover-srv2-to-srv1/12-srv1-promote.env".
[[nodiscard]] ocf::Environment recorded_environment(const std::string& call);

/// The calls of a transition in test/data/ocf-env in the order in which Pacemaker made them.
[[nodiscard]] std::vector<std::string> recorded_calls(const std::string& transition);

}  // namespace pgsqlms::fake
