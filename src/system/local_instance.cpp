// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/local_instance.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/program_options/parsers.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <map>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/pg/server_log.hpp"
#include "pgsqlms/system/conninfo.hpp"
#include "pgsqlms/system/file.hpp"
#include "pgsqlms/system/lock_files.hpp"
#include "pgsqlms/system/pidfd.hpp"
#include "pgsqlms/system/server_output.hpp"
#include "pgsqlms/system/server_processes.hpp"
#include "pgsqlms/system/stray_server.hpp"
#include "pgsqlms/system/unix_socket.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

using ocf::Failure;
using ocf::ReturnCode;
using pg::Contact;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// How long a running server is given to tell its settings before its configuration is read without it.
constexpr Duration kSettingsPatience = 5s;
/// How long a server that is to stop may take to tell who consumes its WAL.
constexpr Duration kConsumerPatience = 1s;
constexpr Duration kOrphanPoll = 10ms;
/// How long orphans are given to leave by themselves before they are killed.
constexpr Duration kOrphanPatience = 2s;
/// How long a program that could not run is given until it is run again.
constexpr Duration kSecondTry = 200ms;
/// Where in the WAL the search for its last record begins: at a multiple of the smallest segment size.
constexpr std::uint64_t kSmallestSegment = 1 << 20;
/// More than a shutdown checkpoint's record takes.
constexpr std::uint64_t kLongestCheckpointRecord = 0x100;
constexpr std::size_t kLogTail = 16384;
constexpr const char* kPostmasterOomScore = "-900";
/// How often a server that is starting is looked at more closely.
constexpr Duration kReplayPoll = 1s;
/// A WAL file's name begins with its timeline.
constexpr std::size_t kTimelineDigits = 8;

/// What a shell takes for one word, whatever is in it. pg_ctl hands its -o to a shell.
std::string quoted_for_shell(const std::string& word) {
  std::string quoted = "'";
  for (const char letter : word) quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return quoted + "'";
}

/// The last line that says why a program of the server ended; without one the last line of all.
std::string telling_line(const std::string& printed) {
  auto reason = pg::reason_for_end(pg::read_stderr_log(printed));
  return reason.empty() ? std::string(trimmed(last_line(printed))) : reason;
}

/// Its first one stands for what it could not do; the further ones tell where to look.
std::string words_of_pg_ctl(const Outcome& outcome) {
  constexpr std::string_view kName = "pg_ctl: ";
  for (const auto line : split(outcome.err, "\n")) {
    if (line.substr(0, kName.size()) == kName) return std::string(trimmed(line));
  }
  return describe(outcome);
}

/// None where they cannot be read.
std::vector<std::string> readable_options(const std::string& text) try {
  return boost::program_options::split_unix(text);
} catch (const std::exception&) {
  return {};
}

/// The first one that is that.
std::optional<pid_t> find_pid(const std::vector<ServerProcess>& processes, bool ServerProcess::*what) {
  const auto found = std::find_if(processes.begin(), processes.end(), std::mem_fn(what));
  return found == processes.end() ? std::nullopt : std::optional(found->pid);
}

std::optional<pid_t> postmaster_among(const std::vector<ServerProcess>& processes) {
  return find_pid(processes, &ServerProcess::postmaster);
}

std::optional<pid_t> single_user_backend_among(const std::vector<ServerProcess>& processes) {
  return find_pid(processes, &ServerProcess::single_user);
}

/// A record as pg_waldump, or before PostgreSQL 10 pg_xlogdump, prints it.
bool is_shutdown_checkpoint(std::string_view record) {
  const auto says = [&](std::string_view text) { return record.find(text) != std::string_view::npos; };
  return says("rmgr: XLOG") && (says("CHECKPOINT_SHUTDOWN") || (says("checkpoint:") && says("shutdown")));
}

/// When the file was last written, in nanoseconds; nothing if there is none.
std::optional<std::int64_t> written_at(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

/// What a postmaster of PostgreSQL 10 or newer writes to the eighth line of its pid file: `starting`, `stopping`, or
/// when it takes sessions `ready` or `standby`.
std::string status_in(const std::string& pid_file) {
  constexpr std::size_t kStatusLine = 7;
  const auto text = read_file(pid_file).value_or("");
  const auto lines = split(text, "\n");
  return lines.size() <= kStatusLine ? std::string() : std::string(trimmed(lines[kStatusLine]));
}

/// Whether the program was killed or could not be executed, so that nothing can be concluded from what it answered.
bool tells_nothing(const Outcome& outcome) {
  constexpr int kCannotExecute = 127;
  return outcome.signal != 0 || outcome.exit_code == kCannotExecute;
}

/// A machine that is short of memory or processes may have some a moment later. Throws ocf::Failure if it has not.
Outcome run_surely(const Command& command, Deadline deadline) {
  try {
    auto outcome = run(command, deadline);
    if (!tells_nothing(outcome)) return outcome;
  } catch (const Failure&) {
    // No process could be made.
  }
  deadline.pause(kSecondTry);
  auto outcome = run(command, deadline);
  if (tells_nothing(outcome)) throw Failure(command.arguments.front() + ": " + describe(outcome));
  return outcome;
}

pg::Lsn parse_lsn(const std::optional<std::string>& text) {
  return pg::Lsn::parse(text.value_or("")).value_or(pg::Lsn{});
}

std::optional<pg::Lsn> find_lsn(const std::optional<std::string>& text) {
  return text ? pg::Lsn::parse(*text) : std::nullopt;
}

std::optional<pg::Identity> identity_told_by(const Connection::Attempt& attempt, Deadline deadline) {
  if (!attempt.connection) return std::nullopt;
  const auto reply = attempt.connection->query("IDENTIFY_SYSTEM", deadline);
  if (reply.error || reply.rows.size() != 1 || reply.rows[0].size() < 3) return std::nullopt;
  const auto system = parse_number<pg::SystemIdentifier>(reply.rows[0][0].value_or(""));
  const auto timeline = parse_number<pg::Timeline>(reply.rows[0][1].value_or(""));
  const auto lsn = find_lsn(reply.rows[0][2]);
  if (!system || !timeline || !lsn) return std::nullopt;
  return pg::Identity{*system, {*timeline, *lsn}};
}

}  // namespace

