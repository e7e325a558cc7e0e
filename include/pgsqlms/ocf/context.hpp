// SPDX-License-Identifier: PostgreSQL
// Context: for which resource, on which node and under which conditions Pacemaker calls the agent.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "pgsqlms/ocf/action.hpp"
#include "pgsqlms/ocf/environment.hpp"
#include "pgsqlms/ocf/notify_context.hpp"

namespace pgsqlms::ocf {

/// The clone's meta-attributes as far as the environment carries them.
struct CloneOptions {
  bool notify = false;
  std::optional<std::string> promoted_max;
  bool in_transition =
      false;  ///< the cluster runs the action, so that promoted_max is there if the clone is promotable
};

struct Context {
  std::string resource;                     ///< OCF_RESOURCE_INSTANCE
  std::optional<std::string> node;          ///< Pacemaker's name of the local node; since Pacemaker 1.1.17
  bool remote_node = false;                 ///< the local node is one of Pacemaker Remote or of a bundle
  std::chrono::milliseconds timeout{};      ///< of this action; the suggested one where Pacemaker gave none
  bool probe = false;                       ///< a monitor that does not recur
  bool promoted_monitor = false;            ///< the one that recurs where Pacemaker has promoted the instance
  int check_level = 0;                      ///< OCF_CHECK_LEVEL
  std::optional<std::string> feature_set;   ///< crm_feature_set as given
  std::optional<CloneOptions> clone;        ///< nothing where the environment has no clone context
  std::optional<NotifyContext> transition;  ///< nothing where the environment has no notification lists

  /// Throws Failure(ErrArgs) if Pacemaker calls without naming the resource.
  [[nodiscard]] static Context read(const Environment& environment, Action action);
};

}  // namespace pgsqlms::ocf
