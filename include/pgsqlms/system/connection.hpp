// SPDX-License-Identifier: PostgreSQL
// Connection: one libpq session with the local server, every step of it with a deadline.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgsqlms/clock.hpp"
#include "pgsqlms/pg/instance.hpp"
#include "pgsqlms/system/libpq.hpp"
#include "pgsqlms/system/user.hpp"

namespace pgsqlms::system {

/// Where the server listens, and as whom to connect.
struct Address {
  std::string host;
  std::string port;
  User user;
};

enum class SessionKind {
  Sql,
  DatabaseReplication,  ///< replication=database; pg_hba.conf's lines for databases apply since PostgreSQL 10
  PhysicalReplication,  ///< replication=true
};

/// A query that brought no rows: what it means for the server's contact, and the words for people.
struct QueryError {
  pg::Contact contact = pg::Contact::Denied;
  std::string detail;
};

/// The five characters of an SQLSTATE behind the severity, as in "FATAL:  53300: sorry, too many clients already";
/// empty if there are none. The severity is a word of the server's language.
[[nodiscard]] std::string_view sqlstate_in(std::string_view message);

class Connection {
 public:
  using Row = std::vector<std::optional<std::string>>;

  /// The rows of an answer, or why there are none.
  struct Reply {
    std::vector<Row> rows;
    std::optional<QueryError> error;
  };

  /// What came of connecting: a connection if, and only if, contact is Accepted.
  struct Attempt {
    pg::Contact contact = pg::Contact::NotListening;
    std::string detail;
    std::unique_ptr<Connection> connection;
  };

  /// Takes the database that lets it in. Over a unix socket, only a server of the address's user counts as one.
  [[nodiscard]] static Attempt open(const Address& address, SessionKind kind, Deadline deadline);

  /// A replication connection to where a primary_conninfo leads, as the walreceiver of a server of that user makes it,
  /// but under the agent's application_name, so that it passes for no standby.
  [[nodiscard]] static Attempt open_as_walreceiver(const std::string& conninfo, const User& user, Deadline deadline);

  /// Asks one question. A connection that broke or ran out of time cannot be used again.
  [[nodiscard]] Reply query(const std::string& sql, Deadline deadline);

  /// server_version_num: 150018 for 15.18.
  [[nodiscard]] int server_version() const { return libpq().server_version(session_.get()); }

  /// The process that listens on the other side; nothing over TCP.
  [[nodiscard]] std::optional<pid_t> postmaster_pid() const;

 private:
  struct Finish {
    void operator()(PGconn* session) const { libpq().finish(session); }
  };

  explicit Connection(PGconn* session) : session_(session) {}

  [[nodiscard]] Reply ask(const std::string& sql, Deadline deadline);

  std::unique_ptr<PGconn, Finish> session_;
};

}  // namespace pgsqlms::system