LocalInstance::LocalInstance(ocf::ResourceParameters parameters) : parameters_(std::move(parameters)) {}

bool LocalInstance::has_user() {
  if (!user_) user_ = find_user(parameters_.system_user);
  return user_.has_value();
}

const User& LocalInstance::user() {
  if (!has_user()) throw Failure(ReturnCode::ErrArgs, no_such_user());
  return *user_;
}

const User& LocalInstance::owner() {
  user_ = with_groups(user());
  return *user_;
}

std::string LocalInstance::no_such_user() const {
  return "system_user \"" + parameters_.system_user + "\" does not exist";
}

Address LocalInstance::address() { return {parameters_.pghost, parameters_.pgport, user()}; }

std::string LocalInstance::program(const std::string& name) const { return parameters_.bindir + "/" + name; }

std::vector<std::string> LocalInstance::start_options() const try {
  return boost::program_options::split_unix(parameters_.start_opts);
} catch (const std::exception& error) {
  throw Failure(ReturnCode::ErrArgs,
                "parameter start_opts=\"" + parameters_.start_opts + "\" cannot be read: " + error.what());
}

std::string LocalInstance::pid_file() const { return parameters_.datadir + "/postmaster.pid"; }

std::string LocalInstance::wal_directory(bool has_wal_names) const {
  return parameters_.datadir + (has_wal_names ? "/pg_wal" : "/pg_xlog");
}

std::optional<pg::ServerVersion> LocalInstance::version() const {
  return pg::ServerVersion::parse(read_file(parameters_.datadir + "/PG_VERSION").value_or(""));
}

// ---- Facts

void LocalInstance::contact(pg::ProbeFacts& facts, Deadline deadline) {
  if (!has_user()) {  // nobody to connect as: a node without PostgreSQL
    facts.contact_detail = no_such_user();
    return;
  }
  const bool had_connection = connection_ != nullptr;
  if (!had_connection) {
    auto attempt = Connection::open(address(), SessionKind::Sql, deadline);
    facts.contact = attempt.contact;
    facts.contact_detail = attempt.detail;
    connection_ = std::move(attempt.connection);
    if (!connection_) return;
    if (is_foreign(*connection_, facts.contact_detail)) {
      facts.contact = Contact::NotListening;
      connection_.reset();
      return;
    }
  }
  const auto reply = connection_->query("SELECT pg_is_in_recovery()", deadline);
  if (!reply.error && reply.rows.size() == 1 && reply.rows[0].size() == 1) {
    facts.contact = Contact::Accepted;
    facts.in_recovery = reply.rows[0][0] == "t";
    return;
  }
  connection_.reset();
  if (had_connection) return contact(facts, deadline);  // the server may have been restarted since
  facts.contact = reply.error ? reply.error->contact : Contact::Denied;
  facts.contact_detail = reply.error ? reply.error->detail : "pg_is_in_recovery() gave no answer";
}

/// Another instance may listen at this instance's address. Its role says nothing about this one.
bool LocalInstance::is_foreign(const Connection& connection, std::string& detail) const {
  const auto postmaster = connection.postmaster_pid();
  const auto served = postmaster ? served_directory(*postmaster) : std::nullopt;
  if (!served || *served == parameters_.datadir || is_same_directory(*served, parameters_.datadir)) return false;
  detail = "port " + parameters_.pgport + " in " + parameters_.pghost + " is served by the instance in " + *served;
  return true;
}

pg::ProbeFacts LocalInstance::probe(Deadline deadline) {
  pg::ProbeFacts facts;
  contact(facts, deadline);
  if (facts.contact == Contact::Accepted) return facts;
  const auto& directory = parameters_.datadir;
  facts.data_directory = is_directory(directory);
  const auto found = survey();
  facts.processes = processes_in(found);
  if (!facts.data_directory) return facts;
  facts.control = control_data(deadline);
  facts.backup_label = exists(directory + "/backup_label");
  for (const auto* name : {"/standby.signal", "/recovery.signal", "/recovery.conf"}) {
    if (exists(directory + name)) facts.standby_signal = true;
  }
  const bool is_starting = facts.contact == Contact::NotYet && facts.processes.postmaster;
  if (is_starting && status_in(pid_file()) == "starting") facts.replay = replay_observer_.look(found.processes);
  return facts;
}

Traces LocalInstance::traces() {
  Traces traces{parameters_.datadir, "", std::nullopt};
  if (parameters_.pghost.front() == '/') traces.socket = socket_path(parameters_.pghost, parameters_.pgport);
  if (has_user()) traces.owner = user().uid;
  return traces;
}

