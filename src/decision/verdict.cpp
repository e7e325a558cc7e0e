// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/verdict.hpp"

#include <algorithm>
#include <utility>

#include "pgsqlms/decision/divergence.hpp"
#include "pgsqlms/decision/election.hpp"
#include "pgsqlms/decision/switchover.hpp"
#include "pgsqlms/decision/synchronous_replication.hpp"

namespace pgsqlms::decision {
namespace {

using cluster::NodeList;
using cluster::NodeName;

std::string joined(const NodeList& nodes) {
  std::string text;
  for (const auto& node : nodes) text += (text.empty() ? "" : ", ") + node;
  return text;
}

void leave_out(const NodeName& node, NodeList& nodes) {
  nodes.erase(std::remove(nodes.begin(), nodes.end(), node), nodes.end());
}

/// One run through the rules, up to the one that decides or has to ask.
class Deliberation {
 public:
  /// Who has been `beaten` is known to have nothing that counts.
  explicit Deliberation(const Ballot& ballot, const NodeList& beaten = {})
      : ballot_(ballot), race_(ballot.participants) {
    for (const auto& node : beaten) leave_out(node, race_);
    for (const auto& rule : kRules) {
      if ((this->*rule)() == Outcome::Decided) break;
    }
  }

  [[nodiscard]] const std::optional<Question>& question() const { return question_; }
  [[nodiscard]] bool lacks_last_record() const { return lacks_last_record_; }
  [[nodiscard]] Verdict verdict() && { return std::move(verdict_); }

 private:
  enum class Outcome { Undecided, Decided };
  using Rule = Outcome (Deliberation::*)();

  Outcome ask_for_own_vote();
  Outcome set_aside_foreign_instances();
  Outcome keep_running_primary();
  Outcome refuse_beside_running_primary();
  Outcome refuse_past_silence();
  Outcome refuse_before_last_record();
  Outcome set_aside_diverged();
  Outcome refuse_where_commits_may_be_missing();
  Outcome refuse_who_is_behind();

  static constexpr Rule kRules[] = {
      &Deliberation::ask_for_own_vote,     &Deliberation::set_aside_foreign_instances,
      &Deliberation::keep_running_primary, &Deliberation::refuse_beside_running_primary,
      &Deliberation::refuse_past_silence,  &Deliberation::refuse_before_last_record,
      &Deliberation::set_aside_diverged,   &Deliberation::refuse_where_commits_may_be_missing,
      &Deliberation::refuse_who_is_behind,
  };

  Outcome ask(Question question) {
    question_ = question;
    return Outcome::Decided;
  }
  Outcome refuse(std::string reason, NodeList successors = {}) {
    verdict_.refusal = std::move(reason);
    verdict_.successors = std::move(successors);
    return Outcome::Decided;
  }
  /// What they have counts, and as long as they take no part nobody can be promoted.
  Outcome refuse_without(const NodeList& nodes, std::string reason, NodeList successors = {}) {
    const bool are_absent = std::none_of(nodes.begin(), nodes.end(),
                                         [&](const auto& node) { return ocf::contains(ballot_.participants, node); });
    if (are_absent) verdict_.hopeless = voters();
    return refuse(std::move(reason), std::move(successors));
  }
  void set_aside(const NodeName& node, std::string remark) {
    leave_out(node, race_);
    verdict_.remarks.push_back(std::move(remark));
  }

  [[nodiscard]] const NodeName& candidate() const { return ballot_.candidate; }
  [[nodiscard]] bool has_voted(const NodeName& node) const { return ballot_.votes.count(node) > 0; }
  [[nodiscard]] const Vote& vote_of(const NodeName& node) const { return ballot_.votes.at(node); }
  [[nodiscard]] const Vote& own() const { return vote_of(candidate()); }
  [[nodiscard]] bool candidate_runs() const { return ballot_.runs_as_primary || own().runs_as_primary; }
  [[nodiscard]] std::string with_position(const NodeName& node) const {
    return node + ", " + to_string(vote_of(node).position);
  }
  /// Also those that are set aside: what they have is known, and nobody waits for it.
  [[nodiscard]] NodeList voters() const;
  /// The other voters in the race of which that is true.
  template <typename Predicate>
  [[nodiscard]] NodeList rivals(Predicate is_true) const;
  [[nodiscard]] cluster::PromotionScore score_of(const NodeName& node) const;
  [[nodiscard]] bool is_promoted_by_nobody(const NodeName& node) const;
  [[nodiscard]] bool followed_the_last_primary(const NodeName& node, const NodeName& rival) const;
  /// The one of both whose WAL counts; nobody if the scores do not tell.
  [[nodiscard]] NodeList whose_wal_counts(const NodeName& one, const NodeName& other) const;
  [[nodiscard]] bool is_out_of_the_race(const NodeName& node) const;
  [[nodiscard]] bool is_end_of_no_primary(const NodeName& node) const;
  [[nodiscard]] bool was_the_last_primary() const;
  [[nodiscard]] std::string describe_divergence(const NodeName& node) const;

