// SPDX-License-Identifier: PostgreSQL
// ClusterStandIn: what an agent sees of a cluster without one. Pacemaker's own crm_attribute, crm_master, crm_resource
// and cibadmin work on a CIB in a file; small scripts stand in for crm_node and attrd_updater, which need daemons.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent_run.hpp"
#include "scratch_folder.hpp"

namespace pgsqlms::test {

class ClusterStandIn {
 public:
  /// Nodes srv1, srv2 and srv3, all online; the first one is the local node.
  ClusterStandIn();

  void set_nodes(const std::vector<std::string>& nodes);
  /// The members of the partition, where not all nodes are.
  void set_members(const std::vector<std::string>& members) const;
  /// Whether the clone has notify=true in the CIB.
  void set_notify(const std::string& value);
  void set_score(const std::string& node, const std::string& score, const std::string& resource = "pgsqld");
  /// A private attribute of the resource pgsqld.
  void set_attribute(const std::string& name, const std::string& node, const std::string& value) const;
  /// Puts a script in a tool's place.
  void replace_tool(const std::string& tool, const std::string& script) const;

  /// Promotion scores: "srv1 1001, srv2 1000".
  [[nodiscard]] std::string scores(const std::string& resource = "pgsqld") const;
  /// Private attributes and their nodes: "lsn_location srv1, nodes srv1".
  [[nodiscard]] std::string attributes() const;
  [[nodiscard]] std::string attribute(const std::string& name, const std::string& node = "srv1") const;

  /// What the agent needs in its environment to find all this.
  [[nodiscard]] Variables environment() const;

  /// Brings the CIB and the attributes back to what they were at the last call of remember().
  void remember();
  void restore() const;

 private:
  void write_cib() const;
  [[nodiscard]] std::string attribute_file(const std::string& name, const std::string& node) const;
  [[nodiscard]] std::map<std::string, std::string> attribute_files() const;

  ScratchFolder folder_;
  std::vector<std::string> nodes_ = {"srv1", "srv2", "srv3"};
  std::string notify_ = "true";
  std::map<std::string, std::map<std::string, std::string>> scores_;  ///< of each node, by resource
  std::string remembered_cib_;
  std::map<std::string, std::string> remembered_attributes_;
};

}  // namespace pgsqlms::test
