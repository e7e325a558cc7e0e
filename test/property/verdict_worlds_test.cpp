// SPDX-License-Identifier: PostgreSQL
// All small worlds: every way in which three, four or five nodes may stand when a primary is to be promoted, against
// what must be true in each of them.
//
//   Safety    No candidate is promoted past an online node that has, or may have, more of the last primary's WAL; nor
//             beside a running primary; nor where commits may have been acknowledged that no voter has.
//   Liveness  Who yields, yields to somebody: as long as one node may be promoted, Pacemaker gets there, in a few
//   rounds,
//             and nobody is forbidden for good where that leaves no primary.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "pgsqlms/decision/divergence.hpp"
#include "pgsqlms/decision/election.hpp"
#include "pgsqlms/decision/verdict.hpp"

namespace pgsqlms::decision {
namespace {

using cluster::NodeList;
using cluster::NodeName;
using cluster::PromotionScore;

constexpr pg::SystemIdentifier kOurs = 7;
/// The last primary's WAL goes up to here; a standby that was promoted by hand left it at kFork.
constexpr std::uint64_t kEnd = 30;
constexpr std::uint64_t kFork = 10;

enum class Kind {
  FarBehind,   ///< follows the last primary, has less of its WAL than who left it
  Behind,      ///< has part of its WAL
  Level,       ///< has all of its WAL
  UnderPaf,    ///< the same under PAF's agent, which tells a position only
  Silent,      ///< online, runs, no vote: may have anything
  Maintained,  ///< the same, but in maintenance
  Foreign,     ///< of another initdb
  Diverged,    ///< was promoted by hand once, a standby again
  Rogue,       ///< was promoted by hand and runs as a primary
  Absent,      ///< no instance, or no node
};

enum class Event {
  Lost,         ///< the last primary's node is gone
  ShutDown,     ///< so is it, but it was shut down cleanly before, and its end is published
  Recovered,    ///< it crashed and runs as a standby again, in this transition
  SwitchedOver  ///< it was shut down, its end is published, it runs as a standby
};

struct Standby {
  Kind kind;
  std::optional<PromotionScore> score;
};

/// srv1 was the last primary.
struct World {
  Event event = Event::Lost;
  std::vector<Standby> standbys;
  std::size_t acknowledgers = 0;  ///< ANY k over all nodes; 0: asynchronous

