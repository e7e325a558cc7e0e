// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

#include "pgsqlms/system/file.hpp"
#include "pgsqlms/system/unix_socket.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

using pg::Contact;

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// No question of the agent takes longer on a server that is well. What an administrator sets for the sessions of users
/// must neither fail nor hold up those of the agent; what stands here wins over ALTER ROLE. Every role may set these.
constexpr const char* kSessionOptions =
    "-c statement_timeout=60s -c lock_timeout=5s -c search_path=pg_catalog "
    "-c default_transaction_deferrable=off -c local_preload_libraries=";
/// There is always one of them, unless somebody took pains. No question of the agent depends on which one it is.
constexpr const char* kDatabases[] = {"postgres", "template1"};
constexpr Duration kRetry = 50ms;
/// How long a server may close connections without a word, as one does that is short of something for a moment.
constexpr Duration kSilencePatience = 1s;

std::string first_line(std::string_view text) {
  const auto line = trimmed(text).substr(0, trimmed(text).find('\n'));
  return std::string(trimmed(line));
}

/// Whether the whole server is to blame: no file, no memory, no disk, no consistent data. A library that cannot be
/// loaded into sessions has the same codes and is a matter of configuration; the server names the source file of an
/// error.
bool is_broken_inside(std::string_view sqlstate, std::string_view message) {
  if (message.find("dfmgr.c:") != std::string_view::npos) return false;
  // The folder of a database that there should be; else that database was dropped.
  if (sqlstate == "3D000") return message.find("base/") != std::string_view::npos;
  const auto kind = sqlstate.substr(0, 2);
  return kind == "53" || kind == "58" || kind == "XX";
}

Contact contact_for(std::string_view sqlstate, std::string_view message) {
  if (sqlstate == "53300") return Contact::Saturated;
  if (sqlstate.substr(0, 4) == "57P0") return Contact::NotYet;  // cannot_connect_now, and the shutdowns
  return is_broken_inside(sqlstate, message) ? Contact::Broken : Contact::Denied;
}

/// Whether the database refuses, not the server: there is none, or none may connect to it, or this role may not.
bool is_refused_by_database(std::string_view sqlstate) {
  return sqlstate == "3D000" || sqlstate == "55000" || sqlstate == "42501";
}

/// In the words of libpq, which are English in this process: it has no locale.
bool was_closed_without_a_word(std::string_view message) {
  constexpr std::string_view kWords[] = {"closed the connection unexpectedly", "could not receive data",
                                         "could not send"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](auto words) { return message.find(words) != std::string_view::npos; });
}

/// What the server said, without libpq's words about where it was asked.
std::string words_of_server(std::string_view message) {
  constexpr std::string_view kEnd = "\" failed: ";
  const auto at = message.find(kEnd);
  return first_line(at == std::string_view::npos ? message : message.substr(at + kEnd.size()));
}

/// Why there is no session, and what may help.
struct Refusal {
  QueryError error;
  Duration patience = 0ms;        ///< how long it is worth trying again
  bool another_database = false;  ///< may let the agent in
};

enum class Readiness { Ready, OutOfTime };

