// SPDX-License-Identifier: PostgreSQL
#include "chance.hpp"
#include "pgsqlms/decision/divergence.hpp"
#include "pgsqlms/decision/election.hpp"
#include "pgsqlms/decision/switchover.hpp"

namespace pgsqlms::decision {
namespace {

using cluster::NodeList;
using cluster::NodeName;
using property::Chance;
using property::try_often;

/// Names that contain each other, and more than bytes that are letters.
const std::vector<NodeName> kVoters = {"srv1", "srv10", "srv", "srv-1.example.com", "SRV1", "é", std::string(70, 'n')};

pg::WalPosition any_position(Chance& chance) {
  // Few different values, so that ties are frequent, and the ends of what there can be.
  const std::vector<std::uint64_t> lsns = {0, 1, 0x5000060, 0x5000061, 0x6000000, UINT64_MAX};
  return {static_cast<pg::Timeline>(1 + chance.below(3)), pg::Lsn{chance.one_of(lsns)}};
}

/// Of the timelines before the position's own some are known.
pg::TimelineHistory any_history(Chance& chance, const pg::WalPosition& position) {
  pg::TimelineHistory history;
  for (pg::Timeline former = 1; former < position.timeline; ++former) {
    if (!chance.one_in(3)) history[former] = any_position(chance).lsn;
  }
  return history;
}

Vote any_vote(Chance& chance) {
  const std::vector<pg::SystemIdentifier> systems = {0, 7, 8};
  const auto position = any_position(chance);
  return {position, any_history(chance, position), chance.one_in(3), chance.one_of(systems)};
}

/// One election: every node but some has voted and has a score; the candidate has voted.
struct Election {
  explicit Election(Chance& chance) {
    participants = chance.shuffled(kVoters);
    participants.resize(1 + chance.below(kVoters.size()));
    candidate = chance.one_of(participants);
    const std::vector<int> some_scores = {-1000000, -1000, -1, 1, 990, 1000, 1001, 1000000};
    for (const auto& node : kVoters) {
      if (node == candidate || !chance.one_in(5)) votes[node] = {any_position(chance)};
      if (chance.one_in(4)) scores[node] = std::nullopt;
      else if (!chance.one_in(4)) scores[node] = chance.one_of(some_scores);
    }
  }

  [[nodiscard]] NodeName winner() const {
    const auto winners = find_winners(candidate, participants, votes, scores);
    return winners.empty() ? candidate : winners.front();
  }

  NodeName candidate;
  NodeList participants;
  Votes votes;
  cluster::ScoreTable scores;
};

TEST(ElectionProperty, TheWinnerIsAParticipantThatHasVoted) {
  try_often([](Chance& chance) {
    const Election election(chance);
    EXPECT_TRUE(ocf::contains(election.participants, election.winner()));
    EXPECT_EQ(election.votes.count(election.winner()), 1U);
  });
}

TEST(ElectionProperty, NoParticipantThatHasVotedIsAheadOfTheWinner) {
  try_often([](Chance& chance) {
    const Election election(chance);
    for (const auto& node : election.participants) {
      if (election.votes.count(node) == 0) continue;
      EXPECT_FALSE(election.votes.at(election.winner()).position < election.votes.at(node).position) << node;
    }
  });
}

TEST(ElectionProperty, TheCandidateWinsUnlessAnotherIsAheadOfIt) {
  try_often([](Chance& chance) {
    const Election election(chance);
    if (election.winner() == election.candidate) return;
    EXPECT_TRUE(election.votes.at(election.candidate).position < election.votes.at(election.winner()).position);
  });
}

TEST(ElectionProperty, TheOrderOfTheParticipantsDoesNotMatter) {
  try_often([](Chance& chance) {
    const Election election(chance);
    auto other = election;
    other.participants = chance.shuffled(other.participants);
    other.participants.push_back(other.participants.front());
    EXPECT_EQ(other.winner(), election.winner());
  });
}

TEST(ElectionProperty, TheWinnerWinsAgainAsTheCandidate) {
  try_often([](Chance& chance) {
    auto election = Election(chance);
    const auto winner = election.winner();
    election.candidate = winner;
    EXPECT_EQ(election.winner(), winner);
  });
}

TEST(ElectionProperty, VotesOfOthersDoNotMatter) {
  try_often([](Chance& chance) {
    const Election election(chance);
    auto other = election;
    for (const auto& node : kVoters) {
      if (!ocf::contains(other.participants, node)) other.votes[node] = {any_position(chance)};
    }
    EXPECT_EQ(other.winner(), election.winner());
  });
}

TEST(ElectionProperty, TheScoresForAWinnerPutItAboveEveryOtherParticipant) {
  try_often([](Chance& chance) {
    auto election = Election(chance);
    const auto winner = election.winner();
    if (winner == election.candidate) return;
    // Nobody else is where an administrator's INFINITY is.
    for (auto& [node, score] : election.scores) score = std::min(score.value_or(0), 1001);
    auto scores = election.scores;
    for (const auto& [node, score] : concede(election.candidate, {winner}, election.participants, scores, {}).scores) {
      EXPECT_LE(score, cluster::kInfinity);
      EXPECT_GE(score, -cluster::kInfinity);
      scores[node] = score;
    }
    for (const auto& node : election.participants) {
      if (node == winner) continue;
      EXPECT_LT(scores[node].value_or(-cluster::kInfinity), scores[winner]) << node;
    }
  });
}

TEST(DivergenceProperty, OfTwoVotersBothTellTheSame) {
  try_often([](Chance& chance) {
    const auto one = any_vote(chance);
    const auto other = any_vote(chance);
    EXPECT_EQ(have_diverged(one, other), have_diverged(other, one));
  });
}

TEST(DivergenceProperty, NobodyDivergesOnOneTimelineWithOneHistory) {
  try_often([](Chance& chance) {
    const auto one = any_vote(chance);
    auto other = one;
    other.position.lsn = any_position(chance).lsn;
    EXPECT_FALSE(have_diverged(one, other));
  });
}

TEST(ElectionProperty, VotesWithAllThatTheyTellAreReadBackAsTheyArePublished) {
  try_often([](Chance& chance) {
    Votes votes;
    cluster::AttributeTable published;
    for (const auto& node : kVoters) published[node] = published_form(votes[node] = any_vote(chance));
    EXPECT_EQ(read_votes(published), votes);
  });
}

TEST(SwitchoverProperty, ACandidateIsOnlyGoodThatIsBeyondEveryShutdownCheckpoint) {
  try_often([](Chance& chance) {
    const Election election(chance);
    auto candidate = any_vote(chance);
    candidate.history.clear();
    ShutdownCheckpoints checkpoints;
    for (const auto& [node, vote] : election.votes)
      checkpoints[node] = {vote.position, any_vote(chance).system_identifier};
    const auto missed = find_missed_shutdown(candidate, checkpoints);
    if (missed) {
      EXPECT_FALSE(missed->checkpoint < candidate.position);
      return;
    }
    for (const auto& [node, checkpoint] : checkpoints) {
      EXPECT_TRUE(are_foreign(checkpoint.system_identifier, candidate.system_identifier) ||
                  checkpoint.position < candidate.position)
          << node;
    }
  });
}

}  // namespace
}  // namespace pgsqlms::decision
