// SPDX-License-Identifier: PostgreSQL
// NotifyContext: what the current transition starts, stops, promotes and demotes, and where.
//
// Pacemaker puts these lists into the environment of notify, and also of start, stop, promote and demote, when the
// clone has notify=true. Lists of instances (active, promoted, unpromoted) show the state before the transition.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgsqlms/ocf/environment.hpp"

namespace pgsqlms::ocf {

/// Names of nodes in the order in which Pacemaker gave them.
using NodeList = std::vector<std::string>;

[[nodiscard]] bool contains(const NodeList& nodes, std::string_view node);

struct NotifyContext {
  std::string type;       ///< "pre" or "post"; empty outside of notify
  std::string operation;  ///< "start", "stop", "promote" or "demote"; empty outside of notify
  NodeList active;
  NodeList promoted;
  NodeList unpromoted;
  NodeList start;
  NodeList stop;
  NodeList promote;
  NodeList demote;

  /// Nothing if the environment carries no notification lists (notify=false, monitors, calls by hand).
  [[nodiscard]] static std::optional<NotifyContext> read(const Environment& environment);
};

/// The nodes that have a running instance once everything but the promotion is done, without repetition:
/// active nodes that are not stopped, and those that are started.
[[nodiscard]] NodeList participants(const NotifyContext& context);

}  // namespace pgsqlms::ocf
