// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/divergence.hpp"

#include <algorithm>

namespace pgsqlms::decision {
namespace {

using pg::TimelineHistory;

/// Two timelines may bear one number: they were left for at different positions.
bool have_different_ancestors(const TimelineHistory& a, const TimelineHistory& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& entry) {
    const auto other = b.find(entry.first);
    return other != b.end() && other->second != entry.second;
  });
}

/// Whether `older`, on a lower timeline, has WAL that is not in the history of `newer`.
bool went_on_after_the_switch(const Vote& older, const Vote& newer) {
  const auto switched = newer.history.find(older.position.timeline);
  return (switched == newer.history.end() ? newer.position.lsn : switched->second) < older.position.lsn;
}

}  // namespace

bool have_diverged(const Vote& one, const Vote& other) {
  const bool is_older = one.position.timeline < other.position.timeline;
  const bool is_newer = other.position.timeline < one.position.timeline;
  return have_different_ancestors(one.history, other.history) || (is_older && went_on_after_the_switch(one, other)) ||
         (is_newer && went_on_after_the_switch(other, one));
}

}  // namespace pgsqlms::decision
