// SPDX-License-Identifier: PostgreSQL
//
// cluster_client: the cluster as its users see it.
//   write  inserts a row per period and logs what was acknowledged, by which node on which timeline
//   watch  asks every node directly what it believes to be
//   judge  tells from these logs how long writes were out and whether there were two primaries at once

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kConnectDeadline{250};
constexpr milliseconds kQueryDeadline{1000};

// A signal handler reaches nothing else. NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int /*signal*/) { stop_requested = 1; }

/// What the caller typed cannot be understood.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Seconds since 1970, for people and for comparing logs of this machine.
double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string formatted(double seconds) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6f", seconds);
  return text;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == '\n' || c == '\t' || c == '\r' || c == ' ';
    if (!blank) line += c;
    else if (!line.empty() && line.back() != ' ') line += ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

/// A log whose lines are in the file as soon as they are written.
class Log {
 public:
  explicit Log(const std::string& path) : path_(path), file_(path, std::ios::app) { ensure_good(); }

  void write(const std::string& line) {
    file_ << line << '\n' << std::flush;
    ensure_good();
  }

 private:
  void ensure_good() const {
    if (!file_) throw std::runtime_error("cannot write \"" + path_ + "\": " + std::strerror(errno));
  }

  std::string path_;
  std::ofstream file_;
};

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

/// One connection that never blocks: the caller waits with wait_for() and then calls advance(). A connection or
/// query without an end at its deadline is given up, and so is the connection.
class Conversation {
 public:
  enum class State { kClosed, kConnecting, kIdle, kAsking };

  explicit Conversation(std::string conninfo) : conninfo_(std::move(conninfo)) {}

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::string& error() const { return error_; }

  void connect() {
    connection_.reset(PQconnectStart(conninfo_.c_str()));
    deadline_ = Clock::now() + kConnectDeadline;
    state_ = State::kConnecting;
    wanted_ = POLLOUT;
    if (connection_ == nullptr || PQstatus(connection_.get()) == CONNECTION_BAD) give_up(server_error());
  }

  /// Sends the query; its end is told by advance().
  void ask(const std::string& query, const std::vector<std::string>& parameters) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    deadline_ = Clock::now() + kQueryDeadline;
    const int count = static_cast<int>(values.size());
    const int sent =
        PQsendQueryParams(connection_.get(), query.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0);
    if (sent == 0) {
      give_up(server_error());
      return;
    }
    state_ = State::kAsking;
    flush();
  }

  /// Goes on as far as possible without waiting. Returns the answer when a query has just been answered, be it by an
  /// error of the server (then error() says which). A lost connection is seen by state() being kClosed.
  std::optional<Result> advance() {
    // libpq takes a socket for connected when it is asked to go on too early, and blocks.
    if (!std::exchange(is_ready_, false)) return std::nullopt;
    if (state_ == State::kConnecting) advance_connecting();
    else if (state_ == State::kAsking) return advance_asking();
    else if (state_ == State::kIdle && PQconsumeInput(connection_.get()) == 0) give_up(server_error());
    return std::nullopt;
  }

  void close() {
    answer_.reset();
    connection_.reset();
    state_ = State::kClosed;
  }

  [[nodiscard]] pollfd poll_entry() const { return {connection_ ? PQsocket(connection_.get()) : -1, wanted_, 0}; }

  void note(const pollfd& polled) { is_ready_ = polled.revents != 0; }

  [[nodiscard]] bool is_waiting() const { return state_ == State::kConnecting || state_ == State::kAsking; }
  [[nodiscard]] Clock::time_point deadline() const { return deadline_; }

  void give_up_if_late() {
    if (!is_waiting() || Clock::now() < deadline_) return;
    give_up(state_ == State::kConnecting ? "no connection within 0.25 s" : "no answer within 1 s");
  }

 private:
  void advance_connecting() {
    switch (PQconnectPoll(connection_.get())) {
      case PGRES_POLLING_OK:
        PQsetnonblocking(connection_.get(), 1);
        state_ = State::kIdle;
        wanted_ = POLLIN;
        break;
      case PGRES_POLLING_READING: wanted_ = POLLIN; break;
      case PGRES_POLLING_WRITING: wanted_ = POLLOUT; break;
      case PGRES_POLLING_FAILED:
      case PGRES_POLLING_ACTIVE: give_up(server_error()); break;
    }
  }

  std::optional<Result> advance_asking() {
    flush();
    if (state_ != State::kAsking) return std::nullopt;
    if (PQconsumeInput(connection_.get()) == 0) {
      give_up(server_error());
      return std::nullopt;
    }
    // Between an error and the end of an answer the server may vanish: no result is taken before it has arrived.
    while (PQisBusy(connection_.get()) == 0) {
      if (PGresult* const next = PQgetResult(connection_.get())) {
        if (answer_) PQclear(next);
        else answer_.emplace(next, PQclear);
        continue;
      }
      if (!answer_ || PQstatus(connection_.get()) == CONNECTION_BAD) {
        give_up(server_error());
        return std::nullopt;
      }
      state_ = State::kIdle;
      error_ = one_line(PQresultErrorMessage(answer_->get()));
      return std::exchange(answer_, std::nullopt);
    }
    return std::nullopt;
  }

  void flush() {
    const int left = PQflush(connection_.get());
    if (left < 0) give_up(server_error());
    else wanted_ = static_cast<short>(left > 0 ? POLLIN | POLLOUT : POLLIN);
  }

  [[nodiscard]] std::string server_error() const {
    return connection_ ? one_line(PQerrorMessage(connection_.get())) : "out of memory";
  }

  void give_up(const std::string& reason) {
    error_ = reason.empty() ? "connection lost" : reason;
    close();
  }

  std::string conninfo_;
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_{nullptr, PQfinish};
  State state_ = State::kClosed;
  short wanted_ = 0;
  bool is_ready_ = false;
  Clock::time_point deadline_;
  std::optional<Result> answer_;  // of the query, before its end has arrived
  std::string error_;
};