/// Blind is not empty: where a postmaster was not seen, other signs of one count against "gone".
Survey LocalInstance::survey() {
  auto survey = survey_server(parameters_.datadir);
  if (postmaster_among(survey.processes)) return {std::move(survey.processes), ""};
  const auto clues = traces();
  if (!survey.blind_spot.empty()) {
    if (const auto postmaster = find_listening_postmaster(clues)) return {{{*postmaster, true, false}}, ""};
    return survey;
  }
  survey.blind_spot = find_hidden_process(clues);
  // Orphans and single-user backends use the memory, too.
  if (survey.blind_spot.empty() && survey.processes.empty()) survey.blind_spot = find_attached_memory(clues);
  return survey;
}

pg::ServerProcesses LocalInstance::processes() { return processes_in(survey()); }

pg::ServerProcesses LocalInstance::processes_in(const Survey& found) {
  pg::ServerProcesses processes;
  processes.postmaster = postmaster_among(found.processes).has_value();
  processes.single_user_backend = single_user_backend_among(found.processes);
  const bool are_orphans = !processes.postmaster && !processes.single_user_backend;
  processes.orphans = are_orphans ? found.processes.size() : 0;
  processes.unknown = found.blind_spot;
  if (found.processes.empty() && has_user()) {
    processes.elsewhere =
        find_stray_directory({user().uid, parameters_.pgdata, parameters_.datadir,
                              readable_options(parameters_.start_opts), parameters_.pghost, parameters_.pgport});
  }
  return processes;
}

pg::Installation LocalInstance::installation() {
  pg::Installation installation;
  installation.system_user = has_user();
  installation.pgdata = is_directory(parameters_.pgdata);
  installation.data_directory = is_directory(parameters_.datadir);
  installation.version = version();
  installation.recovery_template = exists(parameters_.recovery_template);
  for (const auto* name : {"postgres", "pg_ctl", "pg_controldata"}) {
    if (access(program(name).c_str(), X_OK) == 0) continue;
    installation.missing_program = program(name);
    break;
  }
  return installation;
}

std::optional<pg::ControlData> LocalInstance::control_data(Deadline deadline) {
  if (!has_user()) return std::nullopt;
  Command command;
  command.arguments = {program("pg_controldata"), parameters_.datadir};
  command.user = &owner();
  if (access(command.arguments.front().c_str(), X_OK) != 0) return std::nullopt;
  const auto outcome = run_surely(command, deadline);
  // It prints the values of a damaged file too, with a warning; from PostgreSQL 17 on that is on stderr.
  const auto is_damaged = (outcome.out + outcome.err).find("CRC checksum does not match") != std::string::npos;
  return outcome.succeeded() && !is_damaged ? pg::parse_control_data(outcome.out) : std::nullopt;
}

bool LocalInstance::answers(Deadline deadline) {
  const auto seconds = std::to_string(std::max<std::int64_t>(deadline.remaining() / 1s, 1));
  const std::array<const char*, 5> keywords = {"host", "port", "connect_timeout", "requirepeer", nullptr};
  const std::array<const char*, 5> values = {parameters_.pghost.c_str(), parameters_.pgport.c_str(), seconds.c_str(),
                                             parameters_.system_user.c_str(), nullptr};
  const OwnSettings own;
  const auto answer = libpq().ping_params(keywords.data(), values.data(), 0);
  return answer == PQPING_OK || answer == PQPING_REJECT;
}

bool LocalInstance::has_session(Deadline deadline) {
  if (!connection_) connection_ = Connection::open(address(), SessionKind::Sql, deadline).connection;
  return connection_ != nullptr;
}

/// With this instance's server, if it runs; not with another one at its address.
bool LocalInstance::has_own_session(Deadline deadline) {
  if (!connection_ && processes().postmaster) {
    pg::ProbeFacts facts;
    contact(facts, deadline);
  }
  return connection_ != nullptr;
}

std::vector<Connection::Row> LocalInstance::ask(const std::string& sql, Deadline deadline) {
  if (!connection_) {
    auto attempt = Connection::open(address(), SessionKind::Sql, deadline);
    if (!attempt.connection) throw Failure("no connection to the server: " + attempt.detail);
    connection_ = std::move(attempt.connection);
  }
  auto reply = connection_->query(sql, deadline);
  if (reply.error) {
    connection_.reset();
    throw Failure("the server did not answer \"" + sql + "\": " + reply.error->detail);
  }
  return std::move(reply.rows);
}

/// It shows them to superusers only, since 9.5.
std::vector<std::string> LocalInstance::settings_not_in_force(Deadline deadline) {
  std::vector<std::string> settings;
  if (!has_own_session(deadline.within(kSettingsPatience))) return settings;
  const auto lines = connection_->query(
      "SELECT name, setting, sourcefile, sourceline, error FROM pg_file_settings WHERE error IS NOT NULL "
      "ORDER BY seqno",
      deadline);
  for (const auto& row : lines.rows) {
    settings.push_back(row.at(0).value_or("") + " = \"" + row.at(1).value_or("") + "\" in \"" + row.at(2).value_or("") +
                       "\" line " + row.at(3).value_or("") + ": " + row.at(4).value_or(""));
  }
  // The others that wait for a restart have a line no more.
  const auto removed = connection_->query(
      "SELECT name FROM pg_settings AS s WHERE pending_restart AND NOT EXISTS "
      "(SELECT FROM pg_file_settings AS f WHERE lower(f.name) = s.name)",
      deadline);
  for (const auto& row : removed.rows) settings.push_back(row.at(0).value_or("") + ": it is set no more");
  return settings;
}

