// SPDX-License-Identifier: PostgreSQL
#include "scenario.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/property_tree/json_parser.hpp>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <regex>
#include <sstream>
#include <thread>
#include <utility>

extern char** environ;

namespace pgsqlms::scenario {
namespace {

using SteadyClock = std::chrono::steady_clock;
using boost::property_tree::ptree;
using std::chrono::milliseconds;

constexpr char kResource[] = "pgsqld";
constexpr char kClone[] = "pgsql-ha";
constexpr char kVip[] = "pgsql-vip";
constexpr char kPgCtl[] = "/usr/lib/postgresql/15/bin/pg_ctl";
constexpr milliseconds kPollPause{600};

const char* const kPrivateAttributes[] = {"lsn_location", "shutdown_checkpoint", "cancel_switchover", "nodes",
                                          "recover_primary"};

std::string getenv_or(const char* name, const std::string& fallback) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

std::string without_trailing_newlines(std::string text) {
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string joined(const std::vector<std::string>& words, const std::string& separator = " ") {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::streamoff size_of(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 ? static_cast<std::streamoff>(found.st_size) : 0;
}

std::string read_from(const std::string& path, std::streamoff offset) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(offset);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// ---- processes

/// A child in a process group of its own, with no signal blocked and none ignored.
pid_t spawn(const Command& command, posix_spawn_file_actions_t* files) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  const int failure = posix_spawnp(&child, arguments[0], files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) throw LabFailed("cannot start '" + command[0] + "': " + std::strerror(failure));
  return child;
}

/// Reads what is there and returns false at the end of the stream.
bool read_some(int descriptor, std::string& into) {
  char buffer[65536];
  const ssize_t count = read(descriptor, buffer, sizeof buffer);
  if (count > 0) into.append(buffer, static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) throw LabFailed("cannot make a pipe");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(ends[0]);
    close_writer();
  }
  void close_writer() {
    if (ends[1] >= 0) close(ends[1]);
    ends[1] = -1;
  }
};

bool group_is_alive(pid_t group) { return kill(-group, 0) == 0; }

/// SIGTERM, ten seconds of patience, SIGKILL; then the leader is reaped.
void end_group(pid_t group) {
  int status = 0;
  kill(-group, SIGTERM);
  const auto patience = SteadyClock::now() + seconds(10);
  while (SteadyClock::now() < patience) {
    waitpid(group, &status, WNOHANG);
    if (!group_is_alive(group)) return;
    std::this_thread::sleep_for(milliseconds(20));
  }
  kill(-group, SIGKILL);
  waitpid(group, &status, 0);
}

}  // namespace

Ended run(const Command& command, seconds deadline) {
  Pipe output;
  Pipe errors;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, errors.ends[1], STDERR_FILENO);
  const pid_t child = spawn(command, &files);
  posix_spawn_file_actions_destroy(&files);
  output.close_writer();
  errors.close_writer();

  Ended ended;
  const auto end = SteadyClock::now() + deadline;
  pollfd streams[] = {{output.ends[0], POLLIN, 0}, {errors.ends[0], POLLIN, 0}};
  std::string* const texts[] = {&ended.output, &ended.errors};
  const auto read_what_is_there = [&] {
    for (std::size_t i = 0; i < 2; ++i) {
      if (streams[i].fd >= 0 && streams[i].revents != 0 && !read_some(streams[i].fd, *texts[i])) streams[i].fd = -1;
    }
  };
  // The end of the child counts, not the end of its streams: what it leaves running on purpose may hold them open.
  int status = 0;
  while (true) {
    const bool is_over = waitpid(child, &status, WNOHANG) == child;
    poll(streams, 2, is_over ? 0 : 20);
    read_what_is_there();
    if (is_over) break;
    if (SteadyClock::now() >= end) {
      end_group(child);
      ended.errors +=
          "\nended because it took longer than " + std::to_string(deadline.count()) + " s: " + joined(command);
      return ended;
    }
  }
  while (poll(streams, 2, 0) > 0 && (streams[0].fd >= 0 || streams[1].fd >= 0)) read_what_is_there();
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

Background::Background(const Command& command, const std::string& output_file) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  group_ = spawn(command, &files);
  posix_spawn_file_actions_destroy(&files);
}

Background::~Background() { end(); }

void Background::end() {
  if (group_ > 0) end_group(group_);
  group_ = 0;
}

// ---- the view of crm_mon