/// Waits until one of the conversations can go on, one is late, or `until` is reached.
void wait_for(const std::vector<Conversation*>& conversations, Clock::time_point until) {
  std::vector<pollfd> entries;
  for (const Conversation* conversation : conversations) {
    if (conversation->is_waiting()) until = std::min(until, conversation->deadline());
    entries.push_back(conversation->poll_entry());
  }
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
  const int timeout = static_cast<int>(std::max<milliseconds::rep>(0, left.count()));
  if (poll(entries.data(), entries.size(), timeout) < 0) {
    if (errno != EINTR) throw std::runtime_error("poll failed");
    return;
  }
  for (std::size_t i = 0; i < entries.size(); ++i) conversations[i]->note(entries[i]);
}

// write

constexpr const char* kReturning =
    " values ($1, clock_timestamp()) returning current_setting('cluster_name'),"
    " ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int";

/// Asks until it is answered; nothing when it is told to stop before. A server that refuses is asked again, or, where
/// another one may have taken its address, looked for again.
std::optional<std::string> ask_patiently(Conversation& server, const std::string& query, bool is_fixed) {
  while (stop_requested == 0) {
    if (server.state() == Conversation::State::kClosed) server.connect();
    if (server.state() == Conversation::State::kIdle) server.ask(query, {});
    wait_for({&server}, Clock::now() + milliseconds{100});
    const auto answer = server.advance();
    server.give_up_if_late();
    if (server.state() == Conversation::State::kClosed) wait_for({}, Clock::now() + milliseconds{100});
    if (!answer) continue;
    const ExecStatusType status = PQresultStatus(answer->get());
    if (status == PGRES_TUPLES_OK) return PQgetvalue(answer->get(), 0, 0);
    if (status == PGRES_COMMAND_OK) return "";
    std::cerr << "cluster_client: " << server.error() << '\n';
    if (is_fixed) wait_for({}, Clock::now() + milliseconds{500});
    else server.close();
  }
  return std::nullopt;
}