pg::ReplicationStatus LocalInstance::replication_status(Deadline deadline) {
  if (!connection_) throw Failure("no connection to the server");
  const bool has_wal_names = pg::ServerVersion{connection_->server_version()}.has_wal_names();
  // One row at least, for what the primary says of itself, also without any walsender.
  const auto rows = ask(
      has_wal_names
          ? "SELECT here, pg_walfile_name(here), s.application_name, s.state, s.write_lsn, s.replay_lsn, s.sync_state "
            "FROM pg_current_wal_lsn() AS here LEFT JOIN pg_stat_replication AS s ON true"
          : "SELECT here, pg_xlogfile_name(here), s.application_name, s.state, s.write_location, s.replay_location, "
            "s.sync_state "
            "FROM pg_current_xlog_location() AS here LEFT JOIN pg_stat_replication AS s ON true",
      deadline);
  pg::ReplicationStatus status;
  status.current = parse_lsn(rows.at(0).at(0));
  const auto timeline_digits = rows.at(0).at(1).value_or("").substr(0, kTimelineDigits);
  const auto history_file = wal_directory(has_wal_names) + "/" + timeline_digits + ".history";
  status.since_promotion = age_of(history_file);
  const auto history = pg::parse_timeline_history(read_file(history_file).value_or(""));
  if (!history.empty()) status.timeline_begin = history.rbegin()->second;
  for (const auto& row : rows) {
    if (!row.at(2)) continue;
    status.is_partly_hidden = status.is_partly_hidden || !row.at(3);
    const bool is_synchronous = row.at(6) == "sync" || row.at(6) == "quorum";
    const bool is_listed = is_synchronous || row.at(6) == "potential";
    status.walsenders.push_back(
        {*row[2], row.at(3).value_or(""), find_lsn(row.at(4)), find_lsn(row.at(5)), is_synchronous, is_listed});
  }
  return status;
}

/// From PostgreSQL 10 on the lines of pg_hba.conf for databases let it in, where there is a database to connect to.
std::optional<pg::Identity> LocalInstance::identify_system(Deadline deadline) {
  if (version().value_or(pg::ServerVersion{}).replicates_by_database_line()) {
    if (const auto identity = identify_system(SessionKind::DatabaseReplication, deadline)) return identity;
  }
  return identify_system(SessionKind::PhysicalReplication, deadline);
}

std::optional<pg::Identity> LocalInstance::identify_system(SessionKind kind, Deadline deadline) {
  return identity_told_by(Connection::open(address(), kind, deadline), deadline);
}

std::optional<pg::SystemIdentifier> LocalInstance::primary_system_identifier(const pg::TemplateNames& names,
                                                                             Deadline deadline) {
  const auto conninfo = known_part_of(primary_conninfo(names, deadline));
  if (conninfo.empty() || !needs_no_name_service(conninfo)) return std::nullopt;
  const auto told = identity_told_by(Connection::open_as_walreceiver(conninfo, owner(), deadline), deadline);
  return told ? std::optional(told->system_identifier) : std::nullopt;
}

/// Where no replication connection is to be had. pg_control may still show the timeline before the last switch, so the
/// newest one that anybody shows counts.
pg::Identity LocalInstance::identify_by_sql(Deadline deadline) {
  const auto running = version().value_or(pg::ServerVersion{});
  const auto rows =
      ask(running.has_wal_names() ? "SELECT pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()"
                                  : "SELECT pg_last_xlog_receive_location(), pg_last_xlog_replay_location()",
          deadline);
  const auto received = parse_lsn(rows.at(0).at(0));
  const auto replayed = parse_lsn(rows.at(0).at(1));
  pg::Identity identity;
  auto& position = identity.position;
  position.lsn = std::max(received, replayed);
  if (const auto control = control_data(deadline)) {
    position.timeline = std::max(control->timeline, control->minimum_recovery_timeline);
    identity.system_identifier = control->system_identifier;
  }
  if (running.has_wal_receiver_view()) {
    for (const auto& row : ask("SELECT received_tli FROM pg_stat_wal_receiver", deadline)) {
      position.timeline = std::max(position.timeline, parse_number<pg::Timeline>(row.at(0).value_or("")).value_or(0));
    }
  }
  if (position.timeline == 0 || position.lsn == pg::Lsn{}) throw Failure("the instance does not know its WAL position");
  return identity;
}

pg::Identity LocalInstance::identify(Deadline deadline) {
  auto told = identify_system(deadline);
  auto identity = told ? *told : identify_by_sql(deadline);
  identity.has_more_wal = may_have_more_wal(deadline) && has_wal_after(identity.position, deadline);
  return identity;
}

/// The startup process asks for streaming only at the end of its own WAL. Before, received is unknown, and replayed is
/// less than there is. A standby without a primary never asks; there the WAL itself tells, and also where no database
/// lets the agent in.
bool LocalInstance::may_have_more_wal(Deadline deadline) {
  if (has_session(deadline)) {
    const bool has_wal_names = version().value_or(pg::ServerVersion{}).has_wal_names();
    const auto rows = ask(has_wal_names ? "SELECT pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS NULL"
                                        : "SELECT pg_is_in_recovery() AND pg_last_xlog_receive_location() IS NULL",
                          deadline);
    return rows.at(0).at(0) == "t";
  }
  const auto control = control_data(deadline);
  return control && control->state == pg::DbState::InArchiveRecovery;
}

