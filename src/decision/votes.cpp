// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/votes.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "pgsqlms/text.hpp"

namespace pgsqlms::decision {
namespace {

/// Older ones matter to nobody; an attribute's value must stay short.
constexpr std::size_t kPublishedTimelines = 32;

constexpr std::string_view kRunsAsPrimary = "primary";

enum Field : std::size_t { kLsn = 1, kHistory = 2, kRole = 3, kSystem = 4 };

std::string history_field(const pg::TimelineHistory& history) {
  std::string text;
  std::size_t count = 0;
  for (auto entry = history.rbegin(); entry != history.rend() && count < kPublishedTimelines; ++entry) {
    text += (count++ == 0 ? "" : ",") + std::to_string(entry->first) + ":" + std::to_string(entry->second.bytes);
  }
  return text;
}

pg::TimelineHistory read_history(std::string_view field) {
  pg::TimelineHistory history;
  for (const auto entry : split(field, ",")) {
    const auto colon = std::min(entry.find(':'), entry.size());
    const auto timeline = parse_number<pg::Timeline>(entry.substr(0, colon));
    const auto left_at = parse_number<std::uint64_t>(entry.substr(std::min(colon + 1, entry.size())));
    if (timeline && left_at) history[*timeline] = pg::Lsn{*left_at};
  }
  return history;
}

std::optional<Vote> read_vote(std::string_view published) {
  const auto fields = split(published, "#");
  const auto field = [&](Field number) { return number < fields.size() ? fields[number] : std::string_view(); };
  const auto second = published.find('#', published.find('#') + 1);
  const auto position = pg::WalPosition::parse(published.substr(0, second));
  if (!position) return std::nullopt;
  const auto system = parse_number<pg::SystemIdentifier>(field(kSystem)).value_or(0);
  return Vote{*position, read_history(field(kHistory)), field(kRole) == kRunsAsPrimary, system};
}

}  // namespace

bool operator==(const Vote& one, const Vote& other) {
  return std::tie(one.position, one.history, one.runs_as_primary, one.system_identifier) ==
         std::tie(other.position, other.history, other.runs_as_primary, other.system_identifier);
}

std::string published_form(const Vote& vote) {
  std::string text = '#' + history_field(vote.history);
  (text += '#') += vote.runs_as_primary ? kRunsAsPrimary : "";
  (text += '#') += vote.system_identifier == 0 ? "" : std::to_string(vote.system_identifier);
  text.erase(text.find_last_not_of('#') + 1);
  return published_form(vote.position) + text;
}

std::string published_form(const ShutdownCheckpoint& checkpoint) {
  return published_form(Vote{checkpoint.position, {}, false, checkpoint.system_identifier});
}

Votes read_votes(const cluster::AttributeTable& published) {
  Votes votes;
  for (const auto& [node, value] : published) {
    if (auto vote = read_vote(value)) votes[node] = std::move(*vote);
  }
  return votes;
}

ShutdownCheckpoints read_shutdown_checkpoints(const cluster::AttributeTable& published) {
  ShutdownCheckpoints checkpoints;
  for (const auto& [node, vote] : read_votes(published)) checkpoints[node] = {vote.position, vote.system_identifier};
  return checkpoints;
}

bool are_foreign(pg::SystemIdentifier one, pg::SystemIdentifier other) {
  return one != 0 && other != 0 && one != other;
}

std::string describe(const Votes& votes) {
  std::string text;
  for (const auto& [node, vote] : votes) {
    if (!text.empty()) text += ", ";
    text += node + " " + to_string(vote.position);
  }
  return text;
}

}  // namespace pgsqlms::decision
