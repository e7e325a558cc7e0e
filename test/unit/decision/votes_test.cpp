// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/votes.hpp"

#include <gtest/gtest.h>

#include "fake/printing.hpp"

namespace pgsqlms::decision {
namespace {

using cluster::NodeList;

TEST(PublishedVote, IsReadAgain) {
  const pg::WalPosition position{3, {100663296}};
  const pg::TimelineHistory history = {{1, {50331648}}, {2, {83886080}}};
  const auto text = published_form(Vote{position, history, false});
  EXPECT_EQ(text, "3#100663296#2:83886080,1:50331648");
  EXPECT_EQ(read_votes({{"srv1", text}}).at("srv1"), position);
  EXPECT_EQ(read_histories({{"srv1", text}}).at("srv1"), history);
  EXPECT_EQ(find_running_primaries({"srv1"}, {{"srv1", text}}), NodeList{});
}

TEST(PublishedVote, IsThePositionAloneWhereThereIsNoMoreToSay) {
  EXPECT_EQ(published_form(Vote{{9, {100663296}}, {}, false}), "9#100663296");
  EXPECT_TRUE(read_histories({{"srv1", "9#100663296"}}).empty());
}

TEST(PublishedVote, TellsThatAPrimaryRuns) {
  EXPECT_EQ(published_form(Vote{{9, {100663296}}, {}, true}), "9#100663296##primary");
  const pg::TimelineHistory history = {{8, {83886080}}};
  const auto text = published_form(Vote{{9, {100663296}}, history, true});
  EXPECT_EQ(text, "9#100663296#8:83886080#primary");
  EXPECT_EQ(read_histories({{"srv1", text}}).at("srv1"), history);
}

TEST(PublishedVote, TellsTheNewestTimelinesOnly) {
  pg::TimelineHistory history;
  for (pg::Timeline timeline = 1; timeline <= 100; ++timeline) history[timeline] = {std::uint64_t{timeline} * 10};
  const auto told = read_histories({{"srv1", published_form(Vote{{101, {9999}}, history, false})}}).at("srv1");
  EXPECT_EQ(told.size(), 32U);
  EXPECT_EQ(told.begin()->first, 69U);
  EXPECT_EQ(told.rbegin()->first, 100U);
}

TEST(ReadVotes, LeavesOutWhatIsNoPosition) {
  const auto votes = read_votes({{"srv1", "1#96"}, {"srv2", "0/3000000"}, {"srv3", ""}, {"srv4", "2#5##primary"}});
  EXPECT_EQ(votes, (Votes{{"srv1", {1, {96}}}, {"srv4", {2, {5}}}}));
}

TEST(ReadHistories, LeavesOutWhatIsNoEntry) {
  const auto histories = read_histories({{"srv1", "3#9#2:,x:5,7,:4,1:8"}, {"srv2", "3#9#"}, {"srv3", ""}});
  EXPECT_EQ(histories, (Histories{{"srv1", {{1, {8}}}}}));
}

TEST(FindRunningPrimaries, FindsTheParticipantsThatSaySo) {
  const cluster::AttributeTable published = {{"a", "1#96##primary"},    {"b", "1#96#primary"}, {"c", "1#96##standby"},
                                             {"d", "2#5#1:4#primary#"}, {"e", "###primary"},   {"f", "1#96##primary"}};
  EXPECT_EQ(find_running_primaries({"a", "b", "c", "d", "e", "unknown"}, published), (NodeList{"a", "d"}));
}

TEST(Describe, NamesEveryVote) {
  EXPECT_EQ(decision::describe({{"srv1", {3, {0x5000060}}}, {"srv2", {3, {0x5000000}}}}),
            "srv1 0/5000060 on timeline 3, srv2 0/5000000 on timeline 3");
  EXPECT_EQ(decision::describe({}), "");
}

}  // namespace
}  // namespace pgsqlms::decision
