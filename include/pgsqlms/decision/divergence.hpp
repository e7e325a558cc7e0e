// SPDX-License-Identifier: PostgreSQL
// Divergence: two voters of which each has WAL that the other lacks. None of them is ahead of the other, whatever their
// timelines' numbers say.
#pragma once

#include "pgsqlms/decision/votes.hpp"

namespace pgsqlms::decision {

/// Whether the WAL of both has diverged. Where a history is not known, two voters are taken for diverged only if the
/// one on the newer timeline has the lower LSN.
[[nodiscard]] bool have_diverged(const Vote& one, const Vote& other);

}  // namespace pgsqlms::decision
