// SPDX-License-Identifier: PostgreSQL
#include "cluster_stand_in.hpp"

#include <filesystem>
#include <stdexcept>

#include "pgsqlms/system/pacemaker_cluster.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& words, const std::string& separator) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

/// Keeps each value in the file "NAME NODE". Both agents' ways to call the tool are known.
constexpr const char* kAttributeScript = R"sh(#!/bin/sh
name= node= value= does=query all=no
while [ $# -gt 0 ]; do
  case $1 in
    --name) name=$2; shift ;;
    --node|-N) node=$2; shift ;;
    --update) does=update value=$2; shift ;;
    --delete) does=delete ;;
    --query|-Q) does=query ;;
    -A) all=yes ;;
    --lifetime) shift ;;
  esac
  shift
done
cd "@attributes@" || exit 1
case $does in
  update) printf %s "$value" >"$name ${node:-@local@}" ;;
  delete) rm -f "$name ${node:-@local@}" ;;
  query)
    found=no
    if [ $all = yes ]; then set -- "$name "*; else set -- "$name ${node:-@local@}"; fi
    for file; do
      [ -e "$file" ] || continue
      found=yes
      printf 'name="%s" host="%s" value="%s"\n' "$name" "${file#"$name "}" "$(cat "$file")"
    done
    [ $found = yes ] || { echo "Could not query value of $name: attribute does not exist" >&2; exit 6; } ;;
esac
)sh";

std::string replaced(std::string text, const std::string& mark, const std::string& value) {
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size())) {
    text.replace(at, mark.size(), value);
  }
  return text;
}

}  // namespace

ClusterStandIn::ClusterStandIn() {
  make_folder(folder_ / "sbin");
  make_folder(folder_ / "attributes");
  make_folder(folder_ / "run");
  write_file(folder_ / "log", "");
  for (const auto* const tool :
       {"crm_attribute", "crm_master", "crm_resource", "crm_simulate", "cibadmin", "pacemakerd"}) {
    fs::create_symlink(std::string("/usr/sbin/") + tool, folder_ / "sbin/" + tool);
  }
  set_nodes(nodes_);
}

void ClusterStandIn::set_nodes(const std::vector<std::string>& nodes) {
  nodes_ = nodes;
  write_cib();
  set_members(nodes);
  replace_tool("attrd_updater",
               replaced(replaced(kAttributeScript, "@attributes@", folder_ / "attributes"), "@local@", nodes_[0]));
}

void ClusterStandIn::set_members(const std::vector<std::string>& members) const {
  replace_tool("crm_node", "#!/bin/sh\ncase $1 in\n  -n) echo '" + nodes_[0] + "' ;;\n  -p|--partition) echo '" +
                               joined(members, " ") + "' ;;\n  *) exit 64 ;;\nesac\n");
  std::string online;
  for (const auto& node : members) online += "<node name=\"" + node + "\" online=\"true\"/>";
  replace_tool("crm_mon", "#!/bin/sh\necho '<crm_mon><nodes>" + online + "</nodes><resources/></crm_mon>'\n");
}

void ClusterStandIn::set_notify(const std::string& value) {
  notify_ = value;
  write_cib();
}

void ClusterStandIn::set_score(const std::string& node, const std::string& score, const std::string& resource) {
  scores_[node][resource] = score;
  write_cib();
}

void ClusterStandIn::set_attribute(const std::string& name, const std::string& node, const std::string& value) const {
  write_file(attribute_file(name, node), value);
}

void ClusterStandIn::replace_tool(const std::string& tool, const std::string& script) const {
  const auto path = folder_ / "sbin/" + tool;
  fs::remove(path);  // not through a link to the real one
  write_file(path, script, 0755);
}