/// The fate of one row. What was sent and not answered is unknown: it may have been committed.
class Writer {
 public:
  /// To a fixed node it keeps its connection when it may not write there; over a virtual IP it looks for a new primary.
  Writer(const std::string& conninfo, const std::string& table, bool fixed, const std::string& log, milliseconds period)
      : server_(conninfo), table_(table), is_fixed_(fixed), log_(log), period_(period) {}

  void run() {
    if (!ask_patiently(server_,
                       "create table if not exists " + table_ + "(id bigint primary key, at timestamptz not null)",
                       is_fixed_)) {
      return;
    }
    const auto last = ask_patiently(server_, "select coalesce(max(id), 0) from " + table_, is_fixed_);
    if (!last) return;
    id_ = std::stoll(*last);
    auto next = Clock::now();
    while (stop_requested == 0) {
      next = std::max(next + period_, Clock::now());
      write_one();
      while (stop_requested == 0 && Clock::now() < next) wait_for({}, next);
    }
  }

 private:
  void write_one() {
    ++id_;
    notice_a_lost_connection();
    if (server_.state() == Conversation::State::kClosed && !connect()) return tell("failed", server_.error());
    server_.ask("insert into " + table_ + kReturning, {std::to_string(id_)});
    while (server_.state() == Conversation::State::kAsking) {
      wait_for({&server_}, Clock::now() + kQueryDeadline);
      if (const auto answer = server_.advance()) return tell_answer(answer->get());
      server_.give_up_if_late();
    }
    tell("unknown", server_.error());
  }

  void notice_a_lost_connection() {
    if (server_.state() != Conversation::State::kIdle) return;
    wait_for({&server_}, Clock::now());
    server_.advance();
  }

  bool connect() {
    server_.connect();
    while (server_.state() == Conversation::State::kConnecting) {
      wait_for({&server_}, Clock::now() + kConnectDeadline);
      server_.advance();
      server_.give_up_if_late();
    }
    return server_.state() == Conversation::State::kIdle;
  }

  void tell_answer(const PGresult* answer) {
    if (PQresultStatus(answer) == PGRES_TUPLES_OK) {
      tell("ok", std::string(PQgetvalue(answer, 0, 0)) + ' ' + PQgetvalue(answer, 0, 1));
    } else {
      tell("failed", server_.error());
      // A read-only answer comes from an old primary, which keeps the connection.
      if (!is_fixed_) server_.close();
    }
  }

  void tell(const char* outcome, const std::string& rest) {
    log_.write(formatted(unix_time()) + ' ' + std::to_string(id_) + ' ' + outcome + ' ' + rest);
  }

  Conversation server_;
  std::string table_;
  bool is_fixed_;
  Log log_;
  milliseconds period_;
  std::int64_t id_ = 0;
};

// watch

constexpr const char* kWhoAreYou =
    "select case when r then 'standby' else 'primary' end,"
    " case when r then coalesce((select received_tli from pg_stat_wal_receiver),"
    " (select greatest(timeline_id, min_recovery_end_timeline) from pg_control_checkpoint(), pg_control_recovery()))"
    " else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,"
    " (select system_identifier from pg_control_system()) from pg_is_in_recovery() r";

struct WatchedNode {
  std::string name;
  Conversation server;
  double asked = 0;
  Clock::time_point next = Clock::now();
  bool is_asked = false;
};

class Watcher {
 public:
  Watcher(const std::vector<std::pair<std::string, std::string>>& nodes, const std::string& log, milliseconds period)
      : log_(log), period_(period) {
    for (const auto& [name, address] : nodes) {
      nodes_.push_back({name, Conversation("host=" + address +
                                           " user=postgres dbname=postgres"
                                           " application_name=cluster_client")});
    }
  }

  void run() {
    while (stop_requested == 0) {
      std::vector<Conversation*> conversations;
      auto until = Clock::now() + kQueryDeadline;
      for (WatchedNode& node : nodes_) {
        begin_if_due(node);
        conversations.push_back(&node.server);
        if (!node.is_asked) until = std::min(until, node.next);
      }
      wait_for(conversations, until);
      for (WatchedNode& node : nodes_) go_on(node);
    }
  }

