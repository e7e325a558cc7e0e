// SPDX-License-Identifier: PostgreSQL
// Synchronous replication, counted: could commits have been acknowledged that none of the voters has?
#pragma once

#include <optional>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/pg/synchronous_standbys.hpp"

namespace pgsqlms::decision {

/// Whether so few of the listed standbys are absent that the scores need not be known to say no.
[[nodiscard]] bool is_enough_of_them(const pg::SynchronousStandbys& standbys, const cluster::NodeList& voters);

/// The absent nodes that between them may have acknowledged a commit that no voter has; empty if there is no such
/// commit.
///
/// A node may have acknowledged one if it is listed and was connected when the last primary kept the scores, or has
/// been started since: its score is not negative, or -1. With FIRST it must not stand behind `count` voters that were
/// connected. `promoted` are the nodes that Pacemaker took for promoted; the last primary is one of them or has its
/// score, and has acknowledged nothing to itself. Where it has voted, nothing is missing. Listed names that are no node
/// of the cluster are not counted.
[[nodiscard]] cluster::NodeList find_missing_acknowledgers(const pg::SynchronousStandbys& standbys,
                                                           const cluster::NodeList& voters,
                                                           const cluster::NodeList& promoted,
                                                           const cluster::ScoreTable& scores);

}  // namespace pgsqlms::decision
