// SPDX-License-Identifier: PostgreSQL
#include "scene.hpp"

#include <csignal>
#include <filesystem>
#include <stdexcept>

#include "pgsqlms/system/server_processes.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

void wait_for_standby(const ScratchInstance& primary, const std::string& name) {
  const auto streams = [&] {
    return primary.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name = '" +
                       name + "'") == "1";
  };
  if (!eventually(streams)) throw std::runtime_error(name + " does not stream");
}

}  // namespace

Scene::Scene(std::string program) : agent(std::move(program)) {
  local.configure("primary_conninfo = 'application_name=srv1'");
  set_meta("timeout", "60000");
}

ScratchInstance& Scene::add_instance() {
  others_.push_back(std::make_unique<ScratchInstance>());
  return *others_.back();
}

void Scene::set(const std::string& parameter, const std::string& value) { changes["OCF_RESKEY_" + parameter] = value; }

void Scene::set_meta(const std::string& name, const std::string& value) { set("CRM_meta_" + name, value); }

void Scene::set_lists(const std::string& active, const std::string& promoted, const std::string& promote,
                      const std::string& demote, const std::string& stop, const std::string& start) {
  const auto resources = [](const std::string& nodes) {
    std::string text;
    for (std::size_t i = 0; i < words(nodes).size(); ++i) text += (i == 0 ? "pgsqld:" : " pgsqld:") + std::to_string(i);
    return text.empty() ? " " : text;
  };
  std::string unpromoted;
  for (const auto node : words(active)) {
    if ((" " + promoted + " ").find(" " + std::string(node) + " ") == std::string::npos) {
      unpromoted += (unpromoted.empty() ? "" : " ") + std::string(node);
    }
  }
  for (const auto& [list, nodes] : Variables{{"active", active},
                                             {"master", promoted},
                                             {"slave", unpromoted},
                                             {"promote", promote},
                                             {"demote", demote},
                                             {"stop", stop},
                                             {"start", start}}) {
    set_meta("notify_" + list + "_uname", nodes.empty() ? " " : nodes);
    set_meta("notify_" + list + "_resource", resources(nodes));
  }
  set_meta("notify_inactive_resource", " ");
}

void Scene::set_notification(const std::string& type, const std::string& operation) {
  set_meta("notify_type", type);
  set_meta("notify_operation", operation);
}

void Scene::replace_program(const std::string& name, const std::string& script) {
  const auto folder = local.folder() / "bin";
  if (!fs::exists(folder)) {
    make_folder(folder);
    for (const auto& entry : fs::directory_iterator(server_programs())) {
      fs::create_symlink(entry.path(), folder + "/" + entry.path().filename().string());
    }
    set("bindir", folder);
  }
  fs::remove(folder + "/" + name);
  write_file(folder + "/" + name, script, 0755);
}

Variables Scene::environment() const { return with(with(environment_for(local), cluster.environment()), changes); }

const AgentRun& Scene::run(const std::vector<std::string>& arguments, const Variables& more) {
  conditions.program = agent;
  last = run_agent(arguments, with(environment(), more), conditions);
  return last;
}

void untouched(Scene& /*scene*/) {}

void running_primary(Scene& scene) { scene.local.start(); }

ScratchInstance& standby_of(Scene& scene) {
  auto& primary = scene.add_instance();
  scene.local.follow(primary, "srv1");
  primary.start();
  scene.local.start();
  wait_for_standby(primary, "srv1");
  return primary;
}

void running_standby(Scene& scene) { standby_of(scene); }

ScratchInstance& add_standby(Scene& scene, const std::string& name) {
  auto& standby = scene.add_instance();
  standby.follow(scene.local, name);
  standby.start();
  wait_for_standby(scene.local, name);
  return standby;
}

void primary_with_standby(Scene& scene) {
  scene.local.start();
  add_standby(scene, "srv2");
}

void stopped_standby(Scene& scene) {
  running_standby(scene);
  scene.local.stop();
}

void killed_primary(Scene& scene) {
  scene.local.start();
  scene.local.kill_server();
}

void killed_standby(Scene& scene) {
  running_standby(scene);
  scene.local.kill_server();
}

void recovering(Scene& scene) {
  scene.hold<BlockedRecovery>(scene.local);
  scene.local.launch();
  if (!scene.local.has_logged("redo starts")) throw std::runtime_error("the crash recovery does not begin");
}

void killed_in_recovery(Scene& scene) {
  recovering(scene);
  scene.local.kill_postmaster();
  end_processes_in(scene.local.data());  // the startup process waits in the kernel and does not see that it is alone
}

void frozen_primary(Scene& scene) {
  scene.local.start();
  scene.hold<Frozen>(scene.local.postmaster());
}

void saturated_primary(Scene& scene) { scene.hold<Saturation>(scene.local); }

void primary_with_orphans(Scene& scene) {
  scene.local.start();
  const auto backend = scene.hold<Session>(scene.local.conninfo()).backend();
  scene.hold<Frozen>(backend);
  scene.local.kill_postmaster();
}

void add_replication_client(Scene& scene, const std::string& name) {
  Start start;
  start.arguments = {server_programs() + "/pg_receivewal", "--no-loop", "--directory=" + scene.local.folder().path(),
                     "--dbname=" + scene.local.conninfo() + " application_name='" + name + "'"};
  scene.hold<Child>(start);
  const auto is_there = [&] {
    return scene.local.ask("SELECT count(*) FROM pg_stat_replication WHERE application_name = '" + name + "'") == "1";
  };
  if (!eventually(is_there)) throw std::runtime_error("the replication client does not connect");
}

std::string server(Scene& scene) {
  if (system::find_server_processes(scene.local.data()).empty()) return "no server runs";
  try {
    return scene.local.ask("SELECT pg_is_in_recovery()") == "t" ? "a standby runs" : "a primary runs";
  } catch (const std::exception&) {
    return "a server runs that takes no session";
  }
}

std::string scores(Scene& scene) { return scene.cluster.scores(); }

std::string attributes(Scene& scene) { return scene.cluster.attributes(); }

}  // namespace pgsqlms::test