Readiness wait_for(PGconn* session, short events, Deadline deadline) {
  while (true) {
    pollfd watched{libpq().socket(session), events, 0};
    const auto left = std::min<std::int64_t>(deadline.remaining().count(), 60'000);
    const int ready = poll(&watched, 1, static_cast<int>(left));
    if (ready > 0) return Readiness::Ready;
    if (ready < 0 && errno != EINTR) return Readiness::Ready;  // libpq will say what is wrong with the socket
    if (deadline.expired()) return Readiness::OutOfTime;
  }
}

/// Whether the user comes to the server's socket without its groups, whose lookup takes time, or even a name service.
bool reaches_socket(const Address& address) {
  const ActingAs user(address.user);
  const auto socket = socket_path(address.host, address.port);
  return faccessat(AT_FDCWD, socket.c_str(), W_OK, AT_EACCESS) == 0 || errno != EACCES;
}

const char* replication_mode(SessionKind kind) {
  switch (kind) {
    case SessionKind::Sql: return nullptr;
    case SessionKind::DatabaseReplication: return "database";
    case SessionKind::PhysicalReplication: return "true";
  }
  return nullptr;
}

constexpr const char* kApplicationName = "pgsqlms";

/// The user's password file, if there is one and the environment names none. libpq would look for it in the home
/// directory of the environment, which is the cluster daemon's.
std::optional<std::string> find_passfile(const User& user) {
  auto file = user.home + "/.pgpass";
  return getenv("PGPASSFILE") == nullptr && exists(file) ? std::optional(std::move(file)) : std::nullopt;
}

PGconn* start_connecting(const Address& address, SessionKind kind, const char* database) {
  const auto passfile = find_passfile(address.user);
  const char* const replication = replication_mode(kind);
  const std::array<const char*, 10> names = {
      "host",        "port",     "user", "dbname", "application_name", "options", "client_encoding",
      "replication", "passfile", nullptr};
  const std::array<const char*, 10> values = {address.host.c_str(),
                                              address.port.c_str(),
                                              address.user.name.c_str(),
                                              database,
                                              kApplicationName,
                                              replication == nullptr ? kSessionOptions : nullptr,
                                              "SQL_ASCII",
                                              replication,
                                              passfile ? passfile->c_str() : nullptr,
                                              nullptr};
  return libpq().connect_start_params(names.data(), values.data(), 0);
}

/// Of two options with one name the last one wins; the first dbname is a whole connection string.
PGconn* start_connecting(const std::string& conninfo, const User& user) {
  const auto passfile = find_passfile(user);
  const std::array<const char*, 6> names = {"passfile", "dbname", "dbname", "replication", "application_name", nullptr};
  const std::array<const char*, 6> values = {
      passfile ? passfile->c_str() : nullptr, conninfo.c_str(), "replication", "true", kApplicationName, nullptr};
  return libpq().connect_start_params(names.data(), values.data(), 1);
}

/// Where the socket's folder is open to all, anybody can listen there. libpq's `requirepeer` looks a name up each time.
std::optional<Refusal> refuse_stranger(PGconn* session, const Address& address) {
  constexpr auto kNobody = static_cast<uid_t>(-1);
  const auto peer = peer_of(libpq().socket(session));
  if (!peer || peer->uid == address.user.uid) return std::nullopt;
  const auto socket = "\"" + socket_path(address.host, address.port) + "\"";
  if (peer->uid == kNobody) {
    return Refusal{{Contact::NoResponse, "the queue of socket " + socket + " is full"}, Duration::max()};
  }
  return Refusal{{Contact::NotListening, "the process at socket " + socket + " runs as " + describe_user(peer->uid) +
                                             ", not as \"" + address.user.name + "\""}};
}

/// A session that failed, and how far it had come before that.
Refusal refusal_of(PGconn* session, ConnStatusType before) {
  const std::string message = libpq().error_message(session);
  const auto sqlstate = sqlstate_in(message);
  const auto refuse = [&](Contact contact, Duration patience = 0ms) {
    return Refusal{{contact, first_line(message)}, patience};
  };
  if (!sqlstate.empty()) {
    return {{contact_for(sqlstate, message), words_of_server(message)}, 0ms, is_refused_by_database(sqlstate)};
  }
  // There is a server, and libpq itself has nothing to answer it with.
  if (libpq().connection_needs_password(session) != 0) return refuse(Contact::Denied);
  const bool has_connected = before != CONNECTION_BAD && before != CONNECTION_NEEDED && before != CONNECTION_STARTED;
  if (!has_connected) return refuse(Contact::NotListening);
  // A postmaster that cannot fork says so in a few words without an SQLSTATE.
  return was_closed_without_a_word(message) ? refuse(Contact::NotYet, kSilencePatience) : refuse(Contact::Saturated);
}

/// Nothing when connected.
std::optional<Refusal> finish_connecting(PGconn* session, Deadline deadline) {
  libpq().set_error_verbosity(session, PQERRORS_VERBOSE);  // the only way to get the SQLSTATE of a refused connection
  auto state = PGRES_POLLING_WRITING;
  auto before = libpq().status(session);
  while (state != PGRES_POLLING_OK) {
    const auto now = libpq().status(session);
    if (state == PGRES_POLLING_FAILED || now == CONNECTION_BAD) return refusal_of(session, before);
    before = now;
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (wait_for(session, events, deadline) == Readiness::OutOfTime) {
      return Refusal{{Contact::NoResponse, "no answer to an attempt to connect"}};
    }
    state = libpq().connect_poll(session);
  }
  return std::nullopt;
}

std::vector<Connection::Row> rows_of(const PGresult* result) {
  std::vector<Connection::Row> rows;
  for (int i = 0; i < libpq().ntuples(result); ++i) {
    Connection::Row row;
    for (int j = 0; j < libpq().nfields(result); ++j) {
      row.push_back(libpq().getisnull(result, i, j) != 0 ? std::nullopt
                                                         : std::optional<std::string>(libpq().getvalue(result, i, j)));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

QueryError error_of(const PGresult* result, PGconn* session) {
  const char* const sqlstate = libpq().result_error_field(result, PG_DIAG_SQLSTATE);
  const std::string message = libpq().result_error_message(result);
  const auto without_code = libpq().status(session) == CONNECTION_BAD ? Contact::NotListening : Contact::Denied;
  return {sqlstate != nullptr ? contact_for(sqlstate, message) : without_code, first_line(message)};
}

/// PostgreSQL has no such transactions while it recovers, and refuses every question where they are the default.
bool is_about_isolation(const QueryError& error) { return sqlstate_in(error.detail) == "0A000"; }

constexpr const char* kUsualIsolation = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED";

}  // namespace

std::string_view sqlstate_in(std::string_view message) {
  constexpr std::string_view kAfterSeverity = ":  ";
  constexpr std::size_t kLength = 5;
  for (auto at = message.find(kAfterSeverity); at != std::string_view::npos;
       at = message.find(kAfterSeverity, at + 1)) {
    const auto rest = message.substr(at + kAfterSeverity.size());
    if (rest.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == kLength && rest[kLength] == ':') {
      return rest.substr(0, kLength);
    }
  }
  return {};
}

Connection::Attempt Connection::open(const Address& address, SessionKind kind, Deadline deadline) {
  // Peer authentication judges by the effective user.
  const ActingAs owner(reaches_socket(address) ? address.user : with_groups(address.user));
  const OwnSettings own;
  std::optional<QueryError> error;
  for (const auto* database : kDatabases) {
    const auto began = deadline.remaining();
    while (true) {
      std::unique_ptr<Connection> connection(new Connection(start_connecting(address, kind, database)));
      PGconn* const session = connection->session_.get();
      if (session == nullptr) return {Contact::NotListening, "out of memory", nullptr};
      auto refusal = refuse_stranger(session, address);
      if (!refusal) refusal = finish_connecting(session, deadline);
      if (!refusal) return {Contact::Accepted, "", std::move(connection)};
      if (began - deadline.remaining() < refusal->patience && !deadline.expired()) {
        deadline.pause(kRetry);
        continue;
      }
      // Of several refusals the first one tells most.
      if (!error) error = std::move(refusal->error);
      if (!refusal->another_database) return {error->contact, error->detail, nullptr};
      break;
    }
  }
  return {error->contact, error->detail, nullptr};
}

Connection::Attempt Connection::open_as_walreceiver(const std::string& conninfo, const User& user, Deadline deadline) {
  const ActingAs owner(user);
  const OwnSettings own;
  std::unique_ptr<Connection> connection(new Connection(start_connecting(conninfo, user)));
  PGconn* const session = connection->session_.get();
  if (session == nullptr) return {Contact::NotListening, "out of memory", nullptr};
  if (auto refusal = finish_connecting(session, deadline)) {
    return {refusal->error.contact, std::move(refusal->error.detail), nullptr};
  }
  return {Contact::Accepted, "", std::move(connection)};
}

Connection::Reply Connection::query(const std::string& sql, Deadline deadline) {
  auto reply = ask(sql, deadline);
  if (!reply.error || !is_about_isolation(*reply.error)) return reply;
  if (ask(kUsualIsolation, deadline).error) return reply;
  return ask(sql, deadline);
}

Connection::Reply Connection::ask(const std::string& sql, Deadline deadline) {
  PGconn* const session = session_.get();
  if (libpq().send_query(session, sql.c_str()) == 0) {
    return {{}, QueryError{Contact::NotListening, first_line(libpq().error_message(session))}};
  }
  Reply reply;
  while (true) {
    while (libpq().is_busy(session) != 0) {
      if (wait_for(session, POLLIN, deadline) == Readiness::OutOfTime) {
        return {{}, QueryError{Contact::NoResponse, "no answer to a query"}};
      }
      if (libpq().consume_input(session) == 0) {
        return {{}, QueryError{Contact::NotListening, first_line(libpq().error_message(session))}};
      }
    }
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(libpq().get_result(session), libpq().clear);
    if (result == nullptr) return reply;
    const auto status = libpq().result_status(result.get());
    if (status == PGRES_TUPLES_OK) reply.rows = rows_of(result.get());
    else if (status != PGRES_COMMAND_OK && !reply.error) reply.error = error_of(result.get(), session);
  }
}

std::optional<pid_t> Connection::postmaster_pid() const {
  const auto peer = peer_of(libpq().socket(session_.get()));
  return peer && peer->pid > 0 ? std::optional(peer->pid) : std::nullopt;
}

}  // namespace pgsqlms::system