  [[nodiscard]] static NodeName name(std::size_t standby) { return "srv" + std::to_string(standby + 2); }
};

std::string describe(const World& world, const NodeName& candidate) {
  std::string text = "event " + std::to_string(static_cast<int>(world.event)) + ", ANY " +
                     std::to_string(world.acknowledgers) + ", candidate " + candidate;
  for (const auto& [kind, score] : world.standbys) {
    text += ", kind " + std::to_string(static_cast<int>(kind)) + " score " + (score ? std::to_string(*score) : "none");
  }
  return text;
}

std::optional<Vote> vote_of(Kind kind) {
  switch (kind) {
    case Kind::FarBehind: return Vote{{1, {kFork - 5}}, {}, false, kOurs};
    case Kind::Behind: return Vote{{1, {kEnd - 10}}, {}, false, kOurs};
    case Kind::Level: return Vote{{1, {kEnd}}, {}, false, kOurs};
    case Kind::UnderPaf: return Vote{{1, {kEnd}}};
    case Kind::Foreign: return Vote{{1, {99}}, {}, false, kOurs + 1};
    case Kind::Diverged: return Vote{{2, {99}}, {{1, {kFork}}}, false, kOurs};
    case Kind::Rogue: return Vote{{2, {99}}, {{1, {kFork}}}, true, kOurs};
    case Kind::Silent:
    case Kind::Maintained:
    case Kind::Absent: break;
  }
  return std::nullopt;
}

bool has_the_last_primarys_wal(Kind kind) {
  return kind == Kind::FarBehind || kind == Kind::Behind || kind == Kind::Level || kind == Kind::UnderPaf;
}

Ballot ballot_of(const World& world, const NodeName& candidate) {
  Ballot ballot;
  ballot.resource = "pgsqld";
  ballot.candidate = candidate;
  ballot.transition.promoted = ballot.transition.demote = {"srv1"};
  ballot.transition.promote = {candidate};
  ballot.scores.emplace()["srv1"] = cluster::kPrimaryScore;
  if (world.event == Event::Lost || world.event == Event::ShutDown) {
    ballot.transition.stop = {"srv1"};
  } else {
    ballot.participants = {"srv1"};
    ballot.votes["srv1"] = Vote{{1, {kEnd}}, {}, false, kOurs};
  }
  if (world.event == Event::Recovered) ballot.transition.stop = ballot.transition.start = {"srv1"};
  if (world.event == Event::SwitchedOver || world.event == Event::ShutDown)
    ballot.shutdown_checkpoints["srv1"] = {{1, {kEnd - 1}}, kOurs};
  for (std::size_t i = 0; i < world.standbys.size(); ++i) {
    const auto node = World::name(i);
    const auto& [kind, score] = world.standbys[i];
    ballot.scores->emplace(node, score);
    if (kind == Kind::Absent) continue;
    ballot.participants.push_back(node);
    ballot.transition.unpromoted.push_back(node);
    if (kind == Kind::Maintained) ballot.in_maintenance.push_back(node);
    if (const auto vote = vote_of(kind)) ballot.votes[node] = *vote;
  }
  if (world.acknowledgers > 0) ballot.synchronous = {true, world.acknowledgers, {"*"}};
  return ballot;
}

/// As the agent gathers, one answer after the other; at the end nothing is open.
Verdict verdict_on(Ballot ballot) {
  const auto scores = std::exchange(ballot.scores, std::nullopt);
  for (int questions = 0; const auto question = open_question(ballot); ++questions) {
    EXPECT_LT(questions, 2);
    if (questions == 2) break;
    if (*question == Question::Scores) ballot.scores = scores;
    else ballot.ends_with_shutdown = true;
  }
  return judge(ballot);
}

const std::vector<Standby>& standbys_of(std::size_t detail) {
  static const auto make = [](const std::vector<Kind>& kinds,
                              const std::vector<std::optional<PromotionScore>>& scores) {
    std::vector<Standby> all;
    for (const auto kind : kinds) {
      for (const auto& score : scores) all.push_back({kind, score});
    }
    return all;
  };
  static const std::vector<Kind> every = {Kind::FarBehind, Kind::Behind,     Kind::Level,   Kind::UnderPaf,
                                          Kind::Silent,    Kind::Maintained, Kind::Foreign, Kind::Diverged,
                                          Kind::Rogue,     Kind::Absent};
  static const auto many = make(every, {1000, 990, 1, -1, -1000, cluster::kForbiddenScore, std::nullopt});
  static const auto some = make(every, {1000, -1000});
  static const auto few = make({Kind::Behind, Kind::Level, Kind::Silent, Kind::Rogue, Kind::Absent}, {1000, -1000});
  return detail == 0 ? many : detail == 1 ? some : few;
}

void with_every_world(const std::function<void(const World&)>& look) {
  World world;
  // Three nodes in every order; of more the order only repeats that.
  const std::function<void(std::size_t, std::size_t)> fill = [&](std::size_t count, std::size_t first) {
    if (world.standbys.size() == count) {
      for (const auto event : {Event::Lost, Event::ShutDown, Event::Recovered, Event::SwitchedOver}) {
        world.event = event;
        for (world.acknowledgers = 0; world.acknowledgers <= 2; ++world.acknowledgers) look(world);
      }
      return;
    }
    const auto& choice = standbys_of(count - 2);
    for (auto next = first; next < choice.size(); ++next) {
      world.standbys.push_back(choice[next]);
      fill(count, count == 2 ? 0 : next);
      world.standbys.pop_back();
    }
  };
  for (std::size_t count = 2; count <= 4; ++count) fill(count, 0);
}

/// Every node of every world that has voted is tried as the candidate.
void with_every_candidate(const std::function<void(const World&, const Ballot&, const Verdict&)>& look) {
  with_every_world([&](const World& world) {
    for (const auto& [node, vote] : ballot_of(world, "").votes) {
      if (testing::Test::HasFailure()) return;
      SCOPED_TRACE(describe(world, node));
      const auto ballot = ballot_of(world, node);
      look(world, ballot, verdict_on(ballot));
    }
  });
}

bool is_promoted(const Verdict& verdict) { return !verdict.refusal; }

/// The candidate's kind; nothing of the last primary itself.
std::optional<Kind> kind_of(const World& world, const NodeName& node) {
  for (std::size_t i = 0; i < world.standbys.size(); ++i) {
    if (World::name(i) == node) return world.standbys[i].kind;
  }
  return std::nullopt;
}

TEST(VerdictInAllWorlds, NobodyIsPromotedPastAVoterWithMoreOfTheLastPrimarysWal) {
  with_every_candidate([](const World& world, const Ballot& ballot, const Verdict& verdict) {
    if (!is_promoted(verdict)) return;
    const auto own = kind_of(world, ballot.candidate);
    const bool is_of_the_line = !own || has_the_last_primarys_wal(*own);
    for (const auto& [node, vote] : ballot.votes) {
      const auto kind = kind_of(world, node);
      if (node == ballot.candidate || (kind && !has_the_last_primarys_wal(*kind))) continue;
      const bool followed = ballot.scores->at(node).value_or(-1) >= 0;
      // A primary that runs beside the one that Pacemaker knows may have been meant to: an administrator's move.
      // And PAF's agent does not tell of which system its instance is.
      const bool is_in_doubt =
          (own == Kind::Rogue && node == "srv1") || (own == Kind::Foreign && kind == Kind::UnderPaf);
      if (is_of_the_line) {
        EXPECT_FALSE(ballot.votes.at(ballot.candidate).position < vote.position) << node;
      } else if (vote.position.lsn.bytes > kFork && !is_in_doubt) {
        EXPECT_FALSE(followed) << node << " followed the last primary";
      }
    }
  });
}

TEST(VerdictInAllWorlds, NobodyIsPromotedPastASilentNodeButTheLastPrimaryItself) {
  with_every_candidate([](const World& world, const Ballot& ballot, const Verdict& verdict) {
    if (!is_promoted(verdict) || ballot.candidate == "srv1") return;
    if (kind_of(world, ballot.candidate) == Kind::Rogue) return;  // it runs already, judged by the others' votes
    for (const auto& standby : world.standbys) EXPECT_NE(standby.kind, Kind::Silent);
  });
}

TEST(VerdictInAllWorlds, NobodyIsPromotedBesideARunningPrimaryOfTheSameSystem) {
  with_every_candidate([](const World& world, const Ballot& ballot, const Verdict& verdict) {
    const auto own = kind_of(world, ballot.candidate);
    if (!is_promoted(verdict) || own == Kind::Rogue || own == Kind::Foreign) return;
    for (const auto& standby : world.standbys) EXPECT_NE(standby.kind, Kind::Rogue);
  });
}

TEST(VerdictInAllWorlds, NobodyIsPromotedBeforeThePublishedEndOfTheLastPrimary) {
  with_every_candidate([](const World& world, const Ballot& ballot, const Verdict& verdict) {
    const bool is_published = world.event == Event::SwitchedOver || world.event == Event::ShutDown;
    if (!is_promoted(verdict) || !is_published) return;
    EXPECT_NE(kind_of(world, ballot.candidate), Kind::Behind);
    EXPECT_NE(kind_of(world, ballot.candidate), Kind::FarBehind);
  });
}

TEST(VerdictInAllWorlds, NobodyIsPromotedWhereAllThatMayHaveAcknowledgedACommitAreMissing) {
  with_every_candidate([](const World& world, const Ballot& ballot, const Verdict& verdict) {
    if (!is_promoted(verdict) || world.event != Event::Lost || world.acknowledgers == 0) return;
    const auto own = kind_of(world, ballot.candidate);
    if (own && !has_the_last_primarys_wal(*own)) return;
    std::size_t missing = 0;
    for (const auto& [kind, score] : world.standbys) {
      missing += score.value_or(-1000) >= -1 && !vote_of(kind) ? 1 : 0;
    }
    EXPECT_LT(missing, world.acknowledgers);
  });
}

TEST(VerdictInAllWorlds, WhoWasHeldBackCountsAsBefore) {
  with_every_candidate([](const World& /*world*/, const Ballot& ballot, const Verdict& verdict) {
    auto held = ballot;
    for (auto& [node, score] : *held.scores) {
      if (score == cluster::kLowestPromotableScore) score = cluster::kHeldBackScore;
    }
    const auto again = verdict_on(held);
    EXPECT_EQ(again.refusal, verdict.refusal);
    EXPECT_EQ(again.rogue, verdict.rogue);
    EXPECT_TRUE(std::is_permutation(again.successors.begin(), again.successors.end(), verdict.successors.begin(),
                                    verdict.successors.end()));
  });
}

TEST(VerdictInAllWorlds, WhoIsHopelessHasVotedAndIsRefused) {
  with_every_candidate([](const World& world, const Ballot& ballot, const Verdict& verdict) {
    if (verdict.hopeless.empty() || !verdict.successors.empty()) return;
    EXPECT_TRUE(ocf::contains(verdict.hopeless, ballot.candidate));
    for (const auto& node : verdict.hopeless) {
      ASSERT_EQ(ballot.votes.count(node), 1U) << node;
      const auto kind = kind_of(world, node);
      if (kind && !has_the_last_primarys_wal(*kind)) continue;
      EXPECT_FALSE(is_promoted(verdict_on(ballot_of(world, node)))) << node;
    }
  });
}

TEST(VerdictInAllWorlds, EveryRefusalSaysWhy) {
  with_every_candidate([](const World& /*world*/, const Ballot& ballot, const Verdict& verdict) {
    if (is_promoted(verdict)) {
      EXPECT_EQ(verdict.successors, NodeList{});
      EXPECT_EQ(verdict.rogue, std::nullopt);
      return;
    }
    EXPECT_FALSE(verdict.refusal->empty());
    for (const auto& node : verdict.successors) {
      EXPECT_NE(node, ballot.candidate);
      EXPECT_EQ(ballot.votes.count(node), 1U) << node;
    }
  });
}

// ---- Pacemaker's part: it promotes the best placed node, recovers what is reported, and stops who has failed too
// often.

enum class Constraint { None, Preferred, Forbidden };

struct Pacemaker {
  World world;
  NodeName constrained;  ///< the node with the constraint
  Constraint constraint = Constraint::None;
  cluster::ScoreTable scores;
  NodeList given_up;  ///< failed as often as migration-threshold allows, so stopped

