// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/validate.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "bench.hpp"
#include "fake/printing.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using ocf::Action;
using ocf::ReturnCode;

constexpr pg::ServerVersion kVersion11{110000};

struct Fault {
  const char* words;  ///< that the reason must hold
  ReturnCode code;
  std::function<void(Node&)> make;
  bool hinders_promotion = true;
};

const Fault kFaults[] = {
    {"pgport=\"70000\"", ReturnCode::ErrArgs, [](Node& node) { node.set("pgport", "70000"); }},
    {"maxlag=\"-5\"", ReturnCode::ErrInstalled, [](Node& node) { node.set("maxlag", "-5"); }},
    {"crm_feature_set \"3.0.9\"", ReturnCode::ErrInstalled, [](Node& node) { node.set("crm_feature_set", "3.0.9"); }},
    {"crm_feature_set \"new\"", ReturnCode::ErrInstalled, [](Node& node) { node.set("crm_feature_set", "new"); }},
    {"notify=true", ReturnCode::ErrInstalled, [](Node& node) { node.set("CRM_meta_notify", "false"); }},
    {"promoted-max is \"2\"", ReturnCode::ErrInstalled, [](Node& node) { node.set("CRM_meta_promoted_max", "2"); }},
    {"promoted-max is \"2\"", ReturnCode::ErrInstalled,
     [](Node& node) {
       node.set("CRM_meta_promoted_max", "");
       node.set("CRM_meta_master_max", "2");
     }},
    {"not a promotable clone", ReturnCode::ErrInstalled, [](Node& node) { node.set("CRM_meta_promoted_max", ""); }},
    {"pgdata \"/var/lib/pgsql/data\" is not a directory", ReturnCode::ErrArgs,
     [](Node& node) { node.instance.installed.pgdata = false; }},
    {"datadir \"/srv/data\" is not a directory", ReturnCode::ErrArgs,
     [](Node& node) {
       node.set("datadir", "/srv/data");
       node.instance.installed.data_directory = false;
     }},
    {"PG_VERSION\" cannot be read", ReturnCode::ErrArgs, [](Node& node) { node.instance.installed.version.reset(); }},
    {"PostgreSQL 9.2 is not supported", ReturnCode::ErrInstalled,
     [](Node& node) { node.instance.installed.version = pg::ServerVersion{90200}; }},
    {"system_user \"pgsql\" does not exist", ReturnCode::ErrArgs,
     [](Node& node) {
       node.set("system_user", "pgsql");
       node.instance.installed.system_user = false;
     }},
    {"\"/usr/bin/pg_controldata\" cannot be executed", ReturnCode::ErrInstalled,
     [](Node& node) { node.instance.installed.missing_program = "/usr/bin/pg_controldata"; }},
    {"pg_controldata does not understand", ReturnCode::ErrArgs, [](Node& node) { node.instance.control.reset(); },
     false},
    {"wal_level is \"minimal\"", ReturnCode::ErrArgs, [](Node& node) { node.instance.control->wal_level = "minimal"; },
     false},
    {"recovery.conf.pcmk\" exists", ReturnCode::ErrArgs,
     [](Node& node) { node.instance.installed.recovery_template = true; }, false},
    {"recovery.conf.pcmk\" does not exist", ReturnCode::ErrArgs,
     [](Node& node) { node.instance.installed.version = kVersion11; }, false},
    {"application_name in primary_conninfo is \"srv2\"", ReturnCode::ErrArgs,
     [](Node& node) {
       node.instance.settings = {"", "latest", "srv2", ""};
     },
     false},
    {"recovery_target_timeline is \"current\"", ReturnCode::ErrArgs,
     [](Node& node) {
       node.instance.settings = {"", "current", "srv1", ""};
     },
     false},
    {"standby_mode is \"off\"", ReturnCode::ErrArgs,
     [](Node& node) {
       node.instance.installed.version = kVersion11;
       node.instance.installed.recovery_template = true;
       node.instance.settings = {"off", "latest", "srv1", ""};
     },
     false},
    {"the recovery template includes other files", ReturnCode::ErrArgs,
     [](Node& node) {
       node.instance.installed.version = kVersion11;
       node.instance.installed.recovery_template = true;
       node.instance.settings = {"on", "latest", "srv1", "", true};
     },
     false},
};

TEST(Validate, FindsNothingWrongWhereAllIsWell) {
  for (const auto version : {90300, 90600, 110000, 120000, 180000}) {
    SCOPED_TRACE(version);
    World world;
    Node srv1(world, "srv1", InstanceState::Stopped);
    srv1.instance.installed.version = pg::ServerVersion{version};
    srv1.instance.installed.recovery_template = version < 120000;
    const auto answer = srv1.act(Action::ValidateAll);
    EXPECT_EQ(answer.code, ReturnCode::Success) << answer.reason;
  }
}

TEST(Validate, NamesWhatIsWrongWithItsValue) {
  for (const auto& fault : kFaults) {
    SCOPED_TRACE(fault.words);
    World world;
    Node srv1(world, "srv1", InstanceState::Stopped);
    fault.make(srv1);
    const auto answer = srv1.act(Action::ValidateAll);
    EXPECT_EQ(answer.code, fault.code);
    EXPECT_NE(answer.reason.find(fault.words), std::string::npos) << answer.reason;
  }
}

