// SPDX-License-Identifier: PostgreSQL
// What holds for every action in every state, whatever goes wrong.
#include <gtest/gtest.h>

#include <functional>

#include "bench.hpp"
#include "fake/printing.hpp"
#include "pgsqlms/action/shutdown.hpp"

namespace pgsqlms::action {
namespace {

using ocf::Action;
using ocf::ReturnCode;

constexpr Action kActing[] = {Action::Start,  Action::Stop,   Action::Promote,     Action::Demote,     Action::Monitor,
                              Action::Notify, Action::Reload, Action::ReloadAgent, Action::ValidateAll};

struct Trouble {
  const char* name;
  std::function<void(World&, Node&)> make;
};

const Trouble kTroubles[] = {
    {"none", [](World&, Node&) {}},
    {"starts for ever", [](World&, Node& node) { node.instance.start_takes = fake::kNever; }},
    {"stops for ever", [](World&, Node& node) { node.instance.stop_takes = fake::kNever; }},
    {"is promoted for ever", [](World&, Node& node) { node.instance.promotion_takes = fake::kNever; }},
    {"dies while it starts", [](World&, Node& node) { node.instance.dies_while_starting = true; }},
    {"dies while it is promoted", [](World&, Node& node) { node.instance.dies_while_promoted = true; }},
    {"has orphans that cannot be ended",
     [](World&, Node& node) {
       node.instance.orphans = node.instance.postmaster ? 0 : 1;
       node.instance.has_immortal_orphans = true;
     }},
    {"has a slow cluster", [](World& world, Node&) { world.cluster.latency = std::chrono::seconds(2); }},
    {"has a cluster that hangs", [](World& world, Node&) { world.cluster.latency = fake::kNever; }},
    {"has no cluster", [](World& world, Node&) { world.cluster.fails = true; }},
};

/// A transition that concerns the node in every way, with two other nodes that stay silent.
void plan_everything(Node& node) {
  node.set_transition({{"active", "srv1 srv2 srv3"},
                       {"promoted", "srv1"},
                       {"unpromoted", "srv2 srv3"},
                       {"demote", "srv1"},
                       {"promote", "srv1"}});
}

/// Runs every action in every state with every trouble, by hand and in a transition.
void for_all(const std::function<void(Node&, Action, const ocf::Answer&)>& check) {
  for (const auto action : kActing)
    for (const auto& state : decision::kStateAnswers)
      for (const auto& trouble : kTroubles)
        for (const std::string type : {"", "pre", "post"}) {
          SCOPED_TRACE(std::string(ocf::spec_of(action).name) + " of an instance that is " + std::string(state.name) +
                       ", trouble: " + trouble.name + ", notification: " + type);
          World world;
          Node srv1(world, "srv1", state.state);
          srv1.set("CRM_meta_timeout", "5000");
          if (!type.empty()) plan_everything(srv1);
          srv1.set("CRM_meta_notify_type", type);
          srv1.set("CRM_meta_notify_operation", "promote");
          trouble.make(world, srv1);
          const auto answer = srv1.act(action);
          check(srv1, action, answer);
          if (testing::Test::HasFatalFailure()) return;
        }
}

TEST(EveryAction, EndsInTime) {
  for_all([](const Node& node, Action, const ocf::Answer&) { ASSERT_LT(node.took(), std::chrono::seconds(5)); });
}

TEST(EveryAction, NeverStopsTheResourceOnAllNodes) {
  for_all([](const Node&, Action, const ocf::Answer& answer) { ASSERT_NE(answer.code, ReturnCode::ErrConfigured); });
}

TEST(EveryAction, GivesAReasonForEveryError) {
  for_all([](const Node&, Action, const ocf::Answer& answer) {
    const bool is_error = answer.code != ReturnCode::Success && answer.code != ReturnCode::NotRunning &&
                          answer.code != ReturnCode::RunningPromoted;
    ASSERT_EQ(is_error, !answer.reason.empty()) << answer.reason;
  });
}

TEST(EveryAction, GivesAShortReasonOnOneLine) {
  for_all([](const Node&, Action, const ocf::Answer& answer) {
    ASSERT_EQ(answer.reason.find('\n'), std::string::npos) << answer.reason;
    ASSERT_LE(answer.reason.size(), 128U) << answer.reason;
  });
}

TEST(EveryAction, NeverStartsAServerReadWrite) {
  for_all([](const Node& node, Action, const ocf::Answer&) { ASSERT_FALSE(node.instance.was_started_read_write); });
}

TEST(EveryAction, ButStopAndDemoteNeverStopsAServerUnlessItTakesNoSessionsAndVotes) {
  for_all([](const Node& node, Action action, const ocf::Answer&) {
    if (action == Action::Stop || action == Action::Demote) return;
    const auto& orders = node.instance.orders;
    if (action == Action::Notify && node.instance.takes_no_sessions) {
      const bool stops = !node.instance.postmaster || orders.size() > 1;
      ASSERT_EQ(std::count(orders.begin(), orders.end(), "stop"), orders.empty() ? 0 : 1);
      ASSERT_EQ(std::count(orders.begin(), orders.end(), "start"), stops && !orders.empty() ? 1 : 0);
      return;
    }
    for (const auto& order : orders) ASSERT_NE(order, "stop");
  });
}

TEST(Stop, SucceedsIfAndOnlyIfNoProcessIsLeft) {
  for_all([](Node& node, Action action, const ocf::Answer& answer) {
    if (action != Action::Stop) return;
    const auto processes = node.instance.processes();
    ASSERT_EQ(answer.code == ReturnCode::Success, !is_somebody_at_work(processes) && processes.orphans == 0 &&
                                                      !processes.elsewhere && processes.unknown.empty());
  });
}

TEST(Promote, SucceedsOnlyIfTheInstanceIsAPrimary) {
  for_all([](Node& node, Action action, const ocf::Answer& answer) {
    if (action != Action::Promote || answer.code != ReturnCode::Success) return;
    ASSERT_TRUE(node.instance.postmaster && node.instance.primary);
  });
}

TEST(Start, SucceedsOnlyIfTheInstanceIsAStandby) {
  for_all([](Node& node, Action action, const ocf::Answer& answer) {
    if (action != Action::Start || answer.code != ReturnCode::Success) return;
    ASSERT_TRUE(node.instance.postmaster && !node.instance.primary);
  });
}

}  // namespace
}  // namespace pgsqlms::action