bool LocalInstance::has_wal_after(const pg::WalPosition& position, Deadline deadline) {
  const bool has_wal_names = version().value_or(pg::ServerVersion{}).has_wal_names();
  Command command;
  command.user = &owner();
  command.arguments = {program(has_wal_names ? "pg_waldump" : "pg_xlogdump"), "--path=" + wal_directory(has_wal_names),
                       "--timeline=" + std::to_string(position.timeline), "--start=" + to_string(position.lsn),
                       "--limit=1"};
  return run_surely(command, deadline).out.find("rmgr: ") != std::string::npos;
}

pg::TimelineHistory LocalInstance::timeline_history(pg::Timeline timeline) {
  const auto directory = wal_directory(version().value_or(pg::ServerVersion{}).has_wal_names());
  std::array<char, sizeof "FFFFFFFF.history"> name{};
  std::snprintf(name.data(), name.size(), "%08X.history", timeline);
  const ActingAs acting(owner());
  return pg::parse_timeline_history(read_file(directory + "/" + name.data()).value_or(""));
}

bool LocalInstance::ends_with_shutdown_checkpoint(const pg::WalPosition& end, Deadline deadline) {
  if (end.lsn == pg::Lsn{}) return false;
  const auto running = version().value_or(pg::ServerVersion{});
  Command command;
  command.user = &owner();
  command.output_limit = kLogTail;
  // pg_waldump shows nothing where no record begins between --start and --end: the record may begin in the megabyte
  // before. Not the other way round: with archiving, the empty end of a segment is before a shutdown checkpoint.
  for (const auto back : {std::uint64_t{1}, kLongestCheckpointRecord}) {
    const auto before = end.lsn.bytes - std::min(end.lsn.bytes, back);
    command.arguments = {
        program(running.has_wal_names() ? "pg_waldump" : "pg_xlogdump"),
        "--path=" + wal_directory(running.has_wal_names()), "--timeline=" + std::to_string(end.timeline),
        "--start=" + to_string(pg::Lsn{before - before % kSmallestSegment}), "--end=" + to_string(end.lsn)};
    const auto outcome = run_surely(command, deadline);
    const auto last = outcome.out.rfind("rmgr: ");  // with it begins the line of each record
    if (last != std::string::npos) return is_shutdown_checkpoint(outcome.out.substr(last));
  }
  return false;
}

std::string LocalInstance::synchronous_standby_names(Deadline deadline) {
  return setting("synchronous_standby_names", deadline);
}

// ---- Standby settings

/// From the running server. Nothing if it does not run, or does not show the setting to the agent's role.
std::optional<std::string> LocalInstance::setting_by_sql(const std::string& name, Deadline deadline) {
  if (!has_own_session(deadline.within(kSettingsPatience))) return std::nullopt;
  const auto reply = connection_->query("SELECT setting FROM pg_settings WHERE name = '" + name + "'", deadline);
  if (reply.error || reply.rows.size() != 1) return std::nullopt;
  return reply.rows[0].at(0).value_or("");
}

std::string LocalInstance::setting(const std::string& name, Deadline deadline) {
  if (auto value = setting_by_sql(name, deadline)) return *value;
  return configured(name, deadline);
}

/// From the configuration, whatever a running server has in force.
std::string LocalInstance::configured(const std::string& name, Deadline deadline) {
  auto others = overrides();
  others.erase(std::remove_if(others.begin(), others.end(), [&](const auto& other) { return other.name == name; }),
               others.end());
  Command command;
  // -C must come first for a postgres that is run by root in a test; here it is run by its user.
  command.arguments = {program("postgres"), "-C", name, "-D", parameters_.pgdata};
  // PostgreSQL reads no configuration with two recovery targets.
  for (auto& option : pg::as_options(others)) command.arguments.push_back(std::move(option));
  for (auto& option : pg::without_settings(start_options(), others)) command.arguments.push_back(std::move(option));
  command.user = &owner();
  const auto outcome = run_surely(command, deadline);
  // That there was no answer tells nothing of the configuration.
  if (outcome.timed_out) throw Failure("postgres -C " + name + ": " + describe(outcome));
  if (!outcome.succeeded()) {
    const auto words = telling_line(outcome.err);
    throw Failure(ReturnCode::ErrArgs, (words.empty() ? describe(outcome) : words) + " (postgres -C " + name + ")");
  }
  return std::string(trimmed(outcome.out));
}

std::vector<pg::Setting> LocalInstance::overrides() const {
  return pg::standby_overrides(version().value_or(pg::ServerVersion{}));
}

pg::ServerDirectory LocalInstance::server_directory(Deadline deadline) {
  const auto path = configured("data_directory", deadline);
  return {path, is_same_directory(path, parameters_.datadir)};
}

pg::HotStandbySettings LocalInstance::hot_standby_settings(Deadline deadline) {
  pg::HotStandbySettings settings;
  if (const auto control = control_data(deadline)) settings.required = control->hot_standby_settings;
  for (const auto& [name, required] : settings.required) {
    if (required == 0) continue;  // nothing is lower
    if (const auto value = parse_number<int>(configured(name, deadline))) settings.configured[name] = *value;
  }
  return settings;
}

/// The lines of the configuration files that set one of these, in their order. None if the server does not show them:
/// it does to superusers only, since 9.5.
std::vector<pg::Setting> LocalInstance::lines_of(const std::vector<pg::Setting>& settings, Deadline deadline) {
  std::string names;
  for (const auto& setting : settings) names += (names.empty() ? "'" : ", '") + setting.name + "'";
  const auto reply = connection_->query(
      "SELECT lower(name), setting FROM pg_file_settings WHERE lower(name) IN (" + names + ") ORDER BY seqno",
      deadline);
  std::vector<pg::Setting> lines;
  for (const auto& row : reply.rows) lines.push_back({row.at(0).value_or(""), row.at(1).value_or("")});
  return lines;
}

