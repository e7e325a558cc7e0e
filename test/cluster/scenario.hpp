// SPDX-License-Identifier: PostgreSQL
// A scenario: one fault or one order, given to a real cluster under writes, and judged from outside. It has three nodes
// unless a case wants another one.
//
// Nothing here looks into the agent. What is asked is what an administrator could ask: crm_mon, SQL on each node, the
// logs of Pacemaker and PostgreSQL, and the writer, who knows which of its commits were acknowledged.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <boost/property_tree/ptree.hpp>
#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace pgsqlms::scenario {

using NodeName = std::string;
using Command = std::vector<std::string>;
using std::chrono::seconds;

/// A gap of seconds between two acknowledged commits that a busy machine may cause by itself; what is longer is an
/// outage.
constexpr double kLongestHiccup = 1.0;

/// What a cluster is made of. Nodes are numbered as they are named.
struct Shape {
  std::vector<NodeName> members;  ///< run Corosync
  std::vector<NodeName> remotes;  ///< run Pacemaker Remote alone
};

inline const Shape kThreeNodes = {{"srv1", "srv2", "srv3"}, {}};
inline const Shape kFiveNodes = {{"srv1", "srv2", "srv3", "srv4", "srv5"}, {}};
inline const Shape kThreeNodesAndARemoteOne = {{"srv1", "srv2", "srv3"}, {"srv4"}};

/// Of the cluster that the present case is about, whether they live or not.
[[nodiscard]] const std::vector<NodeName>& all_nodes();

/// What a program that has ended said.
struct Ended {
  int code = -1;  ///< its exit code, 128 + the signal that ended it, or -1 if it was ended here because time ran out
  std::string output;
  std::string errors;
};

/// Runs a program to its end; one that is still there at the deadline is ended, with its children.
[[nodiscard]] Ended run(const Command& command, seconds deadline);

/// A program in the background, in a process group of its own, ended with SIGTERM. What it says goes to a file.
class Background {
 public:
  Background(const Command& command, const std::string& output_file);
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();

  /// Ends it and waits until all of its group are gone; SIGKILL for those who do not listen. Does nothing the second
  /// time.
  void end();

 private:
  pid_t group_;
};

/// The lab tool was asked for something and failed.
class LabFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct FailedAction {
  NodeName node;
  std::string task;  ///< monitor, promote ...
  int code = 0;
  std::string reason;
};

/// The cluster as crm_mon shows it.
struct ClusterView {
  struct Node {
    bool online = false;  ///< member, and neither pending nor unclean
    bool standby = false;
    std::string role;  ///< promoted, unpromoted, stopped or failed: of PostgreSQL's resource
    std::optional<int> score;
  };
  std::map<NodeName, Node> nodes;
  std::vector<FailedAction> failed_actions;
  NodeName vip;  ///< where the virtual IP is started, or empty

  [[nodiscard]] std::vector<NodeName> with_role(const std::string& role) const;
  /// The only promoted node; empty if there is none, or more than one.
  [[nodiscard]] NodeName primary() const;
};

/// Reads what `crm_mon --as-xml` prints.
[[nodiscard]] ClusterView read_cluster_view(const std::string& xml);

/// The cluster on this machine, through the tool `lab`. Whatever fails throws LabFailed, unless said otherwise.
class Lab {
 public:
  explicit Lab(std::string cluster_name);

  void up(const std::string& agent, const Shape& shape) const;
  void down() const;

  /// A command as root in a node, or in the network of the client.
  [[nodiscard]] Ended try_exec(const NodeName& node, const Command& command, seconds deadline = seconds(60)) const;
  std::string exec(const NodeName& node, const Command& command) const;
  [[nodiscard]] Command exec_command(const NodeName& node, const Command& command) const;

  /// What psql prints for a query, without the last newline.
  std::string sql(const NodeName& node, const std::string& query) const;
  /// The same; nothing if the server does not answer.
  [[nodiscard]] std::optional<std::string> try_sql(const NodeName& node, const std::string& query) const;

  /// Any other word of the tool.
  std::string call(const Command& words, seconds deadline = seconds(60)) const;
  [[nodiscard]] Ended try_call(const Command& words, seconds deadline) const;

  /// Waits until the cluster is stable; what is missing, or nothing if it is.
  [[nodiscard]] std::optional<std::string> wait_stable(const Command& conditions, seconds deadline) const;

  [[nodiscard]] ClusterView view() const;
  /// What `lab status --json` tells of nodes, instances, the virtual IP and fencing; dearer than the view.
  [[nodiscard]] boost::property_tree::ptree status() const;

  /// The files, outside of the node, that hold one of its logs: pacemaker, postgres or syslog.
  [[nodiscard]] std::vector<std::string> log_files(const NodeName& node, const std::string& kind) const;

 private:
  std::string name_;
};

/// The end of a node's log at some moment, to tell what was written after it.
class LogMark {
 public:
  LogMark(const Lab& lab, NodeName node, std::string kind);