 private:
  void begin_if_due(WatchedNode& node) {
    if (node.is_asked || Clock::now() < node.next) return;
    node.is_asked = true;
    node.next = Clock::now() + period_;
    node.asked = unix_time();
    if (node.server.state() == Conversation::State::kClosed) node.server.connect();
    else node.server.ask(kWhoAreYou, {});
    if (node.server.state() == Conversation::State::kClosed) tell(node, "down " + node.server.error());
  }

  void go_on(WatchedNode& node) {
    const bool was_connecting = node.server.state() == Conversation::State::kConnecting;
    if (const auto answer = node.server.advance()) return tell_answer(node, answer->get());
    node.server.give_up_if_late();
    if (!node.is_asked) return;
    if (was_connecting && node.server.state() == Conversation::State::kIdle) node.server.ask(kWhoAreYou, {});
    if (node.server.state() == Conversation::State::kClosed) tell(node, "down " + node.server.error());
  }

  void tell_answer(WatchedNode& node, const PGresult* answer) {
    if (PQresultStatus(answer) != PGRES_TUPLES_OK) return tell(node, "error " + node.server.error());
    std::string line = PQgetvalue(answer, 0, 0);
    for (const int column : {1, 2}) line += std::string(" ") + PQgetvalue(answer, 0, column);
    tell(node, line);
  }

  void tell(WatchedNode& node, const std::string& what) {
    node.is_asked = false;
    log_.write(formatted(node.asked) + ' ' + formatted(unix_time()) + ' ' + node.name + ' ' + what);
  }

  Log log_;
  milliseconds period_;
  std::vector<WatchedNode> nodes_;
};

// judge

constexpr double kNotableGap = 0.5;

struct Gap {
  double from = 0;
  double length = 0;
};

struct WriteVerdict {
  std::int64_t acknowledged = 0;
  std::int64_t failed = 0;
  std::int64_t unknown = 0;
  std::int64_t last_acknowledged_id = 0;
  Gap longest;
  std::vector<Gap> notable;
};

/// A time in which a node answered "primary" every time it was asked. It surely was one from the moment it gave the
/// first answer to the moment it was asked last; a single answer was true at some moment between asking and answering.
struct PrimarySpan {
  std::string node;
  double first_asked = 0;
  double first_answered = 0;
  double last_asked = 0;
  double last_answered = 0;
};

struct Overlap {
  std::string one;
  std::string other;
  double from = 0;
  double length = 0;
};

std::ifstream opened(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read \"" + path + "\"");
  return file;
}

/// One line of a write log; node and timeline only of what was acknowledged.
struct WriteOutcome {
  double time = 0;
  std::int64_t id = 0;
  std::string outcome;
  std::string node;
  std::int64_t timeline = 0;

  [[nodiscard]] bool is_acknowledged() const { return outcome == "ok"; }
};

std::vector<WriteOutcome> read_write_log(const std::string& path) {
  std::vector<WriteOutcome> outcomes;
  std::ifstream file = opened(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    WriteOutcome write;
    const bool is_read = fields >> write.time >> write.id >> write.outcome &&
                         (!write.is_acknowledged() || fields >> write.node >> write.timeline);
    if (!is_read) throw std::runtime_error("not a line of a write log: \"" + line + '"');
    outcomes.push_back(std::move(write));
  }
  return outcomes;
}

WriteVerdict judge_writes(const std::vector<WriteOutcome>& writes) {
  WriteVerdict verdict;
  std::optional<double> previous;
  for (const WriteOutcome& write : writes) {
    if (write.outcome == "failed") ++verdict.failed;
    if (write.outcome == "unknown") ++verdict.unknown;
    if (!write.is_acknowledged()) continue;
    ++verdict.acknowledged;
    verdict.last_acknowledged_id = std::max(verdict.last_acknowledged_id, write.id);
    const Gap gap{previous.value_or(write.time), write.time - previous.value_or(write.time)};
    if (gap.length > verdict.longest.length) verdict.longest = gap;
    if (gap.length > kNotableGap) verdict.notable.push_back(gap);
    previous = write.time;
  }
  return verdict;
}

