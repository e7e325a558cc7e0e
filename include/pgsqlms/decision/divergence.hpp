// SPDX-License-Identifier: PostgreSQL
// Divergence: two voters of which each has WAL that the other lacks. None of them is ahead of the other, whatever their
// timelines' numbers say; only who streamed from the last primary can tell whose WAL counts.
#pragma once

#include <map>
#include <string>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/decision/election.hpp"
#include "pgsqlms/pg/timeline_history.hpp"

namespace pgsqlms::decision {

using Histories = std::map<cluster::NodeName, pg::TimelineHistory>;

/// The form in which a vote is published: the position, and where the timelines before its own were left, newest first.
/// PAF's agent reads the position and passes over the rest: "3#100663296#2:83886080,1:50331648".
[[nodiscard]] std::string published_vote(const pg::WalPosition& position, const pg::TimelineHistory& history);

/// The histories in what the nodes published; of a node under PAF's agent there is none.
[[nodiscard]] Histories read_histories(const cluster::AttributeTable& published);

/// The participants whose WAL has diverged from the candidate's. Where a history is not known, two voters are taken for
/// diverged only if the one on the newer timeline has the lower LSN.
[[nodiscard]] cluster::NodeList find_diverged(const cluster::NodeName& candidate, const cluster::NodeList& participants,
                                              const Votes& votes, const Histories& histories);

/// Whether the last primary counted the node among those that may follow it: its score is not negative.
[[nodiscard]] bool followed_the_last_primary(const cluster::NodeName& node, const cluster::ScoreTable& scores);

}  // namespace pgsqlms::decision