  const Ballot& ballot_;
  NodeList race_;  ///< the participants whose WAL counts
  std::optional<Question> question_;
  Verdict verdict_;
  bool lacks_last_record_ = false;
};

NodeList Deliberation::voters() const {
  NodeList found;
  for (const auto& node : ballot_.participants) {
    if (has_voted(node)) found.push_back(node);
  }
  return found;
}

template <typename Predicate>
NodeList Deliberation::rivals(Predicate is_true) const {
  NodeList found;
  for (const auto& node : race_) {
    if (node != candidate() && has_voted(node) && is_true(vote_of(node))) found.push_back(node);
  }
  return found;
}

cluster::PromotionScore Deliberation::score_of(const NodeName& node) const {
  return cluster::score_of(node, *ballot_.scores).value_or(cluster::kDisconnectedScore);
}

/// It runs as a primary though Pacemaker has not promoted it: neither says Pacemaker so, nor has it ever kept the
/// scores.
bool Deliberation::is_promoted_by_nobody(const NodeName& node) const {
  return vote_of(node).runs_as_primary && !ocf::contains(ballot_.transition.promoted, node) &&
         score_of(node) != cluster::kPrimaryScore;
}

/// The last primary counted it among those that may follow it, by a score that is not negative. Not so one that was
/// promoted by hand while a third one was Pacemaker's primary.
bool Deliberation::followed_the_last_primary(const NodeName& node, const NodeName& rival) const {
  const auto& scores = *ballot_.scores;
  const bool had_third_primary = std::any_of(scores.begin(), scores.end(), [&](const auto& entry) {
    const auto& third = entry.first;
    return third != node && third != rival &&
           (entry.second == cluster::kPrimaryScore || ocf::contains(ballot_.transition.promoted, third));
  });
  return cluster::was_promotable(score_of(node)) && !(is_promoted_by_nobody(node) && had_third_primary);
}

NodeList Deliberation::whose_wal_counts(const NodeName& one, const NodeName& other) const {
  const bool one_followed = followed_the_last_primary(one, other);
  if (one_followed == followed_the_last_primary(other, one)) return {};
  return {one_followed ? one : other};
}

/// Whether another node's WAL, of another system or diverged, is nothing to the candidate. A primary that runs is not
/// failed for a doubt.
bool Deliberation::is_out_of_the_race(const NodeName& node) const {
  const auto counts = whose_wal_counts(candidate(), node);
  return counts.empty() ? candidate_runs() : counts.front() == candidate();
}

/// Whether the node that published its end was no primary that the candidate followed: one that came back beside its
/// successor, or was promoted by hand beside the last one.
bool Deliberation::is_end_of_no_primary(const NodeName& node) const {
  const bool has_another_its_score =
      std::any_of(ballot_.scores->begin(), ballot_.scores->end(),
                  [&](const auto& entry) { return entry.first != node && entry.second == cluster::kPrimaryScore; });
  const auto score = score_of(node);
  return cluster::was_promotable(score_of(candidate())) &&
         (!cluster::was_promotable(score) || (score != cluster::kPrimaryScore && has_another_its_score));
}

/// An instance that Pacemaker recovers in place as its primary and that kept the scores has all that was acknowledged.
bool Deliberation::was_the_last_primary() const {
  const auto& promoted = ballot_.transition.promoted;
  const bool is_the_only_one =
      std::all_of(promoted.begin(), promoted.end(), [&](const auto& node) { return node == candidate(); });
  const bool has_its_score = std::all_of(ballot_.scores->begin(), ballot_.scores->end(), [&](const auto& entry) {
    return (entry.second.value_or(0) >= cluster::kPrimaryScore) == (entry.first == candidate());
  });
  return !promoted.empty() && is_the_only_one && has_its_score;
}

std::string Deliberation::describe_divergence(const NodeName& node) const {
  return with_position(node) + ", and " + with_position(candidate()) +
         ", have diverged: each has WAL that the other lacks";
}

Deliberation::Outcome Deliberation::ask_for_own_vote() {
  if (has_voted(candidate())) return Outcome::Undecided;
  if (ballot_.runs_as_primary) return Outcome::Decided;  // there is nothing to compare it by
  return refuse("no vote from " + candidate() + " itself: its WAL position is not known");
}

Deliberation::Outcome Deliberation::set_aside_foreign_instances() {
  const auto foreign =
      rivals([&](const Vote& vote) { return are_foreign(vote.system_identifier, own().system_identifier); });
  if (!foreign.empty() && !ballot_.scores) return ask(Question::Scores);
  for (const auto& node : foreign) {
    const auto both = node + " is no copy of " + candidate() + ": system identifier " +
                      std::to_string(vote_of(node).system_identifier) + " instead of " +
                      std::to_string(own().system_identifier);
    if (!is_out_of_the_race(node)) return refuse(both, whose_wal_counts(candidate(), node));
    set_aside(node, both + "; rebuild it, its vote does not count");
  }
  return Outcome::Undecided;
}

/// Nobody gets ahead of a running primary, whatever was written since it voted, and its promotion changes nothing. But
/// it does not win because it runs: not against one with the last primary's WAL.
Deliberation::Outcome Deliberation::keep_running_primary() {
  if (!candidate_runs()) return Outcome::Undecided;
  set_aside_diverged();
  return Outcome::Decided;
}

/// A second primary beside one that runs would split the data.
Deliberation::Outcome Deliberation::refuse_beside_running_primary() {
  const auto primaries = rivals([](const Vote& vote) { return vote.runs_as_primary; });
  if (primaries.empty()) return Outcome::Undecided;
  const auto& primary = primaries.front();
  const auto reason = with_position(primary) + ", runs as a primary, so " + candidate() + " is not promoted: ";
  if (!have_diverged(own(), vote_of(primary))) {
    return refuse(reason + "keep " + primary + ", or stop it there first", {primary});
  }
  if (!ballot_.scores) return ask(Question::Scores);
  const auto counts = whose_wal_counts(primary, candidate());
  if (counts == NodeList{candidate()}) {
    verdict_.rogue = primary;
    return refuse(reason + "it did not follow the last primary, and has to be stopped there first");
  }
  return refuse(reason + "keep " + primary + ", or stop it there first", counts);
}

Deliberation::Outcome Deliberation::refuse_past_silence() {
  auto silent = find_silent(race_, ballot_.votes);
  const auto knowingly = std::stable_partition(
      silent.begin(), silent.end(), [&](const auto& node) { return !ocf::contains(ballot_.in_maintenance, node); });
  for (auto node = knowingly; node != silent.end(); ++node) {
    set_aside(*node, *node + " is in maintenance and has no vote: what only it has is passed over");
  }
  silent.erase(knowingly, silent.end());
  if (silent.empty()) return Outcome::Undecided;
  if (ocf::contains(ballot_.transition.promoted, candidate())) {
    if (!ballot_.scores) return ask(Question::Scores);
    if (was_the_last_primary()) {
      verdict_.remarks.push_back("no vote from " + joined(silent) + ", but " + candidate() +
                                 " was the primary itself and has every commit");
      return Outcome::Undecided;
    }
  }
  return refuse("no vote from " + joined(silent) + ", online: may have more WAL than " + candidate());
}

/// The promotion would lose what a cleanly stopped primary wrote last.
Deliberation::Outcome Deliberation::refuse_before_last_record() {
  if (const auto missed = find_missed_shutdown(own(), ballot_.shutdown_checkpoints)) {
    const bool is_of_another_line = missed->checkpoint.timeline != own().position.timeline;
    if (is_of_another_line && !ballot_.scores) return ask(Question::Scores);
    if (is_of_another_line && is_end_of_no_primary(missed->node)) return Outcome::Undecided;
    lacks_last_record_ = true;
    return refuse_without({missed->node},
                          missed->node + " was shut down at " + to_string(missed->checkpoint) + ", " + candidate() +
                              " only received " + to_string(own().position),
                          has_voted(missed->node) ? NodeList{missed->node} : rivals([&](const Vote& vote) {
                            return !find_missed_shutdown(vote, ballot_.shutdown_checkpoints);
                          }));
  }
  // A primary under PAF's agent publishes nothing; then the local WAL itself must end with the shutdown checkpoint. Who
  // has left meanwhile is lost, and nobody waits for it.
  const auto demoted = find_demoted_primary(ballot_.transition, candidate());
  if (!demoted || !ocf::contains(ballot_.participants, *demoted)) return Outcome::Undecided;
  if (ballot_.shutdown_checkpoints.count(*demoted) > 0) return Outcome::Undecided;
  if (!ballot_.ends_with_shutdown) return ask(Question::WalEnd);
  if (*ballot_.ends_with_shutdown) return Outcome::Undecided;
  lacks_last_record_ = true;
  return refuse("the WAL of " + candidate() + ", received up to " + to_string(own().position) +
                    ", does not end with the shutdown checkpoint of " + *demoted,
                has_voted(*demoted) ? NodeList{*demoted} : NodeList{});
}

Deliberation::Outcome Deliberation::set_aside_diverged() {
  const auto diverged = rivals([&](const Vote& vote) { return have_diverged(own(), vote); });
  if (!diverged.empty() && !ballot_.scores) return ask(Question::Scores);
  for (const auto& node : diverged) {
    if (!is_out_of_the_race(node)) return refuse(describe_divergence(node), whose_wal_counts(candidate(), node));
    set_aside(node, describe_divergence(node) + "; " + node +
                        " did not stream from the last primary, so its vote does not count");
  }
  return Outcome::Undecided;
}

Deliberation::Outcome Deliberation::refuse_where_commits_may_be_missing() {
  const auto& standbys = ballot_.synchronous;
  if (standbys.count == 0 || is_enough_of_them(standbys, voters())) return Outcome::Undecided;
  if (!ballot_.scores) return ask(Question::Scores);
  const auto missing = find_missing_acknowledgers(standbys, voters(), ballot_.transition.promoted, *ballot_.scores);
  if (missing.empty()) return Outcome::Undecided;
  const auto set_score = "crm_attribute --name master-" + ballot_.resource + " --lifetime forever --node ";
  return refuse_without(missing, joined(missing) + " may have commits that no voter has (" +
                                     (standbys.any ? "ANY " : "FIRST ") + std::to_string(standbys.count) +
                                     "): bring back, or give up what only it has: " + set_score + missing.front() +
                                     " --update=-1000; " + set_score + candidate() + " --update=1");
}

Deliberation::Outcome Deliberation::refuse_who_is_behind() {
  // The scores decide only between equal winners, so they are asked for only where there is another winner.
  if (find_winners(candidate(), race_, ballot_.votes, {}).empty()) return Outcome::Undecided;
  if (!ballot_.scores) return ask(Question::Scores);
  auto winners = find_winners(candidate(), race_, ballot_.votes, *ballot_.scores);
  const auto& winner = winners.front();
  return refuse(winner + " has more WAL, " + to_string(vote_of(winner).position) + ", than " + candidate() + ", " +
                    to_string(own().position),
                std::move(winners));
}

struct Result {
  std::optional<Question> question;
  Verdict verdict;
};

/// Judges the candidate, and in its place those to whom it would yield: a node that would only yield in its turn must
/// not get the score of one that followed the last primary, and who yields to nobody is lost for nothing. `tried` has
/// been asked already.
Result deliberate(const Ballot& ballot, NodeList tried, NodeList beaten) {
  Deliberation deliberation(ballot, beaten);
  const bool lacks_last_record = deliberation.lacks_last_record();
  Result result{deliberation.question(), std::move(deliberation).verdict()};
  tried.push_back(ballot.candidate);
  const auto in_place_of = [&](const NodeName& node) {
    auto next = ballot;
    next.candidate = node;
    next.runs_as_primary = false;    // its vote tells
    next.ends_with_shutdown = true;  // it will look itself
    return next;
  };
  // Nobody is measured by a candidate that is out, whatever it claims to have of the same WAL.
  const auto beaten_by = [&](const NodeName& node) {
    auto all = beaten;
    const bool is_comparable = !have_diverged(ballot.votes.at(ballot.candidate), ballot.votes.at(node));
    if (lacks_last_record && is_comparable) all.push_back(ballot.candidate);
    return all;
  };
  NodeList promotable;
  for (const auto& node : result.verdict.successors) {
    if (ocf::contains(tried, node)) continue;
    auto next = in_place_of(node);
    auto in_its_place = deliberate(next, tried, beaten_by(node));
    // A rogue is taken down first, and then it is as if it had been.
    while (in_its_place.verdict.rogue) {
      const auto rogue = *in_its_place.verdict.rogue;
      next.votes.at(rogue).runs_as_primary = false;
      next.scores->insert_or_assign(rogue, cluster::kDisconnectedScore);
      in_its_place = deliberate(next, tried, beaten_by(node));
    }
    if (in_its_place.question) result.question = in_its_place.question;
    auto found = in_its_place.verdict.refusal ? std::move(in_its_place.verdict.successors) : NodeList{node};
    // Who is found by a detour must not be refused as things are now.
    const auto is_refused = [&](const NodeName& other) {
      const auto asked = in_place_of(other);
      const auto now = Deliberation(asked, beaten_by(other)).verdict();
      return now.refusal && !now.rogue;
    };
    found.erase(std::remove_if(found.begin(), found.end(), is_refused), found.end());
    promotable.insert(promotable.end(), found.begin(), found.end());
  }
  result.verdict.successors = std::move(promotable);
  return result;
}

}  // namespace

std::optional<Question> open_question(const Ballot& ballot) { return deliberate(ballot, {}, {}).question; }

Verdict judge(const Ballot& ballot) { return deliberate(ballot, {}, {}).verdict; }

}  // namespace pgsqlms::decision