  /// Everything that was written since.
  [[nodiscard]] std::string grown() const;
  [[nodiscard]] int count(const std::string& text) const;
  /// The lines with `text` in them.
  [[nodiscard]] std::vector<std::string> lines_with(const std::string& text) const;

 private:
  const Lab& lab_;
  NodeName node_;
  std::string kind_;
  std::map<std::string, std::streamoff> ends_;
};

/// What the writer and the role watcher saw.
struct Judgement {
  long acknowledged = 0;
  double longest_gap = 0;    ///< seconds between two acknowledged commits
  std::vector<double> gaps;  ///< those longer than half a second
  std::string overlaps;      ///< times with two writable primaries, as the judge printed them; empty is good
};

/// A commit that a writer was told of.
struct Acknowledged {
  double time = 0;    ///< seconds since the epoch
  std::string reign;  ///< the node that acknowledged it and its timeline
};

using AcknowledgedIds = std::map<long, Acknowledged>;

/// True as soon as the question is answered with yes; false, with what was waited for, when the deadline passes.
::testing::AssertionResult within(seconds deadline, const std::string& what, const std::function<bool()>& is_true);

/// True if the answer is yes all the time; false as soon as it is no.
::testing::AssertionResult holds_for(seconds duration, const std::string& what, const std::function<bool()>& is_true);

/// How a node that was dead has come back.
enum class Return { as_it_was, rebuilt };

/// One cluster for all cases. Each case starts from a stable cluster under writes and ends with the promises below.
class ClusterScenario : public ::testing::Test {
 public:
  static void TearDownTestSuite();

 protected:
  void SetUp() override;
  void TearDown() override;

  /// The cluster that the case is about.
  [[nodiscard]] virtual const Shape& shape() const { return kThreeNodes; }
  /// Whether the servers are to be watched in this case (parameter watch).
  [[nodiscard]] virtual bool is_watched() const { return false; }

  // ---- who is who, as it was when the case began

  [[nodiscard]] const NodeName& primary() const { return primary_; }
  /// All standbys, the one with the highest score first.
  [[nodiscard]] const std::vector<NodeName>& standbys() const { return standbys_; }
  /// Of two.
  [[nodiscard]] const NodeName& the_other_standby(const NodeName& one) const {
    return standbys_.front() == one ? standbys_.back() : standbys_.front();
  }

  // ---- questions

  /// The file of this name among those that are kept of this case.
  [[nodiscard]] static std::string kept_file(const std::string& name);
  static const Lab& lab();
  /// When the node's PostgreSQL was started; empty if it does not answer.
  [[nodiscard]] static std::string started_at(const NodeName& node);
  [[nodiscard]] static bool streams(const NodeName& standby, const NodeName& primary);
  [[nodiscard]] static bool agent_runs_on(const NodeName& node);
  /// The watchers on the node.
  [[nodiscard]] static std::vector<pid_t> watchers_on(const NodeName& node);
  /// How often the power switch was made to fence each node since the cluster exists.
  [[nodiscard]] static std::map<NodeName, int> fencings();
  /// The agent's actions on the node since the case began that end as `pattern` (a regular expression) says.
  [[nodiscard]] std::vector<std::string> events(const std::string& pattern) const;
  [[nodiscard]] const LogMark& postgres_log(const NodeName& node) const { return postgres_logs_.at(node); }
  [[nodiscard]] const LogMark& syslog(const NodeName& node) const { return syslogs_.at(node); }
  /// How often PostgreSQL was started, or ended in order, on the node since the case began.
  [[nodiscard]] int starts_of_postgres(const NodeName& node) const;
  [[nodiscard]] int shutdowns_of_postgres(const NodeName& node) const;

  /// The writer through the virtual IP is told of so many commits more.
  [[nodiscard]] ::testing::AssertionResult acknowledges_more(std::size_t commits) const;

  // ---- faults and orders

  /// Also one that does not answer.
  static void signal_postmaster(const NodeName& node, const std::string& signal);
  static void kill_postmaster(const NodeName& node) { signal_postmaster(node, "KILL"); }
  /// As an administrator would, past Pacemaker.
  static void stop_postgres_by_hand(const NodeName& node);
  /// An order to the cluster, given on a node that is a member of it.
  static void order(const Command& command);
  /// For the whole cluster; on once nothing is under way any more.
  static void set_maintenance(bool on);
  static void move_primary_to(const NodeName& node);
  static void clear_moves();
  /// The next power loss, in a scenario that is about one, must not lose a commit, or the election was wrong: a commit
  /// is acknowledged when one standby has it, whichever.
  void acknowledge_only_what_one_standby_has() { acknowledge_only_what_standbys_have(1); }
  /// The same with so many standbys.
  void acknowledge_only_what_standbys_have(std::size_t count);
  /// Takes a node's power; that it is fenced is expected.
  void power_off(const NodeName& node);
  /// Brings a dead node to life, as `how` does or by its power, and waits until it streams: as it is where its WAL
  /// allows, else after a rebuild.
  Return bring_back(const NodeName& node, const std::function<void()>& how = {});
  /// Whether the node's server has said, since the mark, that its WAL has diverged from its primary's.
  [[nodiscard]] static bool has_diverged(const LogMark& postgres_log);
  /// Rebuilds it, and sees to it that nobody would have promoted it.
  static void rebuild_diverged(const NodeName& node);
  /// Makes a diverged node anew from the primary and waits until it streams, once its cluster is started and `then`
  /// done.
  static void rebuild(const NodeName& node, const std::function<void()>& then = {});

