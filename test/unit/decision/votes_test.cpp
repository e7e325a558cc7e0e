// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/votes.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"

namespace pgsqlms::decision {
namespace {

TEST(PublishedVote, IsReadAgain) {
  for (const auto& history : {pg::TimelineHistory{}, pg::TimelineHistory{{1, {50331648}}, {2, {83886080}}}}) {
    for (const bool runs : {false, true}) {
      for (const pg::SystemIdentifier system : {std::uint64_t{0}, std::uint64_t{7301234567890123456}, UINT64_MAX}) {
        const Vote vote{{3, {100663296}}, history, runs, system};
        EXPECT_EQ(read_votes({{"srv1", published_form(vote)}}).at("srv1"), vote) << published_form(vote);
      }
    }
  }
}

TEST(PublishedVote, IsAsShortAsThereIsSomethingToSay) {
  const pg::WalPosition position{9, {100663296}};
  EXPECT_EQ(published_form(Vote{position}), "9#100663296");
  EXPECT_EQ(published_form(Vote{position, {{1, {50331648}}, {8, {83886080}}}}), "9#100663296#8:83886080,1:50331648");
  EXPECT_EQ(published_form(Vote{position, {}, true}), "9#100663296##primary");
  EXPECT_EQ(published_form(Vote{position, {{8, {83886080}}}, true, 7}), "9#100663296#8:83886080#primary#7");
  EXPECT_EQ(published_form(Vote{position, {}, false, 7}), "9#100663296###7");
}

TEST(PublishedVote, TellsTheNewestTimelinesOnly) {
  pg::TimelineHistory history;
  for (pg::Timeline timeline = 1; timeline <= 100; ++timeline) history[timeline] = {std::uint64_t{timeline} * 10};
  const auto told = read_votes({{"srv1", published_form(Vote{{101, {9999}}, history})}}).at("srv1").history;
  EXPECT_EQ(told.size(), 32U);
  EXPECT_EQ(told.begin()->first, 69U);
  EXPECT_EQ(told.rbegin()->first, 100U);
}

TEST(ReadVotes, LeavesOutWhatIsNoPosition) {
  const auto votes = read_votes({{"srv1", "1#96"}, {"srv2", "0/3000000"}, {"srv3", ""}, {"srv4", "2#5##primary"}});
  EXPECT_EQ(votes, (Votes{{"srv1", {{1, {96}}}}, {"srv4", {{2, {5}}, {}, true}}}));
}

TEST(ReadVotes, LeavesOutWhatIsNoEntryOfAHistory) {
  const auto votes = read_votes({{"srv1", "3#9#2:,x:5,7,:4,1:8"}, {"srv2", "3#9#"}});
  EXPECT_EQ(votes, (Votes{{"srv1", {{3, {9}}, {{1, {8}}}}}, {"srv2", {{3, {9}}}}}));
}

TEST(ReadVotes, TakesForAPrimaryWhoSaysSoInTheRightPlace) {
  const auto votes = read_votes({{"a", "1#96##primary"},
                                 {"b", "1#96#primary"},
                                 {"c", "1#96##standby"},
                                 {"d", "2#5#1:4#primary#"},
                                 {"e", "###primary"}});
  EXPECT_EQ(votes.size(), 4U);
  for (const auto& [node, vote] : votes) EXPECT_EQ(vote.runs_as_primary, node == "a" || node == "d") << node;
}

TEST(ReadVotes, KnowsNoSystemIdentifierWhereThereIsNone) {
  for (const auto* vote : {"1#96", "1#96###", "1#96###x", "1#96###-7", "1#96###99999999999999999999"}) {
    EXPECT_EQ(read_votes({{"srv1", vote}}).at("srv1").system_identifier, 0U) << vote;
  }
}

TEST(ReadShutdownCheckpoints, ReadsThoseOfEveryVersion) {
  const auto checkpoints = read_shutdown_checkpoints({{"srv1", "3#96"}, {"srv2", "3#97###7"}, {"srv3", ""}});
  EXPECT_EQ(checkpoints.size(), 2U);
  EXPECT_EQ(checkpoints.at("srv1").position, (pg::WalPosition{3, {96}}));
  EXPECT_EQ(checkpoints.at("srv1").system_identifier, 0U);
  EXPECT_EQ(published_form(checkpoints.at("srv2")), "3#97###7");
}

TEST(AreForeign, IsTrueOnlyOfTwoKnownIdentifiers) {
  EXPECT_TRUE(are_foreign(7, 8));
  EXPECT_FALSE(are_foreign(7, 7));
  EXPECT_FALSE(are_foreign(7, 0));
  EXPECT_FALSE(are_foreign(0, 8));
  EXPECT_FALSE(are_foreign(0, 0));
}

TEST(Describe, NamesEveryVote) {
  EXPECT_EQ(decision::describe({{"srv1", {{3, {0x5000060}}}}, {"srv2", {{3, {0x5000000}}}}}),
            "srv1 0/5000060 on timeline 3, srv2 0/5000000 on timeline 3");
  EXPECT_EQ(decision::describe({}), "");
}

}  // namespace
}  // namespace pgsqlms::decision