std::vector<pg::Setting> LocalInstance::harmful_settings(const pg::TemplateNames& names, Deadline deadline) {
  const auto overridden = overrides();
  std::map<std::string, std::string> found;
  if (connection_) {
    auto lines = lines_of(overridden, deadline);
    for (auto& option : pg::settings_in(start_options())) {
      const bool is_overridden = std::any_of(overridden.begin(), overridden.end(),
                                             [&](const auto& setting) { return setting.name == option.name; });
      if (is_overridden) lines.push_back(std::move(option));
    }
    for (const auto& [name, value] : lines) found[name] = value;
  } else {
    for (const auto& setting : overridden) found[setting.name] = configured(setting.name, deadline);
  }
  if (!version().value_or(pg::ServerVersion{}).has_standby_signal()) {
    for (const auto& [name, value] : pg::dormant_settings_in(read_template(names))) found[name] = value;
  }
  std::vector<pg::Setting> harmful;
  for (const auto& [name, value] : found) {
    if (pg::is_harmful({name, value})) harmful.push_back({name, value});
  }
  return harmful;
}

std::string LocalInstance::read_template(const pg::TemplateNames& names) {
  const ActingAs acting(owner());
  const auto text = read_file(parameters_.recovery_template);
  if (!text) {
    throw Failure(ReturnCode::ErrArgs, "recovery template \"" + parameters_.recovery_template +
                                           "\" cannot be read by \"" + parameters_.system_user + "\"");
  }
  return pg::render_template(*text, names);
}

std::string LocalInstance::primary_conninfo(const pg::TemplateNames& names, Deadline deadline) {
  if (version().value_or(pg::ServerVersion{}).has_standby_signal()) return setting("primary_conninfo", deadline);
  return pg::parse_recovery_conf(read_template(names))["primary_conninfo"];
}

pg::RecoverySettings LocalInstance::recovery_settings(const pg::TemplateNames& names, Deadline deadline) {
  const auto installed = version().value_or(pg::ServerVersion{});
  pg::RecoverySettings settings;
  std::string conninfo;
  if (installed.has_standby_signal()) {
    settings.recovery_target_timeline = setting("recovery_target_timeline", deadline);
    conninfo = primary_conninfo(names, deadline);
  } else {
    auto written = pg::parse_recovery_conf(read_template(names));
    settings.standby_mode = written["standby_mode"];
    settings.recovery_target_timeline = written["recovery_target_timeline"];
    settings.includes_files =
        written.count("include") + written.count("include_if_exists") + written.count("include_dir") > 0;
    conninfo = written["primary_conninfo"];
  }
  auto read = read_conninfo(conninfo);
  settings.application_name = std::move(read.application_name);
  settings.conninfo_problem = std::move(read.problem);
  if (!settings.application_name && installed.has_standby_signal() && settings.conninfo_problem.empty()) {
    // The walreceiver's fallback since PostgreSQL 12.
    if (setting("cluster_name", deadline) == names.node) settings.application_name = names.node;
  }
  return settings;
}

void LocalInstance::configure_as_standby(const pg::TemplateNames& names) {
  const auto installed = version();
  if (!installed) throw Failure(ReturnCode::ErrArgs, "\"" + parameters_.datadir + "/PG_VERSION\" cannot be read");
  const bool has_signal = installed->has_standby_signal();
  const auto contents = has_signal ? std::string() : pg::without_dormant_settings(read_template(names));
  const ActingAs acting(owner());
  replace_file(parameters_.datadir, has_signal ? "standby.signal" : "recovery.conf", contents);
  // Beside standby.signal it says nothing. But a promotion leaves it, and the next start by hand would obey it.
  if (has_signal) remove_file(parameters_.datadir, "recovery.signal");
}

bool LocalInstance::is_replay_paused(Deadline deadline) {
  if (!connection_) return false;
  const bool has_wal_names = pg::ServerVersion{connection_->server_version()}.has_wal_names();
  const auto* const question = has_wal_names ? "SELECT pg_is_wal_replay_paused()" : "SELECT pg_is_xlog_replay_paused()";
  return ask(question, deadline).at(0).at(0) == "t";
}

bool LocalInstance::is_promotion_requested() { return exists(parameters_.datadir + "/promote"); }

/// recovery_end_command runs in a promotion only; before, it can be none but restore_command.
std::optional<std::chrono::seconds> LocalInstance::restore_command_age(Deadline deadline) {
  if (!version().value_or(pg::ServerVersion{}).has_standby_signal()) return std::nullopt;
  const auto age = startup_program_age(parameters_.datadir);
  if (!age || (is_promoted_ && !setting("recovery_end_command", deadline).empty())) return std::nullopt;
  return age;
}

// ---- Lock files

/// Where the server makes its sockets.
std::set<std::string> LocalInstance::socket_directories(Deadline deadline) {
  std::set<std::string> directories;
  const auto list = configured("unix_socket_directories", deadline);
  for (auto directory : split(list, ",\"")) {
    directory = trimmed(directory);
    if (!directory.empty() && directory.front() == '/') directories.emplace(directory);
  }
  return directories;
}