std::vector<PrimarySpan> primary_spans(const std::string& path) {
  std::vector<PrimarySpan> spans;
  std::map<std::string, std::size_t> open;  // node to its span that goes on
  std::ifstream file = opened(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    double asked = 0;
    double answered = 0;
    std::string node;
    std::string state;
    if (!(fields >> asked >> answered >> node >> state)) {
      throw std::runtime_error("not a line of a watch log: \"" + line + '"');
    }
    const auto found = open.find(node);
    if (state != "primary") {
      if (found != open.end()) open.erase(found);
    } else if (found == open.end()) {
      open[node] = spans.size();
      spans.push_back({node, asked, answered, asked, answered});
    } else {
      spans[found->second].last_asked = asked;
      spans[found->second].last_answered = answered;
    }
  }
  return spans;
}

/// Some answer of `span` was given wholly within the time in which `frame` surely was primary.
bool is_seen_within(const PrimarySpan& span, const PrimarySpan& frame) {
  const bool first = span.first_asked >= frame.first_answered && span.first_answered <= frame.last_asked;
  const bool last = span.last_asked >= frame.first_answered && span.last_answered <= frame.last_asked;
  return first || last;
}

std::vector<Overlap> overlapping_primaries(const std::vector<PrimarySpan>& spans) {
  std::vector<Overlap> overlaps;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    for (std::size_t j = i + 1; j < spans.size(); ++j) {
      const PrimarySpan& one = spans[i];
      const PrimarySpan& other = spans[j];
      if (one.node == other.node) continue;
      const double from = std::max(one.first_answered, other.first_answered);
      const double to = std::min(one.last_asked, other.last_asked);
      if (from < to || is_seen_within(one, other) || is_seen_within(other, one)) {
        overlaps.push_back({one.node, other.node, std::min(from, to), std::max(0.0, to - from)});
      }
    }
  }
  return overlaps;
}

/// The time in which a node acknowledged commits on one timeline.
struct Reign {
  double first = 0;
  double last = 0;
};

/// Two nodes that acknowledged commits in overlapping times: each on a timeline of its own, or both on the same.
std::vector<Overlap> overlapping_reigns(const std::vector<std::vector<WriteOutcome>>& write_logs) {
  std::map<std::pair<std::string, std::int64_t>, Reign> reigns;  // node and timeline
  for (const auto& writes : write_logs) {
    for (const WriteOutcome& write : writes) {
      if (!write.is_acknowledged()) continue;
      const Reign moment{write.time, write.time};
      Reign& reign = reigns.try_emplace({write.node, write.timeline}, moment).first->second;
      reign.first = std::min(reign.first, write.time);
      reign.last = std::max(reign.last, write.time);
    }
  }
  std::vector<Overlap> overlaps;
  for (auto one = reigns.begin(); one != reigns.end(); ++one) {
    for (auto other = std::next(one); other != reigns.end(); ++other) {
      const double from = std::max(one->second.first, other->second.first);
      const double to = std::min(one->second.last, other->second.last);
      if (one->first.first != other->first.first && from < to) {
        overlaps.push_back({one->first.first, other->first.first, from, to - from});
      }
    }
  }
  return overlaps;
}

void print(const Gap& gap) {
  std::cout << R"({"from": )" << formatted(gap.from) << R"(, "seconds": )" << formatted(gap.length) << '}';
}

void print(const Overlap& overlap) {
  std::cout << R"({"nodes": [")" << overlap.one << R"(", ")" << overlap.other << R"("], "from": )"
            << formatted(overlap.from) << R"(, "seconds": )" << formatted(overlap.length) << '}';
}

template <typename Item>
void print_list(const std::vector<Item>& items) {
  std::cout << '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) std::cout << ", ";
    print(items[i]);
  }
  std::cout << ']';
}