  [[nodiscard]] Ballot ballot(const NodeName& candidate) const {
    auto ballot = ballot_of(world, candidate);
    ballot.scores = scores;
    auto& nodes = ballot.participants;
    nodes.erase(
        std::remove_if(nodes.begin(), nodes.end(), [&](const auto& node) { return ocf::contains(given_up, node); }),
        nodes.end());
    for (const auto& node : given_up) ballot.votes.erase(node);
    return ballot;
  }

  [[nodiscard]] cluster::ScoreTable placement() const {
    cluster::ScoreTable placement;
    for (const auto& node : ballot("").participants) {
      auto score = scores.at(node).value_or(0);
      const bool is_constrained = node == constrained;
      if (is_constrained && constraint == Constraint::Forbidden) score = -cluster::kInfinity;
      if (is_constrained && constraint == Constraint::Preferred && score > -cluster::kInfinity)
        score = cluster::kInfinity;
      placement[node] = score;
    }
    return placement;
  }

  /// Pacemaker promotes nobody whose placement is not above 0.
  [[nodiscard]] std::optional<NodeName> choose() const {
    std::optional<NodeName> best;
    const auto places = placement();
    for (const auto& [node, score] : places) {
      if (*score > 0 && (!best || *score > *places.at(*best))) best = node;
    }
    return best;
  }