  // ---- what the case declares

  /// In words, for reports: its name, what is done, what must come of it.
  void describe(const std::string& name, const std::string& what, const std::string& expected) {
    name_ = name;
    what_ = what;
    expected_ = expected;
  }

  /// This action may be found failed at the end: it is the fault that was injected, as Pacemaker saw it.
  void expect_failed_action(const NodeName& node, const std::string& task);
  /// This node may be fenced in this case.
  void expect_fencing_of(const NodeName& node) { expected_fencings_.insert(node); }
  /// Writes must not be out for more seconds than that.
  void expect_outage_of_at_most(double a_second) { longest_outage_ = a_second; }
  /// A primary is lost with its node or its processes. Where replication is asynchronous, what it acknowledged in its
  /// last second may be lost with it.
  void expect_loss_of_the_last_second() { may_lose_the_last_second_ = !synchronous_; }
  /// No standby gets anything from the primary any more, which goes on until it is fenced. Where replication is
  /// asynchronous, what it acknowledges meanwhile may be lost.
  void expect_loss_from_now_on();
  /// The case itself makes a second primary, past Pacemaker, to which no client is led.
  void expect_a_primary_made_by_hand() { has_primary_made_by_hand_ = true; }

  // ---- expectations

  /// Waits until the cluster is stable with this primary and `standby_count` standbys.
  [[nodiscard]] static ::testing::AssertionResult stable_with_primary(const NodeName& node, std::size_t standby_count,
                                                                      seconds deadline = seconds(90));
  /// The same with all others as standbys.
  [[nodiscard]] static ::testing::AssertionResult stable_with_primary(const NodeName& node) {
    return stable_with_primary(node, all_nodes().size() - 1);
  }
  /// Another node than the one that was the primary when the case began is promoted now.
  [[nodiscard]] ::testing::AssertionResult another_is_promoted(seconds deadline = seconds(60)) const;
  /// PostgreSQL on the node answers, and was started after `before`.
  [[nodiscard]] static ::testing::AssertionResult was_started_again(const NodeName& node, const std::string& before,
                                                                    seconds deadline = seconds(60));
  /// Ends the writer and the watcher, once, and asks the judge.
  const Judgement& judgement();
  [[nodiscard]] int outages_longer_than(double a_second);

 private:
  void see_to_watching() const;
  void start_writer_and_watcher();
  void expect_the_promises();
  void expect_no_commit_lost(const NodeName& final_primary);
  void expect_roles_and_scores(const NodeName& final_primary);
  void expect_only_expected_failures();
  static void expect_no_private_attribute();
  static void expect_no_process_of_the_agent();
  void put_back();
  void forget_what_may_be_lost(AcknowledgedIds& lost, const AcknowledgedIds& all) const;
  void find_lost_commits(const NodeName& primary);
  [[nodiscard]] std::optional<std::size_t> count_lost();
  [[nodiscard]] std::vector<NodeName> fenced_beyond_the_expected() const;
  void keep_outcome();
  void keep_logs();
  void tell_what_happened();

  std::string name_;
  std::string what_;
  std::string expected_;
  double began_ = 0;
  NodeName primary_;
  std::vector<NodeName> standbys_;
  std::map<NodeName, LogMark> postgres_logs_;
  std::map<NodeName, LogMark> pacemaker_logs_;
  std::map<NodeName, LogMark> syslogs_;
  std::map<std::string, std::string> write_logs_;  ///< of each table that is written to
  std::string watch_log_;
  std::vector<std::unique_ptr<Background>> clients_;  ///< the writers and the watcher
  std::optional<Judgement> judgement_;
  std::set<std::pair<NodeName, std::string>> expected_failures_;
  std::map<NodeName, int> fencings_before_;
  std::set<NodeName> expected_fencings_;
  double longest_outage_ = std::numeric_limits<double>::infinity();
  bool may_lose_the_last_second_ = false;
  std::optional<double> may_lose_from_;  ///< seconds since the epoch
  /// Of each table the acknowledged commits that the primary does not have, whether they may be lost or not.
  std::optional<std::map<std::string, AcknowledgedIds>> lost_;
  bool synchronous_ = false;
  bool has_primary_made_by_hand_ = false;
};

/// The rest of a program of scenarios, once GoogleTest has taken its options: runs the tests, or, as the first word
/// says, brings the cluster `up` for several runs or takes it `down` again. Returns the exit code.
int run_scenarios(int argument_count, char** arguments);

}  // namespace pgsqlms::scenario
