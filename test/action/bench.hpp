// SPDX-License-Identifier: PostgreSQL
// Bench: a cluster of three nodes in memory, on which whole actions are run as Pacemaker would call them.
#pragma once

#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include "fake/fake_clock.hpp"
#include "fake/fake_cluster.hpp"
#include "fake/fake_instance.hpp"
#include "fake/fake_watcher.hpp"
#include "pgsqlms/ocf/action.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/ocf/environment.hpp"

namespace pgsqlms::action {

using Orders = std::vector<std::string>;

/// What is logged while it lives.
class CapturedLog {
 public:
  CapturedLog();
  ~CapturedLog();
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  /// Whether there is a line of that level ("warning") that holds the words.
  [[nodiscard]] bool has(const std::string& level, const std::string& words) const;

 private:
  std::ostringstream lines_;
};

struct World {
  fake::FakeClock clock;
  fake::FakeCluster cluster{clock, {"srv1", "srv2", "srv3"}};
  CapturedLog log;
};

/// One node with its instance, called without notification lists unless a test or a recorded call brings them.
class Node {
 public:
  Node(World& world, std::string name, decision::InstanceState state);

  fake::FakeInstance instance;
  fake::FakeWatcher watcher{instance};
  ocf::Environment environment;

  /// Runs an action in `environment`; a Failure becomes the answer, as in main().
  [[nodiscard]] ocf::Answer act(ocf::Action action);
  /// What its watcher does when it finds that the server has ended.
  void report_death();
  /// Runs a call of test/data/ocf-env in its environment, which stays.
  [[nodiscard]] ocf::Answer replay(const std::string& call);

  /// Sets a meta-attribute or parameter: "CRM_meta_timeout", "maxlag".
  void set(const std::string& variable, const std::string& value) { environment.set("OCF_RESKEY_" + variable, value); }
  /// Gives the environment the lists of a transition, of which all not named are empty: {"stop", "srv1"}.
  void set_transition(std::initializer_list<std::pair<std::string, std::string>> lists);
  /// The same with a notification's type and operation, and runs it.
  [[nodiscard]] ocf::Answer be_notified(const std::string& type, const std::string& operation);

  /// How long the last action took.
  [[nodiscard]] Duration took() const { return took_; }

  const std::string name;

 private:
  World& world_;
  fake::FakeMember member_;
  Duration took_{};
};

}  // namespace pgsqlms::action