namespace {

bool is_true(const ptree& element, const std::string& attribute) {
  return element.get<std::string>("<xmlattr>." + attribute, "") == "true";
}

std::string attribute_of(const ptree& element, const std::string& attribute) {
  return element.get<std::string>("<xmlattr>." + attribute, "");
}

/// Pacemaker's word, of any version, in ours.
std::string role_word(const std::string& role) {
  if (role == "Promoted" || role == "Master") return "promoted";
  if (role == "Unpromoted" || role == "Slave") return "unpromoted";
  return "stopped";
}

/// The key of an operation is RESOURCE_TASK_INTERVAL; the resource's own name may hold underscores.
std::string task_in(const std::string& key) {
  const auto end = key.rfind('_');
  const auto begin = key.rfind('_', end - 1) + 1;
  return key.substr(begin, end - begin);
}

/// Calls `visit` for every child with this name.
template <typename Visit>
void for_each_child(const ptree& parent, const std::string& path, const std::string& name, Visit visit) {
  const auto found = parent.get_child_optional(path);
  if (!found) return;
  for (const auto& [child_name, child] : *found) {
    if (child_name == name) visit(child);
  }
}

}  // namespace

std::vector<NodeName> ClusterView::with_role(const std::string& role) const {
  std::vector<NodeName> found;
  for (const auto& [name, node] : nodes) {
    if (node.role == role) found.push_back(name);
  }
  return found;
}

NodeName ClusterView::primary() const {
  const auto promoted = with_role("promoted");
  return promoted.size() == 1 ? promoted.front() : NodeName();
}

ClusterView read_cluster_view(const std::string& xml) {
  ptree document;
  std::istringstream stream(xml);
  boost::property_tree::read_xml(stream, document, boost::property_tree::xml_parser::trim_whitespace);
  const ptree& root = document.front().second;
  ClusterView view;
  for_each_child(root, "nodes", "node", [&](const ptree& element) {
    auto& node = view.nodes[attribute_of(element, "name")];
    node.online = is_true(element, "online") && !is_true(element, "pending") && !is_true(element, "unclean");
    node.standby = is_true(element, "standby");
    node.role = "stopped";
  });
  const auto note_place = [&](const ptree& resource) {
    for_each_child(resource, "", "node", [&](const ptree& place) {
      const auto name = attribute_of(place, "name");
      if (attribute_of(resource, "id") == kResource) view.nodes[name].role = role_word(attribute_of(resource, "role"));
      if (attribute_of(resource, "id") == kVip) view.vip = name;
    });
  };
  for_each_child(root, "resources", "clone",
                 [&](const ptree& clone) { for_each_child(clone, "", "resource", note_place); });
  for_each_child(root, "resources", "resource", note_place);
  for_each_child(root, "node_attributes", "node", [&](const ptree& element) {
    for_each_child(element, "", "attribute", [&](const ptree& attribute) {
      if (attribute_of(attribute, "name") != std::string("master-") + kResource) return;
      const auto value = attribute_of(attribute, "value");
      view.nodes[attribute_of(element, "name")].score = value == "-INFINITY" ? -1000000 : std::stoi(value);
    });
  });
  for_each_child(root, "failures", "failure", [&](const ptree& element) {
    view.failed_actions.push_back({attribute_of(element, "node"), task_in(attribute_of(element, "op_key")),
                                   element.get<int>("<xmlattr>.exitcode", -1), attribute_of(element, "exitreason")});
  });
  return view;
}

// ---- the lab

Lab::Lab(std::string cluster_name) : name_(std::move(cluster_name)) {}

Ended Lab::try_call(const Command& words, seconds deadline) const {
  Command command = {PGSQLMS_LAB, "--name", name_};
  command.insert(command.end(), words.begin(), words.end());
  return run(command, deadline);
}

std::string Lab::call(const Command& words, seconds deadline) const {
  const Ended ended = try_call(words, deadline);
  if (ended.code == 0) return without_trailing_newlines(ended.output);
  throw LabFailed("'lab " + joined(words) + "' ended with " + std::to_string(ended.code) + ": " +
                  without_trailing_newlines(ended.errors + ended.output));
}

void Lab::up(const std::string& agent, const Shape& shape) const {
  Command words = {"up", "--agent", agent, "--nodes", joined(shape.members, ",")};
  if (!shape.remotes.empty()) words.insert(words.end(), {"--remote", joined(shape.remotes, ",")});
  call(words, seconds(240));
}

void Lab::down() const { call({"down"}, seconds(120)); }

