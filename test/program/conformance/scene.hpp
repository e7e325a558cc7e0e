// SPDX-License-Identifier: PostgreSQL
// Scene: the situation in which an agent acts: the instance of node srv1, those of other nodes, the cluster, and the
// environment of the call. The functions below put it into the states that the cases speak of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent_run.hpp"
#include "cluster_stand_in.hpp"

namespace pgsqlms::test {

struct Scene {
  explicit Scene(std::string program);

  /// Another instance, of a node of that name.
  ScratchInstance& add_instance();
  /// Keeps a condition up as long as the scene lasts.
  template <typename Held, typename... Arguments>
  Held& hold(Arguments&&... arguments) {
    auto held = std::make_shared<Held>(std::forward<Arguments>(arguments)...);
    held_.push_back(held);
    return *held;
  }
  /// Ends the condition that was taken up last.
  void release() { held_.pop_back(); }

  void set(const std::string& parameter, const std::string& value);
  void set_meta(const std::string& name, const std::string& value);
  /// The lists of nodes that Pacemaker gives to notifications and promotions.
  void set_lists(const std::string& active, const std::string& promoted, const std::string& promote,
                 const std::string& demote = " ", const std::string& stop = " ", const std::string& start = " ");
  void set_notification(const std::string& type, const std::string& operation);
  /// A folder of PostgreSQL's programs in which scripts can take the place of single ones.
  void replace_program(const std::string& name, const std::string& script);

  /// Everything that Pacemaker would put into the environment.
  [[nodiscard]] Variables environment() const;
  /// Calls the agent of this scene.
  const AgentRun& run(const std::vector<std::string>& arguments, const Variables& more = {});

  std::string agent;  ///< the agent's program
  ClusterStandIn cluster;
  ScratchInstance local;  ///< stopped, a primary, with the right primary_conninfo
  Variables changes;
  Conditions conditions;
  AgentRun last;  ///< the last call's end

 private:
  std::vector<std::unique_ptr<ScratchInstance>> others_;
  std::vector<std::shared_ptr<void>> held_;
};

// ---- States of the local instance

void untouched(Scene& scene);
void running_primary(Scene& scene);
void running_standby(Scene& scene);
/// The instance that the local standby follows.
ScratchInstance& standby_of(Scene& scene);
/// The local instance is a primary, and srv2 streams from it.
void primary_with_standby(Scene& scene);
/// Makes another instance a standby of the local primary; returns when it streams.
ScratchInstance& add_standby(Scene& scene, const std::string& name);
void stopped_standby(Scene& scene);
void killed_primary(Scene& scene);
void killed_standby(Scene& scene);
void killed_in_recovery(Scene& scene);
void recovering(Scene& scene);
void frozen_primary(Scene& scene);
void saturated_primary(Scene& scene);
void primary_with_orphans(Scene& scene);

/// A replication client of the local primary that calls itself so.
void add_replication_client(Scene& scene, const std::string& name);

// ---- What is found afterwards

[[nodiscard]] std::string server(Scene& scene);
[[nodiscard]] std::string scores(Scene& scene);
[[nodiscard]] std::string attributes(Scene& scene);

}  // namespace pgsqlms::test
