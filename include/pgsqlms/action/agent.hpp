// SPDX-License-Identifier: PostgreSQL
// Agent: what every verb works with.
#pragma once

#include "pgsqlms/clock.hpp"
#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/ocf/context.hpp"
#include "pgsqlms/ocf/parameters.hpp"
#include "pgsqlms/pg/instance.hpp"
#include "pgsqlms/pg/watcher.hpp"

namespace pgsqlms::action {

struct Agent {
  const ocf::Context& context;
  const ocf::ResourceParameters& parameters;
  pg::Instance& instance;
  cluster::Cluster& cluster;
  pg::Watcher& watcher;
  Deadline deadline;      ///< of the whole action
  std::string host_name;  ///< uname -n
};

/// The deadline of an action with this timeout: a little earlier, so that the agent speaks before Pacemaker ends it.
[[nodiscard]] Deadline deadline_of(Clock& clock, Duration timeout);

/// What a recovery template calls this node.
[[nodiscard]] pg::TemplateNames template_names(const Agent& agent);

/// Whether this transition stops the instance on the local node as well.
[[nodiscard]] bool is_stop_following(const Agent& agent);

}  // namespace pgsqlms::action