Command Lab::exec_command(const NodeName& node, const Command& command) const {
  Command whole = {PGSQLMS_LAB, "--name", name_, "exec", node, "--"};
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

Ended Lab::try_exec(const NodeName& node, const Command& command, seconds deadline) const {
  return run(exec_command(node, command), deadline);
}

std::string Lab::exec(const NodeName& node, const Command& command) const {
  const Ended ended = try_exec(node, command);
  if (ended.code == 0) return without_trailing_newlines(ended.output);
  throw LabFailed("'" + joined(command) + "' on " + node + " ended with " + std::to_string(ended.code) + ": " +
                  without_trailing_newlines(ended.errors));
}

std::string Lab::sql(const NodeName& node, const std::string& query) const { return call({"sql", node, query}); }

std::optional<std::string> Lab::try_sql(const NodeName& node, const std::string& query) const {
  const Ended ended = try_call({"sql", node, query}, seconds(20));
  if (ended.code != 0) return std::nullopt;
  return without_trailing_newlines(ended.output);
}

std::optional<std::string> Lab::wait_stable(const Command& conditions, seconds deadline) const {
  Command words = {"wait", "--timeout", std::to_string(deadline.count())};
  words.insert(words.end(), conditions.begin(), conditions.end());
  const Ended ended = try_call(words, deadline + seconds(30));
  if (ended.code == 0) return std::nullopt;
  return without_trailing_newlines(ended.output + ended.errors);
}

ClusterView Lab::view() const { return read_cluster_view(call({"xml"})); }

ptree Lab::status() const {
  ptree status;
  std::istringstream json(call({"status", "--json"}));
  boost::property_tree::read_json(json, status);
  return status;
}

std::vector<std::string> Lab::log_files(const NodeName& node, const std::string& kind) const {
  return lines_of(call({"log", node, kind}));
}

// ---- what was written to a log since a moment

LogMark::LogMark(const Lab& lab, NodeName node, std::string kind)
    : lab_(lab), node_(std::move(node)), kind_(std::move(kind)) {
  for (const auto& path : lab_.log_files(node_, kind_)) ends_[path] = size_of(path);
}

std::string LogMark::grown() const {
  std::string text;
  for (const auto& path : lab_.log_files(node_, kind_)) {
    const auto known = ends_.find(path);
    text += read_from(path, known == ends_.end() ? 0 : known->second);
  }
  return text;
}

std::vector<std::string> LogMark::lines_with(const std::string& text) const {
  auto lines = lines_of(grown());
  lines.erase(std::remove_if(lines.begin(), lines.end(),
                             [&](const std::string& line) { return line.find(text) == std::string::npos; }),
              lines.end());
  return lines;
}

int LogMark::count(const std::string& text) const { return static_cast<int>(lines_with(text).size()); }

// ---- waiting

::testing::AssertionResult within(seconds deadline, const std::string& what, const std::function<bool()>& is_true) {
  const auto end = SteadyClock::now() + deadline;
  std::string trouble;
  while (true) {
    try {
      if (is_true()) return ::testing::AssertionSuccess();
      trouble.clear();
    } catch (const LabFailed& failed) {
      trouble = std::string(" (") + failed.what() + ")";
    }
    if (SteadyClock::now() >= end) {
      return ::testing::AssertionFailure() << "not within " << deadline.count() << " s: " << what << trouble;
    }
    std::this_thread::sleep_for(kPollPause);
  }
}

::testing::AssertionResult holds_for(seconds duration, const std::string& what, const std::function<bool()>& is_true) {
  const auto end = SteadyClock::now() + duration;
  while (SteadyClock::now() < end) {
    if (!is_true()) return ::testing::AssertionFailure() << "not all the time: " << what;
    std::this_thread::sleep_for(kPollPause);
  }
  return ::testing::AssertionSuccess();
}

// ---- the one cluster

namespace {

const std::string& agent_under_test() {
  static const std::string agent = getenv_or("PGSQLMS_AGENT", PGSQLMS_AGENT_DEFAULT);
  return agent;
}

/// The cluster of the scenarios. Who finds it down brings it up, and takes it down in the end unless it is asked to
/// leave it to others; who finds it up leaves it up.
class TheCluster {
 public:
  static TheCluster& instance() {
    static TheCluster cluster;
    return cluster;
  }

  const Lab& lab() const { return lab_; }

  const std::vector<NodeName>& nodes() const { return nodes_; }

  /// One that is up, but not what is wanted, is replaced.
  void bring_up_if_down(const Shape& shape) {
    choose(shape);
    if (is_up()) return;
    is_ours_ = true;
    bring_up();
  }

  void bring_up() const {
    lab_.down();
    lab_.up(agent_under_test(), shape_);
  }

  void take_down_if_ours() {
    if (!is_ours_ || !getenv_or("PGSQLMS_SCENARIO_LEAVE_UP", "").empty()) return;
    is_ours_ = false;
    lab_.down();
  }

 private:
  TheCluster() { choose(kThreeNodes); }

  void choose(const Shape& shape) {
    shape_ = shape;
    nodes_ = shape.members;
    nodes_.insert(nodes_.end(), shape.remotes.begin(), shape.remotes.end());
  }

  bool is_up() const try {
    const auto view = lab_.view();
    return view.nodes.size() == nodes_.size() &&
           std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& node) { return view.nodes.count(node) == 1; });
  } catch (const LabFailed&) {
    return false;
  }

  Lab lab_{getenv_or("PGSQLMS_SCENARIO_CLUSTER", "scenario")};
  Shape shape_;
  std::vector<NodeName> nodes_;
  bool is_ours_ = false;
};

std::string folder_of_case() {
  const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  const auto all = getenv_or("PGSQLMS_SCENARIO_LOGS", PGSQLMS_SCENARIO_LOGS);
  const std::string folder = all + "/" + test->name();
  mkdir(all.c_str(), 0755);
  mkdir(folder.c_str(), 0755);
  return folder;
}

