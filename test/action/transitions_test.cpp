// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/transitions.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "fake/printing.hpp"

namespace pgsqlms::action {
namespace {

using decision::InstanceState;
using ocf::Action;

/// What the contract demands in which state; what is not here is refused.
const std::map<std::pair<Action, InstanceState>, Verb> kExpected = {
    {{Action::Start, InstanceState::Standby}, stay_a_standby},
    {{Action::Start, InstanceState::Stopped}, start_as_standby},
    {{Action::Start, InstanceState::CrashedPrimary}, start_as_standby},
    {{Action::Start, InstanceState::CrashedStandby}, start_as_standby},
    {{Action::Promote, InstanceState::Primary}, keep_primary_if_its_wal_counts},
    {{Action::Promote, InstanceState::Standby}, promote_if_best},
    {{Action::Promote, InstanceState::Stopped}, start_and_promote},
    {{Action::Demote, InstanceState::Standby}, take_down},
    {{Action::Demote, InstanceState::Primary}, step_down},
    {{Action::Demote, InstanceState::Stopped}, take_down},
    {{Action::Demote, InstanceState::CrashedPrimary}, take_down},
    {{Action::Demote, InstanceState::CrashedStandby}, take_down},
    {{Action::Demote, InstanceState::Transitional}, take_down},
    {{Action::Start, InstanceState::Pending}, stay_a_standby},
    {{Action::Promote, InstanceState::Pending}, promote_if_best},
    {{Action::Demote, InstanceState::Pending}, take_down},
    {{Action::Demote, InstanceState::Unresponsive}, take_down},
    {{Action::Demote, InstanceState::Unreachable}, take_down},
    {{Action::Demote, InstanceState::Broken}, take_down},
    {{Action::Demote, InstanceState::SingleUser}, take_down},
};

TEST(Transitions, HaveARowForEveryPairThatTheContractAllowsAndForNoOther) {
  for (int i = 0; i <= static_cast<int>(Action::Methods); ++i) {
    const auto action = static_cast<Action>(i);
    for (const auto& answer : decision::kStateAnswers) {
      SCOPED_TRACE(std::string(ocf::spec_of(action).name) + ", " + std::string(answer.name));
      const auto expected = kExpected.find({action, answer.state});
      const auto* const found = find_transition(action, answer.state);
      ASSERT_EQ(found != nullptr, expected != kExpected.end());
      if (found == nullptr) continue;
      EXPECT_EQ(found->verb, expected->second);
      EXPECT_FALSE(found->comment.empty());
    }
  }
}

TEST(Transitions, HaveOneRowForAPair) {
  std::set<std::pair<Action, InstanceState>> pairs;
  for (const auto& row : kTransitions) {
    EXPECT_TRUE(pairs.emplace(row.action, row.found).second) << row.comment << " in state " << row.found;
  }
}

}  // namespace
}  // namespace pgsqlms::action