std::vector<pg::LockFile> LocalInstance::lock_files(Deadline deadline) {
  std::vector<pg::LockFile> files;
  // A clean shutdown leaves none.
  const auto own_lock = socket_path(parameters_.pghost, parameters_.pgport) + ".lock";
  if (!exists(pid_file()) && !exists(own_lock)) return files;
  const LockOwner lock_owner{user().uid, parameters_.datadir, parameters_.pghost, parameters_.pgport};
  if (auto file = obstructing_pid_file(lock_owner)) files.push_back(std::move(*file));
  for (const auto& directory : socket_directories(deadline)) {
    if (auto file = obstructing_socket_lock(lock_owner, directory)) files.push_back(std::move(*file));
  }
  return files;
}

void LocalInstance::remove_lock_file(const pg::LockFile& file, Deadline deadline) {
  const auto again = lock_files(deadline);
  const bool is_unchanged = std::any_of(again.begin(), again.end(), [&](const auto& other) {
    return other.path == file.path && other.kind == file.kind && other.holder == file.holder && !other.in_use;
  });
  const auto found = survey();
  if (!is_unchanged || !found.processes.empty() || !found.blind_spot.empty()) return;
  const auto slash = file.path.rfind('/');
  const ActingAs acting(owner());
  remove_file(file.path.substr(0, slash), file.path.substr(slash + 1));
}

// ---- Words

std::string LocalInstance::output_file() const {
  const auto configuration = pg::configuration_file(readable_options(parameters_.start_opts), parameters_.pgdata);
  return output_file_of(configuration.substr(0, configuration.rfind('/')), parameters_.datadir);
}

std::string LocalInstance::trouble() {
  if (auto activity = startup_activity(parameters_.datadir)) return std::move(*activity);
  return log_ ? log_->reason_for_end(owner()) : "";
}

// ---- Orders

void LocalInstance::checkpoint(Deadline deadline) { static_cast<void>(ask("CHECKPOINT", deadline)); }

Command LocalInstance::pg_ctl(const std::vector<std::string>& arguments) {
  Command command;
  command.arguments = {program("pg_ctl"), "--pgdata", parameters_.pgdata};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  command.user = &owner();
  command.parsed_output = false;  // the server inherits this environment
  command.unset = variables_for_clients();
  return command;
}

void LocalInstance::start(const std::vector<pg::Setting>& raised, Deadline deadline) {
  auto given = overrides();
  given.insert(given.end(), raised.begin(), raised.end());
  std::string options;
  for (const auto& option : pg::without_settings(start_options(), given)) options += quoted_for_shell(option) + ' ';
  for (const auto& option : pg::as_options(given)) options += quoted_for_shell(option) + ' ';
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(deadline.remaining()).count();
  const auto output = writable_output_file(output_file(), parameters_.datadir, owner());
  std::vector<std::string> arguments = {"-w",    "--timeout", std::to_string(std::max<std::int64_t>(seconds, 1)),
                                        "--log", output,      "start"};
  if (!options.empty()) arguments.insert(arguments.end(), {"-o", options});
  connection_.reset();
  log_.emplace(output, parameters_.datadir, owner());
  is_promoted_ = false;
  auto command = pg_ctl(arguments);
  // As the distributions' units do it: the kernel, short of memory, ends a backend, and with it no more than that.
  if (version().value_or(pg::ServerVersion{}).adjusts_oom_score()) {
    command.oom_score_adjustment = kPostmasterOomScore;
    command.set = {"PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj", "PG_OOM_ADJUST_VALUE=0"};
  }
  // pg_ctl itself looks only ten times a second, and waits for ever where no sessions are taken.
  StartedServer started{deadline.within(deadline.remaining() / 2)};
  command.is_done = [&, former = written_at(pid_file())] {
    return written_at(pid_file()) != former && is_up(started, deadline);
  };
  const auto outcome = run(command, deadline);
  if (outcome.succeeded()) return;
  // Nobody but the deadline ends pg_ctl while the server comes up.
  if (const auto activity = startup_activity(parameters_.datadir)) {
    throw Failure("start failed: out of time: " + *activity);
  }
  const auto words = log_->reason_for_end(owner());
  throw Failure("start failed: " + (words.empty() ? words_of_pg_ctl(outcome) : words));
}

/// Whether it takes sessions, or will take none for longer than a start can wait.
bool LocalInstance::is_up(StartedServer& server, Deadline deadline) {
  const auto status = status_in(pid_file());
  if (status != "starting") return status == "ready" || status == "standby";
  const auto now = std::chrono::steady_clock::now();
  if (now < server.next_look) return false;
  server.next_look = now + kReplayPoll;
  if (server.archive_patience.expired() && restore_command_age(deadline) >= pg::kHangingRestoreCommand) return true;
  const auto replay = replay_observer_.look(survey().processes);
  if (!replay) return false;
  // Once that is told it holds, however old it is.
  const auto& control = server.control;
  const bool is_known = control && control->state == pg::DbState::InArchiveRecovery && !control->is_unfinished_backup;
  if (!is_known) server.control = control_data(deadline);
  return server.control && pg::is_consistent(*server.control, *replay);
}

/// What `pg_ctl stop -m fast` does, but to the process that is known to be this server's: postmaster.pid may be gone,
/// or name somebody else's process.
void LocalInstance::request_stop(Deadline deadline) {
  remember_consumers(deadline.within(kConsumerPatience));
  connection_.reset();
  for (const auto& process : survey().processes) {
    if (process.postmaster) kill(process.pid, SIGINT);
    if (process.single_user) kill(process.pid, SIGTERM);  // SIGINT would only cancel its query
  }
}

