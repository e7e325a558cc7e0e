// SPDX-License-Identifier: PostgreSQL
#include "fake/fake_cluster.hpp"

#include <algorithm>

#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::fake {
namespace {

std::string name_of(PrivateAttribute attribute) {
  return attribute == PrivateAttribute::Vote ? "vote" : "shutdown checkpoint";
}

}  // namespace

FakeCluster::FakeCluster(FakeClock& fake_clock, const cluster::NodeList& nodes) : clock(fake_clock) {
  for (const auto& node : nodes) scores[node] = std::nullopt;
}

void FakeCluster::publish(PrivateAttribute attribute, const NodeName& node, const std::string& value, Duration delay) {
  publications.push_back({attribute, node, value, clock.now() + delay});
}

cluster::AttributeTable FakeCluster::published(PrivateAttribute attribute) const {
  const auto present = members();
  cluster::AttributeTable table;
  for (const auto& publication : publications) {
    if (publication.attribute != attribute || publication.visible_from > clock.now()) continue;
    if (ocf::contains(present, publication.node)) table[publication.node] = publication.value;
    if (publication.value.empty()) table.erase(publication.node);
  }
  return table;
}

void FakeCluster::leave(const NodeName& node, Duration delay) { departures[node] = clock.now() + delay; }

cluster::NodeList FakeCluster::members() const {
  cluster::NodeList present;
  for (const auto& [node, score] : scores) {
    const auto departure = departures.find(node);
    if (departure == departures.end() || departure->second > clock.now()) present.push_back(node);
  }
  return present;
}

cluster::ScoreTable FakeCluster::placement() const {
  cluster::ScoreTable placement;
  for (const auto& node : members()) {
    const auto constraint = constraints.find(node);
    const auto added = constraint == constraints.end() ? 0 : constraint->second;
    const auto score = scores.at(node).value_or(0);
    const bool is_forbidden = added == -cluster::kInfinity || score == -cluster::kInfinity;
    placement[node] = is_forbidden ? -cluster::kInfinity : std::min(score + added, cluster::kInfinity);
  }
  return placement;
}

void FakeMember::call(Deadline deadline) {
  ++world_.calls;
  if (world_.fails) throw ocf::Failure("the cluster does not answer");
  const auto left = deadline.remaining();
  world_.clock.sleep(std::min(world_.latency, left));
  if (world_.latency > left) throw ocf::Failure("the cluster did not answer in time");
}

NodeName FakeMember::local_node() {
  ++world_.calls;
  return name_;
}

cluster::Membership FakeMember::membership(Deadline deadline) {
  call(deadline);
  return {world_.members(), world_.in_maintenance};
}

cluster::LocalStatus FakeMember::local_status(Deadline deadline) {
  call(deadline);
  return world_.statuses[name_];
}

void FakeMember::report_failure(const NodeName& node, Deadline deadline) {
  call(deadline);
  world_.writes.push_back("failure " + node);
}

cluster::ScoreTable FakeMember::promotion_scores(Deadline deadline) {
  call(deadline);
  return world_.scores;
}

cluster::ScoreTable FakeMember::placement_scores(Deadline deadline) {
  call(deadline);
  return world_.placement();
}

void FakeMember::set_promotion_score(const NodeName& node, cluster::PromotionScore score, Deadline deadline) {
  call(deadline);
  if (world_.scores.count(node) == 0 && node != name_) throw ocf::Failure("the cluster has no node \"" + node + "\"");
  world_.writes.push_back("score " + node + " " + cluster::to_string(score));
  world_.scores[node] = score;
}

cluster::AttributeTable FakeMember::attributes(PrivateAttribute attribute, Deadline deadline) {
  call(deadline);
  return world_.published(attribute);
}

void FakeMember::set_attribute(PrivateAttribute attribute, const std::string& value, Deadline deadline) {
  call(deadline);
  world_.writes.push_back(name_of(attribute) + " " + name_ + " " + value);
  world_.publish(attribute, name_, value);
}

void FakeMember::delete_attribute(PrivateAttribute attribute, const NodeName& node, Deadline deadline) {
  call(deadline);
  world_.writes.push_back("no " + name_of(attribute) + " " + node);
  world_.publish(attribute, node, "");
}

}  // namespace pgsqlms::fake