AcknowledgedIds acknowledged_ids(const std::string& write_log) {
  AcknowledgedIds ids;
  std::ifstream file(write_log);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    double time = 0;
    std::string state;
    std::string node;
    std::string timeline;
    long id = 0;
    if (words >> time >> id >> state >> node >> timeline && state == "ok") ids[id] = {time, node + " " + timeline};
  }
  return ids;
}

/// The table of the writer that goes through the virtual IP; the others go to one node each.
const std::string kTable = "writer";

std::string table_at(const NodeName& node) { return kTable + "_at_" + node; }

}  // namespace

const std::vector<NodeName>& all_nodes() { return TheCluster::instance().nodes(); }

const Lab& ClusterScenario::lab() { return TheCluster::instance().lab(); }

void ClusterScenario::TearDownTestSuite() { TheCluster::instance().take_down_if_ours(); }

void ClusterScenario::SetUp() {
  TheCluster::instance().bring_up_if_down(shape());
  if (const auto missing = lab().wait_stable({}, seconds(60))) {
    std::cout << "the cluster is not stable, so it is built again: " << *missing << std::endl;
    TheCluster::instance().bring_up();
  }
  ASSERT_NO_FATAL_FAILURE(see_to_watching());
  began_ = unix_time();
  ASSERT_TRUE(within(seconds(20), "no failed action is left of the case before",
                     [&] { return lab().view().failed_actions.empty(); }));
  const auto view = lab().view();
  primary_ = view.primary();
  standbys_ = view.with_role("unpromoted");
  ASSERT_FALSE(primary_.empty());
  ASSERT_EQ(standbys_.size(), all_nodes().size() - 1);
  std::sort(standbys_.begin(), standbys_.end(), [&](const NodeName& left, const NodeName& right) {
    return view.nodes.at(left).score.value_or(-1) > view.nodes.at(right).score.value_or(-1);
  });
  for (const auto& node : all_nodes()) {
    postgres_logs_.emplace(node, LogMark(lab(), node, "postgres"));
    pacemaker_logs_.emplace(node, LogMark(lab(), node, "pacemaker"));
    syslogs_.emplace(node, LogMark(lab(), node, "syslog"));
  }
  fencings_before_ = fencings();
  start_writer_and_watcher();
}

void ClusterScenario::see_to_watching() const {
  const auto parameter = [](Command words) {
    words.insert(words.begin(), {"crm_resource", "--resource", kResource});
    return lab().try_exec(lab().view().primary(), words);
  };
  const bool is_on = without_trailing_newlines(parameter({"--get-parameter", "watch"}).output) == "true";
  if (is_on == is_watched()) return;
  const Ended ended = is_watched() ? parameter({"--set-parameter", "watch", "--parameter-value", "true"})
                                   : parameter({"--delete-parameter", "watch"});
  ASSERT_EQ(ended.code, 0) << ended.errors;
  ASSERT_TRUE(within(seconds(60), is_watched() ? "every server is watched" : "no server is watched any more", [&] {
    return std::all_of(all_nodes().begin(), all_nodes().end(),
                       [&](const NodeName& node) { return watchers_on(node).size() == (is_watched() ? 1U : 0U); });
  }));
  ASSERT_EQ(lab().wait_stable({}, seconds(60)).value_or(""), "");
}

void ClusterScenario::start_writer_and_watcher() {
  const auto status = lab().status();
  const auto add_client = [&](const Command& words) {
    Command command = {PGSQLMS_CLUSTER_CLIENT};
    command.insert(command.end(), words.begin(), words.end());
    clients_.push_back(std::make_unique<Background>(lab().exec_command("client", command), kept_file("clients.out")));
  };
  const auto add_writer = [&](const std::string& table, const std::string& to, const std::string& address,
                              const std::string& period) {
    write_logs_[table] = kept_file(table + ".log");
    unlink(write_logs_[table].c_str());
    add_client({"write", "--conninfo", "host=" + address + " user=postgres dbname=postgres", "--table", table, "--to",
                to, "--period-ms", period, "--log", write_logs_[table]});
  };
  watch_log_ = kept_file("watch.log");
  unlink(watch_log_.c_str());
  Command watch = {"watch", "--log", watch_log_};
  add_writer(kTable, "virtual-ip", status.get<std::string>("vip.address"), "20");
  for (const auto& node : all_nodes()) {
    const auto address = status.get<std::string>("nodes." + node + ".address");
    add_writer(table_at(node), "node", address, "100");
    watch.insert(watch.end(), {"--node", node + "=" + address});
  }
  add_client(watch);
  ASSERT_TRUE(within(seconds(20), "the writer's first commits are acknowledged",
                     [&] { return acknowledged_ids(write_logs_.at(kTable)).size() >= 10; }));
}