TEST(Validate, KeepsAStartAndAPromotionFromActing) {
  for (const auto& fault : kFaults) {
    SCOPED_TRACE(fault.words);
    for (const auto action : {Action::Start, Action::Promote}) {
      if (action == Action::Promote && !fault.hinders_promotion) continue;
      World world;
      Node srv1(world, "srv1", action == Action::Start ? InstanceState::Stopped : InstanceState::Standby);
      fault.make(srv1);
      EXPECT_EQ(srv1.act(action).code, fault.code);
      EXPECT_EQ(srv1.instance.orders, Orders{});
      EXPECT_EQ(world.cluster.writes, Orders{});
    }
  }
}

TEST(Validate, LetsAPromotionGoOnWhereOnlyAStandbyWouldSuffer) {
  for (const auto& fault : kFaults) {
    if (fault.hinders_promotion) continue;
    SCOPED_TRACE(fault.words);
    World world;
    Node srv1(world, "srv1", InstanceState::Standby);
    fault.make(srv1);
    srv1.instance.control = srv1.instance.control.value_or(pg::ControlData{});
    const auto answer = srv1.act(Action::Promote);
    EXPECT_EQ(answer.code, ReturnCode::Success) << answer.reason;
    EXPECT_EQ(srv1.instance.orders, Orders{"promote"});
    for (const auto& question : srv1.instance.questions) EXPECT_NE(question, "recovery_settings");
  }
}

TEST(Validate, NeverRunsBeforeAnyOtherAction) {
  for (const auto action :
       {Action::Monitor, Action::Stop, Action::Demote, Action::Notify, Action::Reload, Action::ReloadAgent}) {
    for (const auto& fault : kFaults) {
      SCOPED_TRACE(std::string(ocf::spec_of(action).name) + ": " + fault.words);
      World world;
      Node srv1(world, "srv1", InstanceState::Primary);
      fault.make(srv1);
      // Without pg_control a shutdown cannot be proven clean; that is the demotion's own business.
      if (action == Action::Demote && !srv1.instance.control) continue;
      const auto answer = srv1.act(action);
      EXPECT_EQ(answer.code, action == Action::Monitor ? ReturnCode::RunningPromoted : ReturnCode::Success);
      for (const auto& question : srv1.instance.questions) {
        EXPECT_NE(question, "installation");
        EXPECT_NE(question, "recovery_settings");
      }
    }
  }
}

TEST(Validate, ChangesNothing) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  static_cast<void>(srv1.act(Action::ValidateAll));
  EXPECT_EQ(srv1.instance.orders, Orders{});
  EXPECT_EQ(world.cluster.writes, Orders{});
}

TEST(Validate, AcceptsTheWalLevelsOfAStandbysPrimary) {
  for (const auto* level : {"replica", "logical", "hot_standby"}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Stopped);
    srv1.instance.control->wal_level = level;
    EXPECT_EQ(srv1.act(Action::ValidateAll).code, ReturnCode::Success) << level;
  }
}

/// As `crm_resource --validate` and `pcs resource create` call, without a clone.
Node called_by_hand(World& world) {
  Node node(world, "srv1", InstanceState::Stopped);
  for (const auto* option : {"clone", "clone_max", "notify", "promoted_max"}) {
    node.set(std::string("CRM_meta_") + option, "");
  }
  return node;
}

TEST(Validate, DemandsNoCloneOptionsWithoutAClone) {
  World world;
  auto srv1 = called_by_hand(world);
  EXPECT_EQ(srv1.act(Action::ValidateAll).code, ReturnCode::Success);
}

TEST(Validate, DemandsThemAtTheFullCheckLevel) {
  World world;
  auto srv1 = called_by_hand(world);
  srv1.environment.set("OCF_CHECK_LEVEL", "9");
  EXPECT_EQ(srv1.act(Action::ValidateAll).code, ReturnCode::Success);
  srv1.environment.set("OCF_CHECK_LEVEL", "10");
  const auto answer = srv1.act(Action::ValidateAll);
  EXPECT_EQ(answer.code, ReturnCode::ErrInstalled);
  EXPECT_NE(answer.reason.find("notify=true"), std::string::npos) << answer.reason;
}

TEST(Validate, AcceptsACallWithoutAFeatureSet) {
  World world;
  Node srv1(world, "srv1", InstanceState::Stopped);
  srv1.set("crm_feature_set", "");
  EXPECT_EQ(srv1.act(Action::ValidateAll).code, ReturnCode::Success);
}

TEST(Reload, SucceedsAndTouchesNothing) {
  for (const auto action : {Action::Reload, Action::ReloadAgent}) {
    World world;
    Node srv1(world, "srv1", InstanceState::Primary);
    EXPECT_EQ(srv1.act(action).code, ReturnCode::Success);
    EXPECT_EQ(srv1.instance.questions, Orders{});
    EXPECT_EQ(world.cluster.calls, 0);
  }
}

}  // namespace
}  // namespace pgsqlms::action