/// Whose they are: titles of processes do not tell that.
void LocalInstance::remember_consumers(Deadline deadline) {
  if (!connection_) return;
  const auto reply = connection_->query(
      "SELECT s.pid, s.application_name, r.slot_name FROM pg_stat_replication AS s "
      "JOIN pg_replication_slots AS r ON r.active_pid = s.pid WHERE r.slot_type = 'logical'",
      deadline);
  for (const auto& row : reply.rows) {
    const auto pid = parse_number<pid_t>(row.at(0).value_or(""));
    if (pid) consumers_[*pid] = "application " + row.at(1).value_or("") + ", slot " + row.at(2).value_or("");
  }
}

pg::ShutdownProgress LocalInstance::shutdown_progress(Deadline deadline) {
  pg::ShutdownProgress progress;
  for (const auto& process : survey().processes) {
    if (process.postmaster) continue;
    const auto kind = pg::holder_kind(process.title, is_in_database(process.pid));
    if (!kind) continue;
    auto title = std::string(trimmed(process.title.substr(std::min(process.title.size(), kChildTitle.size()))));
    const auto known = consumers_.find(process.pid);
    if (known != consumers_.end()) title += " (" + known->second + ")";
    progress.holders.push_back({*kind, process.pid, std::move(title)});
  }
  progress.unarchived =
      count_files(wal_directory(version().value_or(pg::ServerVersion{}).has_wal_names()) + "/archive_status", ".ready");
  const auto control = control_data(deadline);
  progress.is_written =
      control && (control->state == pg::DbState::ShutDown || control->state == pg::DbState::ShutDownInRecovery);
  return progress;
}

void LocalInstance::ask_to_end(int pid) {
  for (const auto& process : survey().processes) {
    if (process.pid == pid && !process.postmaster) kill(pid, SIGTERM);
  }
}

void LocalInstance::abandon_archiving() {
  if (const auto postmaster = postmaster_among(survey().processes)) kill(*postmaster, SIGQUIT);
}

/// Before PostgreSQL 13 a paused replay does not notice that it is to end.
void LocalInstance::resume_replay(Deadline deadline) {
  if (!connection_ || connection_->server_version() >= 130000 || !is_replay_paused(deadline)) return;
  const bool has_wal_names = pg::ServerVersion{connection_->server_version()}.has_wal_names();
  static_cast<void>(ask(has_wal_names ? "SELECT pg_wal_replay_resume()" : "SELECT pg_xlog_replay_resume()", deadline));
}

/// What pg_ctl promote and pg_promote() do since PostgreSQL 9.3, but to the postmaster that was found: postmaster.pid
/// may name somebody else's process, which the signal would end.
void LocalInstance::request_promotion(Deadline deadline) {
  const auto control = control_data(deadline);
  if (!control || control->state != pg::DbState::InArchiveRecovery) {
    throw Failure("there is no standby to promote, pg_control says: " +
                  (control ? std::string(to_string(control->state)) : "nothing readable"));
  }
  resume_replay(deadline);
  log_.emplace(output_file(), parameters_.datadir, owner());
  const auto postmaster = postmaster_among(survey().processes);
  if (!postmaster) throw Failure("no server to promote in \"" + parameters_.datadir + "\"");
  // First the handle, then the second look: nobody else can have got that pid.
  const auto pidfd = open_pidfd(*postmaster);
  const ActingAs acting(owner());
  replace_file(parameters_.datadir, "promote", "");
  const bool is_still_there = postmaster_among(find_server_processes(parameters_.datadir)) == postmaster ||
                              find_listening_postmaster(traces()) == postmaster;
  const bool is_told =
      is_still_there && (pidfd.is_open() ? signal_by_pidfd(pidfd, SIGUSR1) : kill(*postmaster, SIGUSR1) == 0);
  is_promoted_ = is_told;
  if (is_told) return;
  unlink((parameters_.datadir + "/promote").c_str());
  throw Failure("the server to promote has ended, pid " + std::to_string(*postmaster));
}

void LocalInstance::end_orphans(Deadline deadline) {
  const auto patience = deadline.within(kOrphanPatience);
  while (true) {
    const auto found = survey();
    if (found.processes.empty() && found.blind_spot.empty()) return;
    if (!found.blind_spot.empty()) {
      // Who seems to be an orphan may have a postmaster that cannot be seen.
      if (deadline.expired()) {
        throw Failure("whether a server runs in \"" + parameters_.datadir + "\" cannot be told: " + found.blind_spot);
      }
    } else if (const auto owner = postmaster_among(found.processes)) {
      // Not an orphan of it is touched. What was forked just before its postmaster died still looks like one, hence the
      // patience.
      if (patience.expired()) throw_occupied("a server runs", *owner);
    } else if (const auto backend = single_user_backend_among(found.processes)) {
      if (patience.expired()) throw_occupied("a single-user backend works", *backend);
    } else {
      const auto pid = std::to_string(found.processes.front().pid);
      if (deadline.expired()) {
        throw Failure(std::to_string(found.processes.size()) + " orphaned server processes, pid " + pid);
      }
      // One that is frozen listens to nothing but SIGKILL.
      for (const auto& process : found.processes) kill(process.pid, patience.expired() ? SIGKILL : SIGQUIT);
    }
    deadline.pause(kOrphanPoll);
  }
}

void LocalInstance::throw_occupied(const std::string& who, pid_t pid) const {
  throw Failure(who + " in \"" + parameters_.datadir + "\", pid " + std::to_string(pid));
}

}  // namespace pgsqlms::system
