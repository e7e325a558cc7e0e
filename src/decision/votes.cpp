// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/votes.hpp"

#include <algorithm>

#include "pgsqlms/text.hpp"

namespace pgsqlms::decision {
namespace {

/// Older ones matter to nobody; an attribute's value must stay short.
constexpr std::size_t kPublishedTimelines = 32;

constexpr std::string_view kRunsAsPrimary = "primary";

enum Field : std::size_t { kHistory = 2, kRole = 3 };

std::optional<pg::WalPosition> read_position(std::string_view vote) {
  return pg::WalPosition::parse(vote.substr(0, vote.find('#', vote.find('#') + 1)));
}

}  // namespace

std::string published_form(const Vote& vote) {
  auto text = published_form(vote.position);
  if (!vote.history.empty() || vote.runs_as_primary) text += '#';
  std::size_t count = 0;
  for (auto entry = vote.history.rbegin(); entry != vote.history.rend() && count < kPublishedTimelines; ++entry) {
    text += (count++ == 0 ? "" : ",") + std::to_string(entry->first) + ":" + std::to_string(entry->second.bytes);
  }
  if (vote.runs_as_primary) (text += '#') += kRunsAsPrimary;
  return text;
}

Votes read_votes(const cluster::AttributeTable& published) {
  Votes votes;
  for (const auto& [node, value] : published) {
    if (const auto position = read_position(value)) votes[node] = *position;
  }
  return votes;
}

Histories read_histories(const cluster::AttributeTable& published) {
  Histories histories;
  for (const auto& [node, value] : published) {
    const auto fields = split(value, "#");
    if (fields.size() <= kHistory) continue;
    for (const auto entry : split(fields[kHistory], ",")) {
      const auto colon = std::min(entry.find(':'), entry.size());
      const auto timeline = parse_number<pg::Timeline>(entry.substr(0, colon));
      const auto left_at = parse_number<std::uint64_t>(entry.substr(std::min(colon + 1, entry.size())));
      if (timeline && left_at) histories[node][*timeline] = pg::Lsn{*left_at};
    }
  }
  return histories;
}

cluster::NodeList find_running_primaries(const cluster::NodeList& participants,
                                         const cluster::AttributeTable& published) {
  cluster::NodeList primaries;
  for (const auto& node : participants) {
    const auto vote = published.find(node);
    if (vote == published.end() || !read_position(vote->second)) continue;
    const auto fields = split(vote->second, "#");
    if (fields.size() > kRole && fields[kRole] == kRunsAsPrimary) primaries.push_back(node);
  }
  return primaries;
}

std::string describe(const Votes& votes) {
  std::string text;
  for (const auto& [node, position] : votes) {
    if (!text.empty()) text += ", ";
    text += node + " " + to_string(position);
  }
  return text;
}

}  // namespace pgsqlms::decision
