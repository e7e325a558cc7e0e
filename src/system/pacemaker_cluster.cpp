// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/pacemaker_cluster.hpp"

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

using cluster::PrivateAttribute;
using std::chrono_literals::operator""s;

constexpr Duration kNodeNamePatience = 5s;

constexpr const char* kAttributeTool = "attrd_updater";

/// "There is no such attribute": ENXIO of Pacemaker 1.1, CRM_EX_NOSUCH of 2.0, CRM_EX_CONFIG of 2.1.5.
bool says_no_such_attribute(const Outcome& outcome) {
  return outcome.exit_code == 6 || outcome.exit_code == 105 || outcome.exit_code == 78;
}

std::optional<std::string> quoted_value(std::string_view line, std::string_view name) {
  const std::string opening = std::string(name) + "=\"";
  const auto start = line.find(opening);
  if (start == std::string_view::npos) return std::nullopt;
  const auto value = line.substr(start + opening.size());
  const auto end = value.find('"');
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(value.substr(0, end));
}

/// What can be worked with: a success, or the news that there is no such attribute.
Outcome checked(const std::string& name, Outcome outcome) {
  if (!outcome.succeeded() && !says_no_such_attribute(outcome)) throw ocf::Failure(name + ": " + describe(outcome));
  return outcome;
}

using Tree = boost::property_tree::ptree;

std::optional<cluster::PromotionScore> score_in(const Tree& node, const std::string& attribute) {
  for (const auto& [tag, set] : node) {
    if (tag != "instance_attributes") continue;
    for (const auto& [inner_tag, pair] : set) {
      if (inner_tag == "nvpair" && pair.get("<xmlattr>.name", "") == attribute) {
        return cluster::parse_score(pair.get("<xmlattr>.value", ""));
      }
    }
  }
  return std::nullopt;
}

std::string attribute_of(const Tree& element, const std::string& name) { return element.get("<xmlattr>." + name, ""); }

bool is_set(const Tree& element, const std::string& name) { return attribute_of(element, name) == "true"; }

/// Older versions number the instances of a clone: pgsqld:0.
bool is_instance_of(const std::string& resource, const std::string& id) {
  return id == resource || id.compare(0, resource.size() + 1, resource + ":") == 0;
}

bool is_on(const Tree& instance, const cluster::NodeName& node) {
  return std::any_of(instance.begin(), instance.end(), [&](const auto& entry) {
    return entry.first == "node" && attribute_of(entry.second, "name") == node;
  });
}

/// Clones, groups and bundles hold resources.
std::optional<cluster::InstanceStatus> find_instance(const Tree& resources, const std::string& resource,
                                                     const cluster::NodeName& node) {
  for (const auto& [tag, element] : resources) {
    if (tag == "resource" && is_instance_of(resource, attribute_of(element, "id")) && is_set(element, "active") &&
        is_on(element, node)) {
      cluster::InstanceStatus status;
      status.managed = is_set(element, "managed");
      status.orphaned = is_set(element, "orphaned");
      status.failed = is_set(element, "failed");
      status.blocked = is_set(element, "blocked");
      status.pending = attribute_of(element, "pending");
      status.target_role = attribute_of(element, "target_role");
      return status;
    }
    if (auto found = find_instance(element, resource, node)) return found;
  }
  return std::nullopt;
}

}  // namespace

PacemakerCluster::PacemakerCluster(const ocf::Context& context, const ocf::Environment& environment, Clock& clock)
    : resource_(context.resource),
      tool_directory_(environment.text("HA_SBIN_DIR").value_or("/usr/sbin")),
      local_node_(context.node),
      clock_(clock) {}

Command PacemakerCluster::tool(std::vector<std::string> arguments) const {
  Command command;
  command.arguments = std::move(arguments);
  command.arguments.front().insert(0, tool_directory_ + "/");
  // attrd_updater of Pacemaker 2.1.5 shows the local node only where this variable is set.
  command.unset = {"OCF_RESKEY_CRM_meta_on_node"};
  return command;
}

Outcome PacemakerCluster::run_tool(std::vector<std::string> arguments, Deadline deadline) const {
  const auto name = arguments.front();
  return checked(name, run(tool(std::move(arguments)), deadline));
}

std::string PacemakerCluster::score_attribute() const { return "master-" + resource_; }

std::string PacemakerCluster::attribute_name(PrivateAttribute attribute) const {
  switch (attribute) {
    case PrivateAttribute::Vote: return "lsn_location-" + resource_;
    case PrivateAttribute::ShutdownCheckpoint: return "shutdown_checkpoint-" + resource_;
  }
  return {};
}

cluster::NodeName PacemakerCluster::local_node() {
  if (!local_node_) {
    const auto outcome = run_tool({"crm_node", "-n"}, Deadline(clock_, kNodeNamePatience));
    local_node_ = std::string(trimmed(outcome.out));
    if (local_node_->empty()) throw ocf::Failure("crm_node does not know the name of this node");
  }
  return *local_node_;
}

cluster::Membership PacemakerCluster::membership(Deadline deadline) {
  return parse_membership(run_tool({"crm_mon", "--as-xml"}, deadline).out);
}

cluster::LocalStatus PacemakerCluster::local_status(Deadline deadline) {
  return parse_local_status(run_tool({"crm_mon", "--as-xml"}, deadline).out, resource_, local_node());
}

void PacemakerCluster::report_failure(const cluster::NodeName& node, Deadline deadline) {
  const auto outcome = run_tool({"crm_resource", "--fail", "--resource", resource_, "--node", node}, deadline);
  if (!outcome.succeeded()) throw ocf::Failure("crm_resource --fail: " + describe(outcome));
}