/// The first write log is the one whose gaps count.
void judge(const std::vector<std::string>& write_log_paths, const std::string& watch_log) {
  std::vector<std::vector<WriteOutcome>> write_logs;
  for (const std::string& path : write_log_paths) write_logs.push_back(read_write_log(path));
  const WriteVerdict writes = write_logs.empty() ? WriteVerdict{} : judge_writes(write_logs.front());
  std::vector<Overlap> overlaps = overlapping_reigns(write_logs);
  if (!watch_log.empty()) {
    const auto seen = overlapping_primaries(primary_spans(watch_log));
    overlaps.insert(overlaps.end(), seen.begin(), seen.end());
  }
  std::cout << '{';
  if (!write_logs.empty()) {
    std::cout << R"("acknowledged": )" << writes.acknowledged << R"(, "failed": )" << writes.failed
              << R"(, "unknown": )" << writes.unknown << R"(, "last_acknowledged_id": )" << writes.last_acknowledged_id
              << R"(, "longest_gap": )";
    print(writes.longest);
    std::cout << R"(, "gaps": )";
    print_list(writes.notable);
    std::cout << ", ";
  }
  std::cout << R"("overlapping_primaries": )";
  print_list(overlaps);
  std::cout << "}\n";
}

// The command line

class Options {
 public:
  explicit Options(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); i += 2) {
      if (words[i].rfind("--", 0) != 0 || i + 1 == words.size()) throw UsageError("not understood: " + words[i]);
      values_.emplace_back(words[i].substr(2), words[i + 1]);
    }
  }

  [[nodiscard]] std::vector<std::string> all(const std::string& name) const {
    std::vector<std::string> found;
    for (const auto& [option, value] : values_) {
      if (option == name) found.push_back(value);
    }
    return found;
  }

  [[nodiscard]] std::string one(const std::string& name, const std::string& otherwise) const {
    const auto found = all(name);
    return found.empty() ? otherwise : found.back();
  }

  [[nodiscard]] std::string required(const std::string& name) const {
    const auto found = all(name);
    if (found.empty()) throw UsageError("--" + name + " is missing");
    return found.back();
  }

  [[nodiscard]] milliseconds period(const std::string& otherwise) const {
    const std::string text = one("period-ms", otherwise);
    char* end = nullptr;
    const long value = std::strtol(text.c_str(), &end, 10);
    if (*end != '\0' || value < 1) throw UsageError("--period-ms \"" + text + "\" is not a positive number");
    return milliseconds{value};
  }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

std::vector<std::pair<std::string, std::string>> named_addresses(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> nodes;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) throw UsageError("--node \"" + text + "\" is not NAME=ADDRESS");
    nodes.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  if (nodes.empty()) throw UsageError("--node is missing");
  return nodes;
}

std::string valid_conninfo(const std::string& text) {
  char* reason = nullptr;
  PQconninfoOption* const parsed = PQconninfoParse(text.c_str(), &reason);
  const std::string problem = reason == nullptr ? "" : one_line(reason);
  PQconninfoFree(parsed);
  PQfreemem(reason);
  if (parsed == nullptr) throw UsageError("--conninfo \"" + text + "\": " + problem);
  return text;
}

std::string valid_table(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos)
    return text;
  throw UsageError("--table \"" + text + "\" is not a plain name");
}

void run(const std::vector<std::string>& words) {
  if (words.empty()) throw UsageError("write, watch or judge?");
  const Options options({words.begin() + 1, words.end()});
  if (words[0] == "write") {
    Writer(valid_conninfo(options.required("conninfo")), valid_table(options.one("table", "writer")),
           options.one("to", "virtual-ip") == "node", options.required("log"), options.period("20"))
        .run();
  } else if (words[0] == "watch") {
    Watcher(named_addresses(options.all("node")), options.required("log"), options.period("100")).run();
  } else if (words[0] == "judge") {
    judge(options.all("write-log"), options.one("watch-log", ""));
  } else {
    throw UsageError("write, watch or judge, not \"" + words[0] + '"');
  }
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action {};
  action.sa_handler = request_stop;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const UsageError& problem) {
    std::cerr << "cluster_client: " << problem.what() << '\n';
    return 2;
  } catch (const std::exception& problem) {
    std::cerr << "cluster_client: " << problem.what() << '\n';
    return 1;
  }
}
