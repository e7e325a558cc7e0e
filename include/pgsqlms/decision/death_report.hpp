// SPDX-License-Identifier: PostgreSQL
// Whether the end of a watched server is a failure that the cluster must be told of.
#pragma once

#include <optional>
#include <string>

#include "pgsqlms/cluster/local_status.hpp"

namespace pgsqlms::decision {

/// What is found when a watched server has ended.
struct DeathFacts {
  bool answers_again = false;   ///< a server answers at the instance's address
  cluster::LocalStatus status;  ///< as the cluster sees it, asked after the end
};

/// Why the end is not to be reported, for the log; nothing if it is. In doubt there is a reason: the recurring monitor
/// finds what was not reported.
[[nodiscard]] std::optional<std::string> reason_not_to_report(const DeathFacts& facts);

}  // namespace pgsqlms::decision