void ClusterScenario::TearDown() {
  const auto name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  try {
    if (!HasFailure()) expect_the_promises();
    if (!clients_.empty()) {
      std::cout << "[ OUTAGE   ] " << name << " " << std::fixed << std::setprecision(1) << judgement().longest_gap
                << " s" << std::endl;
      keep_outcome();
    }
  } catch (const std::exception& trouble) {
    ADD_FAILURE() << trouble.what();
  }
  clients_.clear();
  try {
    keep_logs();
    if (HasFailure()) tell_what_happened();
  } catch (const std::exception& trouble) {
    ADD_FAILURE() << "the logs cannot be kept: " << trouble.what();
  }
  put_back();
}

// ---- questions

std::string ClusterScenario::kept_file(const std::string& name) { return folder_of_case() + "/" + name; }

std::string ClusterScenario::started_at(const NodeName& node) {
  return lab().try_sql(node, "select pg_postmaster_start_time()").value_or("");
}

bool ClusterScenario::streams(const NodeName& standby, const NodeName& primary) {
  return lab().try_sql(primary,
                       "select count(*) from pg_stat_replication where state = 'streaming' and application_name = '" +
                           standby + "'") == "1";
}

bool ClusterScenario::agent_runs_on(const NodeName& node) {
  const std::regex agents_own(
      "resource\\.d/heartbeat/"
      "pgsqlms|(^|\n)\\S*(pg_ctl|pg_controldata|pg_waldump|attrd_updater|crm_attribute|crm_node|cibadmin)\\b");
  return std::regex_search(lab().exec(node, {"ps", "-eo", "args="}), agents_own);
}

std::vector<pid_t> ClusterScenario::watchers_on(const NodeName& node) {
  const Ended found = lab().try_exec(node, {"pgrep", "-f", "^pgsqlms watch "});
  std::vector<pid_t> watchers;
  for (const auto& line : lines_of(found.output)) watchers.push_back(std::stoi(line));
  return watchers;
}

std::map<NodeName, int> ClusterScenario::fencings() {
  const auto status = lab().status();
  std::map<NodeName, int> counts;
  for (const auto& node : all_nodes()) counts[node] = status.get<int>("nodes." + node + ".times_fenced");
  return counts;
}

int ClusterScenario::starts_of_postgres(const NodeName& node) const {
  return postgres_log(node).count("starting PostgreSQL");
}

int ClusterScenario::shutdowns_of_postgres(const NodeName& node) const {
  return postgres_log(node).count("database system is shut down");
}

std::vector<std::string> ClusterScenario::events(const std::string& pattern) const {
  std::ostringstream since;
  since << std::fixed << std::setprecision(3) << began_;
  std::vector<std::string> found;
  const std::regex wanted(pattern);
  for (const auto& line : lines_of(lab().call({"events", "--since", since.str()}))) {
    if (std::regex_search(line, wanted)) found.push_back(line);
  }
  return found;
}

::testing::AssertionResult ClusterScenario::acknowledges_more(std::size_t commits) const {
  const auto count = [&] { return acknowledged_ids(write_logs_.at(kTable)).size(); };
  const auto wanted = count() + commits;
  return within(seconds(30), std::to_string(commits) + " commits more are acknowledged",
                [&] { return count() >= wanted; });
}

// ---- faults and orders

void ClusterScenario::signal_postmaster(const NodeName& node, const std::string& signal) {
  lab().exec(node, {"sh", "-c", "kill -s " + signal + " $(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)"});
}

void ClusterScenario::stop_postgres_by_hand(const NodeName& node) {
  const auto folder = lab().sql(node, "show data_directory");
  lab().exec(node, {"runuser", "-u", "postgres", "--", kPgCtl, "-D", folder, "-m", "fast", "-w", "stop"});
}

void ClusterScenario::move_primary_to(const NodeName& node) {
  lab().exec(lab().view().primary(), {"crm_resource", "--move", "--resource", kClone, "--promoted", "--node", node});
}

void ClusterScenario::order(const Command& command) {
  const auto nodes = lab().view().nodes;
  const auto member = std::find_if(nodes.begin(), nodes.end(), [](const auto& entry) { return entry.second.online; });
  if (member == nodes.end()) throw LabFailed("no node is a member of the cluster: '" + joined(command) + "'");
  lab().exec(member->first, command);
}

void ClusterScenario::set_maintenance(bool on) {
  order({"crm_attribute", "--type", "crm_config", "--name", "maintenance-mode", "--update", on ? "true" : "false"});
  if (on) order({"crm_resource", "--wait", "--timeout", "30"});
}

void ClusterScenario::clear_moves() { order({"crm_resource", "--clear", "--resource", kClone}); }

void ClusterScenario::acknowledge_only_what_standbys_have(std::size_t count) {
  synchronous_ = true;
  for (const auto& node : all_nodes()) {
    lab().sql(node, "alter system set synchronous_standby_names = 'ANY " + std::to_string(count) + " (" +
                        joined(all_nodes(), ", ") + ")'");
    lab().sql(node, "select pg_reload_conf()");
  }
  ASSERT_TRUE(within(seconds(10), "all standbys count for the acknowledgement of a commit", [&] {
    return lab().sql(lab().view().primary(), "select count(*) from pg_stat_replication where sync_state = 'quorum'") ==
           std::to_string(standbys_.size());
  }));
}

