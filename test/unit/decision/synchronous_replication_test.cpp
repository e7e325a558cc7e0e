// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/synchronous_replication.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::decision {
namespace {

using cluster::NodeList;
using cluster::ScoreTable;

/// srv1 was the primary, all others streamed.
const ScoreTable kFive = {{"srv1", 1001}, {"srv2", 1000}, {"srv3", 990}, {"srv4", 980}, {"srv5", 970}};

NodeList missing(const std::string& setting, const NodeList& voters, const ScoreTable& scores = kFive,
                 const NodeList& promoted = {"srv1"}) {
  return find_missing_acknowledgers(pg::parse_synchronous_standby_names(setting).value(), voters, promoted, scores);
}

constexpr const char* kAny1 = "ANY 1 (srv1, srv2, srv3, srv4, srv5)";
constexpr const char* kAny2 = "ANY 2 (srv1, srv2, srv3, srv4, srv5)";

TEST(FindMissingAcknowledgers, NamesAsManyAbsentOnesAsCouldHaveAcknowledgedAlone) {
  EXPECT_EQ(missing(kAny1, {"srv2", "srv3", "srv4", "srv5"}), NodeList{});
  EXPECT_EQ(missing(kAny1, {"srv2", "srv3", "srv4"}), NodeList{"srv5"});
  EXPECT_EQ(missing(kAny2, {"srv2", "srv3", "srv4"}), NodeList{});
  EXPECT_EQ(missing(kAny2, {"srv2", "srv3"}), (NodeList{"srv4", "srv5"}));
  EXPECT_EQ(missing("ANY 1 (*)", {"srv2", "srv3", "srv4"}), NodeList{"srv5"});
  EXPECT_EQ(missing("ANY 1 (SRV2, SRV3)", {"srv4"}), (NodeList{"srv2", "srv3"}));
}

TEST(FindMissingAcknowledgers, NamesNobodyWhereReplicationIsAsynchronous) {
  EXPECT_EQ(missing("", {"srv2"}), NodeList{});
}

TEST(FindMissingAcknowledgers, DoesNotCountTheLastPrimaryWhoeverTellsIt) {
  EXPECT_EQ(missing(kAny1, {"srv2", "srv3", "srv4", "srv5"}, kFive, {}), NodeList{});
  auto scores = kFive;
  scores["srv1"] = -1000;
  EXPECT_EQ(missing(kAny1, {"srv2", "srv3", "srv4", "srv5"}, scores, {"srv1"}), NodeList{});
  // Two that have its score: the one that Pacemaker knows.
  scores["srv1"] = scores["srv5"] = 1001;
  EXPECT_EQ(missing(kAny1, {"srv2", "srv3", "srv4"}, scores, {"srv1"}), NodeList{"srv5"});
  // A failed promotion looks like a primary to Pacemaker.
  EXPECT_EQ(missing(kAny1, {"srv3", "srv4", "srv5"}, kFive, {"srv2"}), NodeList{"srv2"});
}

TEST(FindMissingAcknowledgers, MissesNothingThatTheLastPrimaryItselfBrings) {
  EXPECT_EQ(missing(kAny1, {"srv1", "srv2"}), NodeList{});
}

TEST(FindMissingAcknowledgers, DoesNotCountWhoWasNotConnected) {
  for (const auto score : {std::optional<int>(-1000), std::optional<int>(-990), std::optional<int>()}) {
    auto scores = kFive;
    scores["srv5"] = score;
    EXPECT_EQ(missing(kAny1, {"srv2", "srv3", "srv4"}, scores), NodeList{});
  }
}

TEST(FindMissingAcknowledgers, CountsWhoHasReturnedSince) {
  auto scores = kFive;
  scores["srv5"] = cluster::kNotReadyScore;
  EXPECT_EQ(missing(kAny1, {"srv2", "srv3", "srv4"}, scores), NodeList{"srv5"});
}

TEST(FindMissingAcknowledgers, OfPrioritiesCountsOnlyWhoMayHaveBeenAmongTheFirst) {
  constexpr const char* kFirst = "FIRST 1 (srv2, srv3, srv4, srv5)";
  EXPECT_EQ(missing(kFirst, {"srv2", "srv3", "srv4"}), NodeList{});
  EXPECT_EQ(missing(kFirst, {"srv3", "srv4", "srv5"}), NodeList{"srv2"});
  // The first one voted, but was not connected when the primary last looked.
  auto scores = kFive;
  scores["srv2"] = -1000;
  EXPECT_EQ(missing(kFirst, {"srv2", "srv4", "srv5"}, scores), NodeList{"srv3"});
}

TEST(FindMissingAcknowledgers, PassesOverNamesThatAreNoNodes) {
  EXPECT_EQ(missing("ANY 1 (srv2, srv3, barman)", {"srv2", "srv3"}), NodeList{});
}

TEST(IsEnoughOfThem, NeverSaysYesWhereSomebodyIsMissing) {
  for (const auto* setting : {kAny1, kAny2, "srv2, srv3", "2 (srv3, srv4, srv5)", "*", "ANY 1 (srv4, *)"}) {
    for (unsigned bits = 0; bits < 32; ++bits) {
      NodeList voters;
      for (unsigned node = 0; node < 5; ++node) {
        if ((bits >> node & 1U) != 0) voters.push_back("srv" + std::to_string(node + 1));
      }
      const auto standbys = pg::parse_synchronous_standby_names(setting).value();
      if (is_enough_of_them(standbys, voters)) {
        EXPECT_EQ(missing(setting, voters), NodeList{}) << setting << bits;
      }
    }
  }
}

}  // namespace
}  // namespace pgsqlms::decision