cluster::ScoreTable PacemakerCluster::promotion_scores(Deadline deadline) {
  return parse_scores(run_tool({"cibadmin", "-Q", "-o", "nodes"}, deadline).out, score_attribute());
}

cluster::ScoreTable PacemakerCluster::placement_scores(Deadline deadline) {
  return parse_placement(run_tool({"crm_simulate", "-sL"}, deadline).out, resource_);
}

void PacemakerCluster::set_promotion_score(const cluster::NodeName& node, cluster::PromotionScore score,
                                           Deadline deadline) {
  const auto outcome = run_tool({"crm_attribute", "--name=" + score_attribute(), "--lifetime=forever", "--node=" + node,
                                 "--update=" + cluster::to_string(score), "--quiet"},
                                deadline);
  if (!outcome.succeeded()) throw ocf::Failure("no promotion score set for " + node + ": " + describe(outcome));
}

cluster::AttributeTable PacemakerCluster::attributes(PrivateAttribute attribute, Deadline deadline) {
  const auto outcome = run_tool({kAttributeTool, "-Q", "-A", "--name", attribute_name(attribute)}, deadline);
  return outcome.succeeded() ? parse_attributes(outcome.out) : cluster::AttributeTable{};
}

void PacemakerCluster::set_attribute(PrivateAttribute attribute, const std::string& value, Deadline deadline) {
  const auto outcome = run_tool({kAttributeTool, "--private", "--lifetime", "reboot", "--name",
                                 attribute_name(attribute), "-N", local_node(), "--update", value},
                                deadline);
  if (!outcome.succeeded()) throw ocf::Failure(attribute_name(attribute) + " not published: " + describe(outcome));
}

void PacemakerCluster::delete_attribute(PrivateAttribute attribute, const cluster::NodeName& node, Deadline deadline) {
  static_cast<void>(run_tool({kAttributeTool, "--private", "--lifetime", "reboot", "--name", attribute_name(attribute),
                              "-N", node, "--delete"},
                             deadline));
}

cluster::ScoreTable parse_scores(const std::string& cib_nodes, const std::string& attribute) try {
  std::istringstream text(cib_nodes);
  Tree tree;
  boost::property_tree::read_xml(text, tree);
  cluster::ScoreTable scores;
  for (const auto& [tag, node] : tree.get_child("nodes")) {
    if (tag == "node") scores[node.get<std::string>("<xmlattr>.uname")] = score_in(node, attribute);
  }
  return scores;
} catch (const boost::property_tree::ptree_error& error) {
  throw ocf::Failure(std::string("cibadmin --query printed no nodes: ") + error.what());
}

namespace {

/// The root of what crm_mon prints. Throws ocf::Failure if it is no such XML.
Tree read_status(const std::string& crm_mon) try {
  std::istringstream text(crm_mon);
  Tree tree;
  boost::property_tree::read_xml(text, tree);
  auto root = tree.get_child("crm_mon");
  static_cast<void>(root.get_child("nodes"));
  static_cast<void>(root.get_child("resources"));
  return root;
} catch (const boost::property_tree::ptree_error& error) {
  throw ocf::Failure(std::string("crm_mon printed no status: ") + error.what());
}

}  // namespace

cluster::LocalStatus parse_local_status(const std::string& crm_mon, const std::string& resource,
                                        const cluster::NodeName& node) {
  const auto root = read_status(crm_mon);
  cluster::LocalStatus status;
  for (const auto& [tag, element] : root.get_child("nodes")) {
    if (tag != "node" || attribute_of(element, "name") != node) continue;
    status.online = is_set(element, "online");
    status.standby = is_set(element, "standby");
    status.maintenance = is_set(element, "maintenance");
    status.shutting_down = is_set(element, "shutdown");
  }
  status.instance = find_instance(root.get_child("resources"), resource, node);
  return status;
}

cluster::Membership parse_membership(const std::string& crm_mon) {
  cluster::Membership membership;
  const auto root = read_status(crm_mon);
  for (const auto& [tag, element] : root.get_child("nodes")) {
    if (tag != "node" || !is_set(element, "online")) continue;
    membership.online.push_back(attribute_of(element, "name"));
    if (is_set(element, "maintenance")) membership.in_maintenance.push_back(attribute_of(element, "name"));
  }
  return membership;
}

cluster::ScoreTable parse_placement(const std::string& crm_simulate, const std::string& resource) {
  constexpr std::string_view kBetween = " promotion score on ";
  cluster::ScoreTable placement;
  for (const auto line : split(crm_simulate, "\n")) {
    const auto at = line.find(kBetween);
    if (at == std::string_view::npos) continue;
    const auto instance = words(line.substr(0, at));  // some versions begin the line with a bullet
    if (instance.empty() || !is_instance_of(resource, std::string(instance.back()))) continue;
    const auto rest = line.substr(at + kBetween.size());
    const auto colon = rest.rfind(": ");
    if (colon == std::string_view::npos) continue;
    const auto score = cluster::parse_score(trimmed(rest.substr(colon + 1)));
    auto& known = placement[std::string(rest.substr(0, colon))];
    if (score) known = std::max(known.value_or(-cluster::kInfinity), *score);
  }
  return placement;
}

cluster::AttributeTable parse_attributes(const std::string& lines) {
  cluster::AttributeTable values;
  for (const auto line : split(lines, "\n")) {
    const auto host = quoted_value(line, "host");
    const auto value = quoted_value(line, "value");
    if (host && value && !value->empty()) values[*host] = *value;
  }
  return values;
}

}  // namespace pgsqlms::system
