// SPDX-License-Identifier: PostgreSQL
// PacemakerCluster: the cluster through Pacemaker's own tools (crm_attribute, attrd_updater, cibadmin, crm_node,
// crm_mon, crm_resource, crm_simulate).
//
// The tools are the only interface that all versions from 1.1.13 to 3.0 have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/ocf/context.hpp"
#include "pgsqlms/ocf/environment.hpp"
#include "pgsqlms/system/subprocess.hpp"

namespace pgsqlms::system {

class PacemakerCluster : public cluster::Cluster {
 public:
  PacemakerCluster(const ocf::Context& context, const ocf::Environment& environment, Clock& clock);

  [[nodiscard]] cluster::NodeName local_node() override;
  [[nodiscard]] cluster::Membership membership(Deadline deadline) override;
  [[nodiscard]] cluster::LocalStatus local_status(Deadline deadline) override;
  void report_failure(const cluster::NodeName& node, Deadline deadline) override;
  [[nodiscard]] cluster::ScoreTable promotion_scores(Deadline deadline) override;
  [[nodiscard]] cluster::ScoreTable placement_scores(Deadline deadline) override;
  void set_promotion_score(const cluster::NodeName& node, cluster::PromotionScore score, Deadline deadline) override;
  [[nodiscard]] cluster::AttributeTable attributes(cluster::PrivateAttribute attribute, Deadline deadline) override;
  void set_attribute(cluster::PrivateAttribute attribute, const std::string& value, Deadline deadline) override;
  void delete_attribute(cluster::PrivateAttribute attribute, const cluster::NodeName& node, Deadline deadline) override;

 private:
  [[nodiscard]] Command tool(std::vector<std::string> arguments) const;
  [[nodiscard]] Outcome run_tool(std::vector<std::string> arguments, Deadline deadline) const;
  [[nodiscard]] std::string score_attribute() const;
  [[nodiscard]] std::string attribute_name(cluster::PrivateAttribute attribute) const;

  std::string resource_;
  std::string tool_directory_;
  std::optional<cluster::NodeName> local_node_;
  Clock& clock_;
};

/// The scores in what `cibadmin -Q -o nodes` prints. Throws ocf::Failure if it is no such XML.
[[nodiscard]] cluster::ScoreTable parse_scores(const std::string& cib_nodes, const std::string& attribute);

/// What `crm_mon --as-xml` prints of the node and of the resource's instance there. Throws ocf::Failure if it is no
/// such XML.
[[nodiscard]] cluster::LocalStatus parse_local_status(const std::string& crm_mon, const std::string& resource,
                                                      const cluster::NodeName& node);

/// The nodes that `crm_mon --as-xml` shows as online, whatever their kind. Throws as parse_local_status().
[[nodiscard]] cluster::Membership parse_membership(const std::string& crm_mon);

/// What `crm_simulate -sL` prints of the resource's promotion: of each node the best score of the clone's instances.
[[nodiscard]] cluster::ScoreTable parse_placement(const std::string& crm_simulate, const std::string& resource);

/// The values in what `attrd_updater -Q -A` prints; empty ones mean that the attribute is not set.
[[nodiscard]] cluster::AttributeTable parse_attributes(const std::string& lines);

}  // namespace pgsqlms::system
