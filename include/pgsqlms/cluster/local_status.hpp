// SPDX-License-Identifier: PostgreSQL
// LocalStatus: what the cluster thinks of the local node and of the resource's instance there.
#pragma once

#include <optional>
#include <string>

namespace pgsqlms::cluster {

struct InstanceStatus {
  bool managed = false;   ///< neither unmanaged by itself, nor by a maintenance mode of resource, node or cluster
  bool orphaned = false;  ///< it is no longer configured
  bool failed = false;
  bool blocked = false;  ///< the cluster may do nothing about it
  std::string pending;   ///< the action under way in Pacemaker's words, such as Stopping; empty if there is none
  std::string target_role;
};

struct LocalStatus {
  bool online = false;
  bool standby = false;
  bool maintenance = false;
  bool shutting_down = false;
  std::optional<InstanceStatus> instance;  ///< nothing where the cluster thinks that none is active on this node
};

}  // namespace pgsqlms::cluster