void ClusterScenario::power_off(const NodeName& node) {
  expect_fencing_of(node);
  lab().call({"power", "off", node});
}

Return ClusterScenario::bring_back(const NodeName& node, const std::function<void()>& how) {
  const LogMark since_then(lab(), node, "postgres");
  const auto primary = lab().view().primary();
  how ? how() : static_cast<void>(lab().call({"power", "on", node}));
  EXPECT_TRUE(within(
      seconds(90), node + " is a member again and streams, or its server says that its WAL has diverged",
      [&] { return lab().view().nodes.at(node).online && (streams(node, primary) || has_diverged(since_then)); }));
  if (!has_diverged(since_then)) return Return::as_it_was;
  rebuild_diverged(node);
  return Return::rebuilt;
}

bool ClusterScenario::has_diverged(const LogMark& postgres_log) {
  return postgres_log.count("forked off current database system timeline") > 0;
}

void ClusterScenario::rebuild_diverged(const NodeName& node) {
  EXPECT_LE(lab().view().nodes.at(node).score.value_or(-1), 0) << node << " has diverged and must not be promoted";
  rebuild(node);
}

void ClusterScenario::rebuild(const NodeName& node, const std::function<void()>& then) {
  const auto primary = lab().view().primary();
  lab().call({"cluster", "stop", node});
  lab().call({"rebuild", node}, seconds(120));
  lab().call({"cluster", "start", node});
  if (then) then();
  EXPECT_TRUE(within(seconds(60), node + " streams after it was rebuilt", [&] { return streams(node, primary); }));
}

void ClusterScenario::expect_failed_action(const NodeName& node, const std::string& task) {
  expected_failures_.insert({node, task});
}

// ---- expectations

::testing::AssertionResult ClusterScenario::stable_with_primary(const NodeName& node, std::size_t standby_count,
                                                                seconds deadline) {
  const auto missing = lab().wait_stable({"--primary", node, "--standbys", std::to_string(standby_count)}, deadline);
  if (!missing) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "not stable with the primary on " << node << ": " << *missing;
}

::testing::AssertionResult ClusterScenario::another_is_promoted(seconds deadline) const {
  return within(deadline, "another node than " + primary() + " is promoted", [&] {
    const auto now = lab().view().primary();
    return !now.empty() && now != primary();
  });
}

::testing::AssertionResult ClusterScenario::was_started_again(const NodeName& node, const std::string& before,
                                                              seconds deadline) {
  return within(deadline, "PostgreSQL on " + node + " was started again", [&] {
    const auto now = started_at(node);
    return !now.empty() && now != before;
  });
}

const Judgement& ClusterScenario::judgement() {
  if (judgement_) return *judgement_;
  const auto& write_log = write_logs_.at(kTable);
  const auto acknowledged = acknowledged_ids(write_log).size();
  EXPECT_TRUE(within(seconds(10), "writes go on in the end",
                     [&] { return acknowledged_ids(write_log).size() > acknowledged + 10; }));
  for (const auto& client : clients_) client->end();
  Command command = {PGSQLMS_CLUSTER_CLIENT, "judge", "--watch-log", watch_log_, "--write-log", write_log};
  for (const auto& node : all_nodes()) command.insert(command.end(), {"--write-log", write_logs_.at(table_at(node))});
  const Ended judge = run(command, seconds(60));
  if (judge.code != 0) throw LabFailed("the judge cannot judge: " + judge.errors);
  ptree answer;
  std::istringstream json(judge.output);
  boost::property_tree::read_json(json, answer);
  Judgement found;
  found.acknowledged = answer.get<long>("acknowledged");
  found.longest_gap = answer.get<double>("longest_gap.seconds");
  for (const auto& [nothing, gap] : answer.get_child("gaps")) found.gaps.push_back(gap.get<double>("seconds"));
  if (!answer.get_child("overlapping_primaries").empty()) {
    std::ostringstream text;
    boost::property_tree::write_json(text, answer.get_child("overlapping_primaries"), false);
    found.overlaps = text.str();
  }
  judgement_ = found;
  return *judgement_;
}

int ClusterScenario::outages_longer_than(double a_second) {
  const auto& gaps = judgement().gaps;
  return static_cast<int>(std::count_if(gaps.begin(), gaps.end(), [&](double gap) { return gap > a_second; }));
}

void ClusterScenario::expect_the_promises() {
  const auto final_primary = lab().view().primary();
  ASSERT_FALSE(final_primary.empty()) << "there is not exactly one promoted node";
  ASSERT_TRUE(stable_with_primary(final_primary));
  if (!has_primary_made_by_hand_) {
    EXPECT_EQ(judgement().overlaps, "") << "two nodes took writes at the same time";
  }
  EXPECT_LE(judgement().longest_gap, longest_outage_) << "seconds without a commit";
  expect_no_commit_lost(final_primary);
  EXPECT_EQ(joined(fenced_beyond_the_expected()), "") << "fenced";
  expect_roles_and_scores(final_primary);
  expect_only_expected_failures();
  expect_no_private_attribute();
  expect_no_process_of_the_agent();
  for (const auto& node : all_nodes()) {
    EXPECT_TRUE(within(seconds(20), is_watched() ? "one watcher is on " + node : "no watcher is on " + node,
                       [&] { return watchers_on(node).size() == (is_watched() ? 1U : 0U); }));
  }
}

