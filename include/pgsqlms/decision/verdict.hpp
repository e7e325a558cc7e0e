// SPDX-License-Identifier: PostgreSQL
// The verdict of an election: may the candidate that Pacemaker chose be promoted?
//
// The rules stand in the order in which they are asked, in verdict.cpp. They know only what is in the ballot, so every
// small world can be tried. Safety: no candidate is promoted past an online node that may have more of the last
// primary's WAL, nor beside a running primary. Liveness: a refusal names who is to be promoted instead, or what has to
// happen first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pgsqlms/cluster/cluster.hpp"
#include "pgsqlms/decision/votes.hpp"
#include "pgsqlms/ocf/notify_context.hpp"
#include "pgsqlms/pg/synchronous_standbys.hpp"

namespace pgsqlms::decision {

/// Everything that an election is decided by. What costs a process is left out until open_question() asks for it.
struct Ballot {
  std::string resource;  ///< for commands in reasons
  cluster::NodeName candidate;
  ocf::NotifyContext transition;
  /// Who has a running instance once everything but the promotion is done, and is still a member of the cluster.
  cluster::NodeList participants;
  cluster::NodeList in_maintenance;  ///< those of them that Pacemaker does not notify, so that they cannot vote
  bool runs_as_primary = false;      ///< the candidate's instance, as it was found now
  Votes votes;                       ///< also of nodes that take no part
  ShutdownCheckpoints shutdown_checkpoints;
  pg::SynchronousStandbys synchronous;        ///< as the candidate's own settings say
  std::optional<cluster::ScoreTable> scores;  ///< an answer to Question::Scores
  std::optional<bool> ends_with_shutdown;     ///< to Question::WalEnd: the candidate's WAL, at its vote's position
};

enum class Question { Scores, WalEnd };

struct Verdict {
  std::optional<std::string> refusal;  ///< why the candidate must not be promoted; nothing if it may
  /// Who is to be promoted instead, the preferred one first. Each of them may be. Empty if nobody may as things are.
  cluster::NodeList successors;
  /// The voters, where none of them may be promoted before somebody returns who takes no part.
  cluster::NodeList hopeless;
  /// Who runs as a primary that nobody promoted and whose WAL does not count: it has to be taken down first.
  std::optional<cluster::NodeName> rogue;
  std::vector<std::string> remarks;  ///< what else an administrator should know
};

/// What has to be gathered before the ballot can be judged; nothing if that can be done now.
[[nodiscard]] std::optional<Question> open_question(const Ballot& ballot);

/// Judges a ballot without an open question.
[[nodiscard]] Verdict judge(const Ballot& ballot);

}  // namespace pgsqlms::decision
