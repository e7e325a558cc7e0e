// SPDX-License-Identifier: PostgreSQL
// PromotionScore: a node's claim to be promoted, as Pacemaker keeps it.
//
// Pacemaker promotes the node with the highest score; a negative one excludes it, and without any nobody is promoted.
// The values are PAF's, so that both agents can work in one cluster.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgsqlms::cluster {

using PromotionScore = int;

inline constexpr PromotionScore kInfinity = 1'000'000;  ///< Pacemaker's
inline constexpr PromotionScore kPrimaryScore = 1001;
inline constexpr PromotionScore kBestStandbyScore = 1000;
inline constexpr PromotionScore kStandbyScoreStep = 10;
/// The former primary at the first start of a cluster, and a candidate that lost an election.
inline constexpr PromotionScore kLowestPromotableScore = 1;
/// A standby that is connected but does not stream yet.
inline constexpr PromotionScore kNotReadyScore = -1;
/// One that the last primary counted as promotable, held back while its promotion would be refused in any case.
inline constexpr PromotionScore kHeldBackScore = -2;
/// A standby that is not connected to the primary.
inline constexpr PromotionScore kDisconnectedScore = -1000;
/// A candidate that must not be promoted though a location constraint wants it: the only score that overrules one.
inline constexpr PromotionScore kForbiddenScore = -kInfinity;

/// Whether the last primary gave the node a score with which it may follow it.
[[nodiscard]] constexpr bool was_promotable(PromotionScore score) { return score >= 0 || score == kHeldBackScore; }

/// Parses a score: a number, INFINITY, +INFINITY or -INFINITY; numbers beyond are cut. Nothing if it is none.
[[nodiscard]] std::optional<PromotionScore> parse_score(std::string_view text);

/// The form that parse_score() reads.
[[nodiscard]] std::string to_string(PromotionScore score);

}  // namespace pgsqlms::cluster
