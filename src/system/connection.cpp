// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "pgsqlms/system/file.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

using pg::Contact;

/// No question of the agent takes longer on a server that is well.
constexpr const char* kSessionOptions = "-c statement_timeout=60s -c lock_timeout=5s -c search_path=pg_catalog";

std::string first_line(std::string_view text) {
  const auto line = trimmed(text).substr(0, trimmed(text).find('\n'));
  return std::string(trimmed(line));
}

Contact contact_for(std::string_view sqlstate) {
  if (sqlstate == "53300") return Contact::Saturated;
  if (sqlstate.substr(0, 4) == "57P0") return Contact::NotYet;  // cannot_connect_now, and the shutdowns
  return sqlstate.empty() ? Contact::NotListening : Contact::Denied;
}

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
  const auto socket = address.host + "/.s.PGSQL." + address.port;
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

PGconn* start_connecting(const Address& address, SessionKind kind) {
  // libpq would look for it in the home directory of the environment, which is the cluster daemon's.
  const std::string passfile = address.user.home + "/.pgpass";
  const bool has_passfile = getenv("PGPASSFILE") == nullptr && exists(passfile);
  const char* const replication = replication_mode(kind);
  const std::array<const char*, 10> names = {
      "host",        "port",     "user", "dbname", "application_name", "options", "client_encoding",
      "replication", "passfile", nullptr};
  const std::array<const char*, 10> values = {address.host.c_str(),
                                              address.port.c_str(),
                                              address.user.name.c_str(),
                                              "postgres",
                                              "pgsqlms",
                                              replication == nullptr ? kSessionOptions : nullptr,
                                              "SQL_ASCII",
                                              replication,
                                              has_passfile ? passfile.c_str() : nullptr,
                                              nullptr};
  return libpq().connect_start_params(names.data(), values.data(), 0);
}

/// Nothing when connected; else how far it came.
std::optional<QueryError> finish_connecting(PGconn* session, Deadline deadline) {
  libpq().set_error_verbosity(session, PQERRORS_VERBOSE);  // the only way to get the SQLSTATE of a refused connection
  auto state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED || libpq().status(session) == CONNECTION_BAD) {
      const std::string_view message = libpq().error_message(session);
      // There is a server, and libpq itself has nothing to answer it with.
      const bool lacks_password = libpq().connection_needs_password(session) != 0;
      return QueryError{lacks_password ? Contact::Denied : contact_for(sqlstate_in(message)), first_line(message)};
    }
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (wait_for(session, events, deadline) == Readiness::OutOfTime) {
      return QueryError{Contact::NoResponse, "no answer to an attempt to connect"};
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
  const bool is_broken = libpq().status(session) == CONNECTION_BAD;
  return {contact_for(sqlstate != nullptr ? sqlstate : (is_broken ? "" : "XX000")),
          first_line(libpq().result_error_message(result))};
}

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
  std::unique_ptr<Connection> connection(new Connection(start_connecting(address, kind)));
  PGconn* const session = connection->session_.get();
  if (session == nullptr) return {Contact::NotListening, "out of memory", nullptr};
  if (auto error = finish_connecting(session, deadline)) return {error->contact, error->detail, nullptr};
  return {Contact::Accepted, "", std::move(connection)};
}

Connection::Reply Connection::query(const std::string& sql, Deadline deadline) {
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
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(libpq().socket(session_.get()), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) {
    return std::nullopt;
  }
  return peer.pid;
}

}  // namespace pgsqlms::system