std::string ClusterStandIn::scores(const std::string& resource) const {
  const auto cib = contents_of(folder_ / "cib.xml");
  const auto begin = cib.find("<nodes");
  const auto end = cib.find("</nodes>") + std::string("</nodes>").size();
  std::vector<std::string> found;
  for (const auto& [node, score] : system::parse_scores(cib.substr(begin, end - begin), "master-" + resource)) {
    if (score) found.push_back(node + " " + cluster::to_string(*score));
  }
  return found.empty() ? "no score" : joined(found, ", ");
}

std::string ClusterStandIn::attributes() const {
  std::vector<std::string> found;
  for (const auto& [file, value] : attribute_files()) found.push_back(replaced(file, "-pgsqld", ""));
  return found.empty() ? "no attribute" : joined(found, ", ");
}

std::string ClusterStandIn::attribute(const std::string& name, const std::string& node) const {
  return contents_of(attribute_file(name, node));
}

Variables ClusterStandIn::environment() const {
  const auto tools = folder_ / "sbin";
  return {{"HA_SBIN_DIR", tools},
          {"HA_RSCTMP", folder_ / "run"},
          {"HA_LOGFILE", folder_ / "log"},
          {"HA_debug", "0"},
          {"CIB_file", folder_ / "cib.xml"},
          {"OCF_RESKEY_CRM_meta_on_node", nodes_[0]},
          {"PATH", tools + ":/usr/sbin:/usr/bin:/sbin:/bin"}};
}

void ClusterStandIn::remember() {
  remembered_cib_ = contents_of(folder_ / "cib.xml");
  remembered_attributes_ = attribute_files();
}

void ClusterStandIn::restore() const {
  write_file(folder_ / "cib.xml", remembered_cib_, 0600);
  // Pacemaker's tools keep the digest of the file that they wrote last.
  fs::remove(folder_ / "cib.xml.sig");
  for (const auto& [file, value] : attribute_files()) fs::remove(folder_ / "attributes/" + file);
  for (const auto& [file, value] : remembered_attributes_) write_file(folder_ / "attributes/" + file, value);
}

void ClusterStandIn::write_cib() const {
  std::string nodes;
  int id = 0;
  for (const auto& node : nodes_) {
    const auto number = std::to_string(++id);
    std::string pairs;
    const auto known = scores_.find(node);
    if (known != scores_.end()) {
      for (const auto& [resource, score] : known->second) {
        pairs += "<nvpair id=\"nodes-" + number + "-master-" + resource + "\" name=\"master-" + resource +
                 "\" value=\"" + score + "\"/>";
      }
    }
    nodes += "<node id=\"" + number + "\" uname=\"" + node + "\">";
    if (!pairs.empty()) nodes += "<instance_attributes id=\"nodes-" + number + "\">" + pairs + "</instance_attributes>";
    nodes += "</node>";
  }
  write_file(folder_ / "cib.xml",
             "<cib crm_feature_set=\"3.16.1\" validate-with=\"pacemaker-3.9\" epoch=\"1\" num_updates=\"0\" "
             "admin_epoch=\"0\"><configuration><crm_config/><nodes>" +
                 nodes +
                 "</nodes><resources><clone id=\"pgsql-ha\"><meta_attributes id=\"pgsql-ha-meta\"><nvpair "
                 "id=\"pgsql-ha-notify\" name=\"notify\" value=\"" +
                 notify_ +
                 "\"/><nvpair id=\"pgsql-ha-promotable\" name=\"promotable\" value=\"true\"/></meta_attributes>"
                 "<primitive id=\"pgsqld\" class=\"ocf\" provider=\"heartbeat\" type=\"pgsqlms\"/></clone></resources>"
                 "<constraints/></configuration><status/></cib>\n",
             0600);
}

std::string ClusterStandIn::attribute_file(const std::string& name, const std::string& node) const {
  return folder_ / "attributes/" + name + "-pgsqld " + node;
}

std::map<std::string, std::string> ClusterStandIn::attribute_files() const {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder_ / "attributes")) {
    files[entry.path().filename()] = contents_of(entry.path());
  }
  return files;
}

}  // namespace pgsqlms::test