void ClusterScenario::expect_loss_from_now_on() {
  if (synchronous_) return;
  may_lose_from_ = unix_time();
}

/// Takes out of `lost` what may be: acknowledged in the last second of a reign, or when nobody got it any more.
void ClusterScenario::forget_what_may_be_lost(AcknowledgedIds& lost, const AcknowledgedIds& all) const {
  std::map<std::string, double> ends;
  for (const auto& [id, commit] : all) ends[commit.reign] = std::max(ends[commit.reign], commit.time);
  for (auto entry = lost.begin(); entry != lost.end();) {
    const auto& commit = entry->second;
    const bool may_be = (may_lose_the_last_second_ && commit.time >= ends[commit.reign] - 1) ||
                        (may_lose_from_ && commit.time >= *may_lose_from_);
    entry = may_be ? lost.erase(entry) : std::next(entry);
  }
}

void ClusterScenario::find_lost_commits(const NodeName& primary) {
  std::map<std::string, AcknowledgedIds> lost;
  for (const auto& [table, log] : write_logs_) {
    auto missing = acknowledged_ids(log);
    if (missing.empty() || (has_primary_made_by_hand_ && table != kTable)) continue;
    const auto range = " where id between " + std::to_string(missing.begin()->first) + " and " +
                       std::to_string(missing.rbegin()->first);
    const bool has_table = lab().sql(primary, "select to_regclass('" + table + "') is not null") == "t";
    const auto ids = has_table ? lab().sql(primary, "select id from " + table + range) : "";
    for (const auto& id : lines_of(ids)) missing.erase(std::stol(id));
    lost.emplace(table, std::move(missing));
  }
  lost_ = std::move(lost);
}

void ClusterScenario::expect_no_commit_lost(const NodeName& final_primary) {
  find_lost_commits(final_primary);
  for (auto [table, lost] : *lost_) {
    forget_what_may_be_lost(lost, acknowledged_ids(write_logs_.at(table)));
    EXPECT_EQ(lost.size(), 0U) << "acknowledged commits are lost in " << table << ", the first is "
                               << (lost.empty() ? 0 : lost.begin()->first);
  }
}

std::vector<NodeName> ClusterScenario::fenced_beyond_the_expected() const {
  std::vector<NodeName> fenced;
  for (const auto& [node, count] : fencings()) {
    if (expected_fencings_.count(node) == 0 && count != fencings_before_.at(node)) fenced.push_back(node);
  }
  return fenced;
}

void ClusterScenario::expect_roles_and_scores(const NodeName& final_primary) {
  ClusterView view;
  std::multiset<int> wanted;
  for (int score = 1000; wanted.size() + 1 < all_nodes().size(); score -= 10) wanted.insert(score);
  EXPECT_TRUE(within(seconds(30), "the scores are 1001 for the primary, 1000, 990 and so on for the standbys", [&] {
    view = lab().view();
    std::multiset<int> others;
    for (const auto& [name, node] : view.nodes) {
      if (name != final_primary) others.insert(node.score.value_or(0));
    }
    return view.nodes.at(final_primary).score == 1001 && others == wanted;
  }));
  EXPECT_EQ(view.primary(), final_primary);
  EXPECT_EQ(view.vip, final_primary);
  EXPECT_EQ(lab().try_sql("vip", "select pg_is_in_recovery()"), "f");
  for (const auto& node : all_nodes()) {
    if (node == final_primary) continue;
    EXPECT_EQ(view.nodes.at(node).role, "unpromoted") << node;
    EXPECT_EQ(lab().try_sql(node, "select pg_is_in_recovery()"), "t") << node;
    EXPECT_TRUE(streams(node, final_primary)) << node << " does not stream from " << final_primary;
  }
}

void ClusterScenario::expect_only_expected_failures() {
  for (const auto& failed : lab().view().failed_actions) {
    EXPECT_EQ(expected_failures_.count({failed.node, failed.task}), 1U)
        << failed.task << " failed on " << failed.node << " with " << failed.code << ": " << failed.reason;
  }
}

void ClusterScenario::expect_no_private_attribute() {
  for (const auto& node : all_nodes()) {
    for (const std::string attribute : kPrivateAttributes) {
      const Ended query = lab().try_exec(node, {"attrd_updater", "-Q", "-A", "-n", attribute + "-" + kResource});
      const bool is_unknown = query.code == 6 || query.code == 78 || query.code == 105;
      EXPECT_TRUE(query.code == 0 || is_unknown) << query.errors;
      for (const auto& line : lines_of(query.output)) {
        EXPECT_NE(line.find("value=\"\""), std::string::npos) << "left behind, as " << node << " sees it: " << line;
      }
    }
  }
}