  /// Whom a constraint brings back in spite of its score fails again.
  void hold_back(const NodeList& nodes, const NodeName& candidate) {
    const auto before = scores;
    for (const auto& node : nodes) {
      if (scores.at(node).value_or(-1) >= 0) scores[node] = cluster::kHeldBackScore;
    }
    if (scores == before) given_up.push_back(candidate);
  }

  /// One transition: whoever was promoted.
  std::optional<NodeName> run(const NodeName& candidate) {
    const auto now = ballot(candidate);
    if (now.votes.count(candidate) == 0) {  // an instance without a vote refuses its promotion
      given_up.push_back(candidate);
      return std::nullopt;
    }
    const auto verdict = verdict_on(now);
    if (!verdict.refusal) return candidate;
    if (verdict.rogue) {
      for (std::size_t i = 0; i < world.standbys.size(); ++i) {
        if (World::name(i) == *verdict.rogue) world.standbys[i].kind = Kind::Diverged;
      }
      scores[*verdict.rogue] = cluster::kDisconnectedScore;
      return std::nullopt;
    }
    if (verdict.successors.empty()) {
      hold_back(verdict.hopeless, candidate);
      return std::nullopt;
    }
    const auto concession = concede(candidate, verdict.successors, now.participants, scores, placement());
    if (concession.is_forbidden) hold_back({candidate}, candidate);
    for (const auto& [node, score] : concession.scores) scores[node] = score;
    return std::nullopt;
  }
};

void with_every_course(const std::function<void(const Pacemaker& before, const Pacemaker& after,
                                                const std::optional<NodeName>& promoted, int rounds)>& look) {
  with_every_world([&](const World& world) {
    if (world.standbys.size() > 3 || testing::Test::HasFailure()) return;
    for (const auto constraint : {Constraint::None, Constraint::Preferred, Constraint::Forbidden}) {
      for (std::size_t i = 0; i < (constraint == Constraint::None ? 1 : world.standbys.size()); ++i) {
        SCOPED_TRACE(describe(world, World::name(i)) + ", constraint " + std::to_string(static_cast<int>(constraint)));
        Pacemaker cluster{world, World::name(i), constraint, *ballot_of(world, "").scores, {}};
        const auto before = cluster;
        std::optional<NodeName> promoted;
        int rounds = 0;
        for (; !promoted && rounds < 20; ++rounds) {
          const auto candidate = cluster.choose();
          if (!candidate) break;
          promoted = cluster.run(*candidate);
        }
        look(before, cluster, promoted, rounds);
      }
    }
  });
}

TEST(ElectionsInAllWorlds, ComeToAnEnd) {
  with_every_course([](const auto& /*before*/, const auto& /*after*/, const auto& /*promoted*/, int rounds) {
    EXPECT_LT(rounds, 12);
  });
}

TEST(ElectionsInAllWorlds, PromoteSomebodyWhereSomebodyMayBePromoted) {
  with_every_course([](const Pacemaker& before, const Pacemaker& /*after*/, const auto& promoted, int /*rounds*/) {
    if (promoted) return;
    for (const auto& [node, place] : before.placement()) {
      const auto ballot = before.ballot(node);
      if (*place <= 0 || ballot.votes.count(node) == 0 || kind_of(before.world, node) == Kind::Foreign) continue;
      EXPECT_FALSE(is_promoted(verdict_on(ballot))) << node << " might have been promoted";
    }
  });
}

TEST(ElectionsInAllWorlds, ForbidNobodyForGoodWhereNobodyIsPromoted) {
  with_every_course([](const Pacemaker& before, const Pacemaker& after, const auto& promoted, int /*rounds*/) {
    if (promoted) return;
    for (const auto& [node, score] : after.scores) {
      EXPECT_TRUE(score != cluster::kForbiddenScore || before.scores.at(node) == score) << node;
    }
  });
}

}  // namespace
}  // namespace pgsqlms::decision