void ClusterScenario::expect_no_process_of_the_agent() {
  for (const auto& node : all_nodes()) {
    // A recurring monitor lasts a moment, what was left behind stays.
    EXPECT_TRUE(within(seconds(5), "no process of the agent is left on " + node, [&] { return !agent_runs_on(node); }));
  }
}

// ---- afterwards

void ClusterScenario::put_back() {
  if (HasFailure()) {
    try {
      TheCluster::instance().bring_up();
    } catch (const LabFailed& failed) {
      std::cout << "the cluster cannot be brought up again: " << failed.what() << std::endl;
    }
    return;
  }
  if (!lab().view().failed_actions.empty()) lab().exec(all_nodes().front(), {"crm_resource", "--cleanup"});
  if (!synchronous_) return;
  for (const auto& node : all_nodes()) {
    lab().sql(node, "alter system reset synchronous_standby_names");
    lab().sql(node, "select pg_reload_conf()");
  }
}

/// Nothing where no primary is left to be asked.
std::optional<std::size_t> ClusterScenario::count_lost() try {
  if (!lost_) {  // the case failed before its promises were judged
    const auto primary = lab().view().primary();
    if (primary.empty()) return std::nullopt;
    find_lost_commits(primary);
  }
  std::size_t count = 0;
  for (const auto& [table, lost] : *lost_) count += lost.size();
  return count;
} catch (const LabFailed&) {
  return std::nullopt;
}

void ClusterScenario::keep_outcome() {
  ptree outcome;
  outcome.put("name", name_);
  outcome.put("what", what_);
  outcome.put("expected", expected_);
  outcome.put("passed", !HasFailure());
  outcome.put("agent", agent_under_test() == "paf" ? "PAF" : "ours");
  outcome.put("synchronous", synchronous_);
  outcome.put("began", began_);
  outcome.put("ended", unix_time());
  outcome.put("acknowledged", judgement().acknowledged);
  if (const auto lost = count_lost()) outcome.put("lost", *lost);
  outcome.put("fenced_beyond_the_expected", joined(fenced_beyond_the_expected()));
  outcome.put("longest_gap", judgement().longest_gap);
  outcome.put("overlaps", has_primary_made_by_hand_ ? "" : judgement().overlaps);
  boost::property_tree::write_json(kept_file("outcome.json"), outcome);
}

void ClusterScenario::keep_logs() {
  for (const auto& [node, log] : syslogs_) std::ofstream(kept_file(node + ".syslog")) << log.grown();
  for (const auto& [node, log] : pacemaker_logs_) std::ofstream(kept_file(node + ".pacemaker")) << log.grown();
  for (const auto& [node, log] : postgres_logs_) std::ofstream(kept_file(node + ".postgres")) << log.grown();
  std::ofstream all_events(kept_file("events"));
  for (const auto& line : events("")) all_events << line << "\n";
}

void ClusterScenario::tell_what_happened() {
  std::cout << "---- events of this case, but for the notifications\n";
  const std::regex notification(" notify +rc=0 ");
  for (const auto& line : events("")) {
    if (!std::regex_search(line, notification)) std::cout << line << "\n";
  }
  std::cout << "---- status\n" << lab().try_call({"status"}, seconds(60)).output;
  for (const auto& [node, mark] : syslogs_) {
    const auto lines = mark.lines_with("pgsqlms(");
    std::cout << "---- last words of the agent on " << node << "\n";
    for (std::size_t i = lines.size() - std::min<std::size_t>(lines.size(), 20); i < lines.size(); ++i) {
      std::cout << lines[i] << "\n";
    }
  }
  std::cout << "---- all logs of this case are in " << folder_of_case() << std::endl;
}

// ---- the program

namespace {

/// Ctrl-C in the middle of a case must not leave a cluster behind.
void take_down_on_interruption() {
  static sigset_t interruptions;
  sigemptyset(&interruptions);
  sigaddset(&interruptions, SIGINT);
  sigaddset(&interruptions, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &interruptions, nullptr);
  std::thread([] {
    int which = 0;
    sigwait(&interruptions, &which);
    std::cout << "interrupted, the cluster is taken down" << std::endl;
    TheCluster::instance().take_down_if_ours();
    _exit(128 + which);
  }).detach();
}

}  // namespace

int run_scenarios(int argument_count, char** arguments) {
  const std::string word = argument_count > 1 ? arguments[1] : "";
  try {
    if (word == "up") return TheCluster::instance().bring_up(), 0;
    if (word == "down") return TheCluster::instance().lab().down(), 0;
  } catch (const LabFailed& failed) {
    std::cerr << failed.what() << std::endl;
    return 1;
  }
  take_down_on_interruption();
  return RUN_ALL_TESTS();
}

}  // namespace pgsqlms::scenario
