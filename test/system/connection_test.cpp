// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/connection.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <thread>

#include "deadlines.hpp"
#include "scratch_instance.hpp"

namespace pgsqlms::system {
namespace {

using pg::Contact;
using test::BlockedRecovery;
using test::eventually;
using test::Frozen;
using test::in;
using test::Saturation;
using test::scratch_user;
using test::ScratchFolder;
using test::ScratchInstance;
using test::ScratchPair;
using test::Session;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

Address address_of(const ScratchInstance& instance) {
  const auto parameters = instance.parameters();
  return {parameters.pghost, parameters.pgport, scratch_user()};
}

Connection::Attempt open_to(const ScratchInstance& instance, Duration limit = 10s,
                            SessionKind kind = SessionKind::Sql) {
  return Connection::open(address_of(instance), kind, in(limit));
}

/// The first value of the answer.
std::string value_of(Connection& connection, const std::string& sql) {
  const auto reply = connection.query(sql, in(10s));
  return reply.error ? "error: " + reply.error->detail : reply.rows.at(0).at(0).value_or("NULL");
}

/// Everybody must be who the socket's other side is.
void allow_only(const ScratchInstance& instance, const std::string& line) {
  test::write_file(instance.data() + "/pg_hba.conf", line + "\n", 0600);
}

/// Listens where a server would, as the user if there is one, and answers each client with these bytes.
class Impostor {
 public:
  explicit Impostor(std::string answer, const User* user = &scratch_user())
      : answer_(std::move(answer)), listener_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, (folder_ / ".s.PGSQL.5432").c_str(), sizeof name.sun_path - 1);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) test::throw_errno("bind");
    if (chmod(name.sun_path, 0777) != 0) test::throw_errno("chmod");
    const bool is_other = user != nullptr && test::is_root();
    if (is_other && seteuid(user->uid) != 0) test::throw_errno("seteuid");  // whom the other side sees
    const int listens = listen(listener_, 10);
    if (is_other && seteuid(0) != 0) test::throw_errno("seteuid");
    if (listens != 0) test::throw_errno("listen");
    server_ = std::thread([this] { serve(); });
  }
  ~Impostor() {
    shutdown(listener_, SHUT_RDWR);
    server_.join();
    close(listener_);
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;

  [[nodiscard]] Address address() const { return {folder_.path(), "5432", scratch_user()}; }
  [[nodiscard]] std::string socket_name() const { return folder_ / ".s.PGSQL.5432"; }

 private:
  void serve() const {
    std::array<char, 1000> request{};
    for (int client = 0; (client = accept(listener_, nullptr, nullptr)) >= 0; close(client)) {
      if (answer_.empty()) continue;
      static_cast<void>(read(client, request.data(), request.size()));
      static_cast<void>(send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL));
    }
  }

  ScratchFolder folder_;
  std::string answer_;
  int listener_;
  std::thread server_;
};

/// A refusal as servers of protocol 3 send it.
std::string refusal(const std::string& sqlstate, const std::string& message) {
  const auto fields = std::string("SFATAL") + '\0' + "C" + sqlstate + '\0' + "M" + message + '\0' + '\0';
  const auto length = static_cast<char>(fields.size() + 4);
  return std::string("E\0\0\0", 4) + length + fields;
}

Contact contact_with(const Impostor& server) {
  return Connection::open(server.address(), SessionKind::Sql, in(5s)).contact;
}

TEST(ConnectionOpen, BelievesNobodyButTheInstancesUser) {
  if (!test::is_root()) GTEST_SKIP() << "there is no other user";
  const Impostor impostor(refusal("53300", "sorry"), nullptr);
  const auto attempt = Connection::open(impostor.address(), SessionKind::Sql, in(5s));
  EXPECT_EQ(attempt.contact, Contact::NotListening);
  EXPECT_EQ(attempt.detail, "the process at socket \"" + impostor.socket_name() + "\" runs as \"root\", not as \"" +
                                scratch_user().name + "\"");
  EXPECT_EQ(contact_with(Impostor(refusal("53300", "sorry"))), Contact::Saturated);
}

TEST(ConnectionOpen, TellsABrokenServerFromOneThatRefusesTheAgent) {
  for (const auto* const sqlstate : {"58P01", "58030", "XX000", "XX001", "XX002", "53000", "53100", "53200"}) {
    EXPECT_EQ(contact_with(Impostor(refusal(sqlstate, "trouble"))), Contact::Broken) << sqlstate;
  }
  for (const auto* const sqlstate : {"28000", "28P01", "42501", "3D000", "55000", "0A000", "P0001"}) {
    EXPECT_EQ(contact_with(Impostor(refusal(sqlstate, "no"))), Contact::Denied) << sqlstate;
  }
}

TEST(ConnectionOpen, TakesAServerThatCannotForkForFull) {
  const Impostor server(std::string("Ecould not fork new process for connection: no memory\n") + '\0');
  const auto attempt = Connection::open(server.address(), SessionKind::Sql, in(5s));
  EXPECT_EQ(attempt.contact, Contact::Saturated);
  EXPECT_NE(attempt.detail.find("could not fork new process"), std::string::npos) << attempt.detail;
}

TEST(ConnectionOpen, IsPatientWithAServerThatClosesWithoutAWord) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(contact_with(Impostor("")), Contact::NotYet);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 900ms) << "it was asked once only";
}

TEST(ConnectionOpen, TakesAnotherDatabaseWhereTheUsualOneDoesNotServe) {
  ScratchInstance instance;
  instance.start();
  instance.ask("CREATE DATABASE template1 TEMPLATE postgres");
  instance.ask("UPDATE pg_database SET datallowconn = false WHERE datname = 'postgres'");
  EXPECT_EQ(open_to(instance).contact, Contact::Accepted) << open_to(instance).detail;
  const auto other = instance.conninfo() + " dbname=template1";
  Session(other).ask("UPDATE pg_database SET datallowconn = true WHERE datname = 'postgres'");
  Session(other).ask("DROP DATABASE postgres");
  EXPECT_EQ(open_to(instance).contact, Contact::Accepted) << open_to(instance).detail;
  EXPECT_EQ(open_to(instance, 10s, SessionKind::DatabaseReplication).contact, Contact::Accepted);
}

TEST(ConnectionOpen, IsAcceptedByARunningServer) {
  ScratchInstance instance;
  instance.start();
  const auto attempt = open_to(instance);
  EXPECT_EQ(attempt.contact, Contact::Accepted);
  ASSERT_TRUE(attempt.connection) << attempt.detail;
  EXPECT_EQ(attempt.connection->server_version() / 10000, test::server_major());
  EXPECT_EQ(attempt.connection->postmaster_pid(), instance.postmaster());
}

TEST(ConnectionOpen, IsAcceptedWhereTheServerTrustsOnlyTheOwnerOfTheSocketsOtherSide) {
  ScratchInstance instance;
  allow_only(instance, "local all all peer");
  instance.launch();
  ASSERT_TRUE(instance.has_logged("ready to accept connections"));
  EXPECT_EQ(open_to(instance).contact, Contact::Accepted) << open_to(instance).detail;
}

TEST(ConnectionOpen, IsSaturatedWhenAllSlotsAreTakenThoseOfSuperusersToo) {
  ScratchInstance instance;
  const Saturation saturation(instance);
  const auto attempt = open_to(instance);
  EXPECT_EQ(attempt.contact, Contact::Saturated);
  EXPECT_NE(attempt.detail.find("sorry, too many clients already"), std::string::npos) << attempt.detail;
  EXPECT_FALSE(attempt.connection);
}

TEST(ConnectionOpen, IsNotYetPossibleDuringCrashRecovery) {
  ScratchInstance instance;
  const BlockedRecovery blocked(instance);
  instance.launch();
  ASSERT_TRUE(instance.has_logged("redo starts"));
  const auto attempt = open_to(instance);
  EXPECT_EQ(attempt.contact, Contact::NotYet) << attempt.detail;
  EXPECT_NE(attempt.detail.find("57P03"), std::string::npos) << attempt.detail;
}

TEST(ConnectionOpen, IsUnderstoodWhereTheServerSpeaksRussian) {
  ScratchInstance instance;
  const BlockedRecovery blocked(instance);
  const test::ForeignLanguage russian(instance, "ru_RU");
  instance.launch();
  Connection::Attempt attempt;
  EXPECT_TRUE(eventually([&] { return (attempt = open_to(instance)).contact == Contact::NotYet; })) << attempt.detail;
}

TEST(SqlstateIn, IsFoundBehindTheSeverityInAnyLanguage) {
  const std::string before = "connection to server on socket \"/run: :  /.s.PGSQL.5432\" failed: ";
  EXPECT_EQ(sqlstate_in(before + "FATAL:  53300: sorry, too many clients already"), "53300");
  EXPECT_EQ(sqlstate_in(before + "ВАЖНО:  57P03: система баз данных запускается"), "57P03");
  EXPECT_EQ(sqlstate_in(before + "致命错误:  28000: x"), "28000");
  EXPECT_EQ(sqlstate_in(before + "Connection refused"), "");
  EXPECT_EQ(sqlstate_in("FATAL:  53300"), "");
  EXPECT_EQ(sqlstate_in("FATAL:  no such: thing"), "");
}

TEST(ConnectionOpen, IsNotYetPossibleWhileAStandbyWaitsForItsFirstWal) {
  ScratchInstance instance;
  ASSERT_EQ(mkfifo((instance.folder() / "archive").c_str(), 0666), 0);
  instance.configure_recovery("restore_command = 'cat " + instance.folder() / "archive" + "'");
  instance.ask_for_recovery();
  instance.launch();
  ASSERT_TRUE(instance.has_logged("database system was shut down"));
  const auto attempt = open_to(instance);
  EXPECT_EQ(attempt.contact, Contact::NotYet) << attempt.detail;
}

TEST(ConnectionOpen, IsNotYetPossibleDuringAShutdown) {
  ScratchInstance instance;
  instance.start();
  const Session session(instance.conninfo());
  kill(instance.postmaster(), SIGTERM);
  ASSERT_TRUE(instance.has_logged("received smart shutdown request"));
  const auto attempt = open_to(instance);
  EXPECT_EQ(attempt.contact, Contact::NotYet);
  EXPECT_NE(attempt.detail.find("the database system is shutting down"), std::string::npos) << attempt.detail;
}

TEST(ConnectionOpen, IsDeniedWhereTheServerRejectsTheUser) {
  ScratchInstance instance;
  instance.start();
  allow_only(instance, "local all all reject");
  kill(instance.postmaster(), SIGHUP);
  ASSERT_TRUE(instance.has_logged("received SIGHUP"));
  const auto attempt = open_to(instance);
  EXPECT_EQ(attempt.contact, Contact::Denied);
  EXPECT_NE(attempt.detail.find("pg_hba.conf rejects connection"), std::string::npos) << attempt.detail;
  EXPECT_EQ(attempt.detail.find('\n'), std::string::npos);
}

TEST(ConnectionOpen, IsDeniedWhereThePasswordIsMissing) {
  ScratchInstance instance;
  allow_only(instance, "local all all scram-sha-256");
  instance.launch();
  ASSERT_TRUE(instance.has_logged("ready to accept connections"));
  const auto attempt = open_to(instance);
  EXPECT_FALSE(attempt.connection);
  EXPECT_EQ(attempt.contact, Contact::Denied) << attempt.detail;
}

TEST(ConnectionOpen, FindsNobodyWhereThereIsNoSocket) {
  const ScratchInstance instance;
  const auto attempt = open_to(instance);
  EXPECT_EQ(attempt.contact, Contact::NotListening);
  EXPECT_NE(attempt.detail.find("No such file or directory"), std::string::npos) << attempt.detail;
}

TEST(ConnectionOpen, FindsNobodyBehindTheSocketOfAKilledServer) {
  ScratchInstance instance;
  instance.start();
  instance.kill_server();
  const auto attempt = open_to(instance);
  EXPECT_EQ(attempt.contact, Contact::NotListening);
  EXPECT_NE(attempt.detail.find("Connection refused"), std::string::npos) << attempt.detail;
}

TEST(ConnectionOpen, FindsNobodyBehindAFreePort) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size), 0);
  // Bound, so that nobody else gets the port, and not listening.
  const Address address{"127.0.0.1", std::to_string(ntohs(name.sin_port)), scratch_user()};
  const auto attempt = Connection::open(address, SessionKind::Sql, in(10s));
  close(listener);
  EXPECT_EQ(attempt.contact, Contact::NotListening);
  EXPECT_NE(attempt.detail.find("Connection refused"), std::string::npos) << attempt.detail;
}

TEST(ConnectionOpen, GetsNoResponseFromAFrozenPostmasterWithinTheDeadline) {
  ScratchInstance instance;
  instance.start();
  const Frozen postmaster(instance.postmaster());
  const auto began = std::chrono::steady_clock::now();
  const auto attempt = open_to(instance, 300ms);
  EXPECT_EQ(attempt.contact, Contact::NoResponse);
  EXPECT_FALSE(attempt.detail.empty());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
}

TEST(ConnectionOpen, IsNotHeldUpWhereTheQueueOfTheSocketIsFull) {
  // What a frozen postmaster's socket comes to when clients keep trying: connect() itself does not return.
  const ScratchFolder folder;
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, (folder / ".s.PGSQL.5432").c_str(), sizeof name.sun_path - 1);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  ASSERT_EQ(chmod((folder / ".s.PGSQL.5432").c_str(), 0777), 0);
  const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  const auto began = std::chrono::steady_clock::now();
  const auto attempt = Connection::open({folder.path(), "5432", scratch_user()}, SessionKind::Sql, in(300ms));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  EXPECT_FALSE(attempt.connection);
  EXPECT_NE(attempt.contact, Contact::Accepted);
  EXPECT_FALSE(attempt.detail.empty());
  close(client);
  close(listener);
}

TEST(ConnectionQuery, AnswersRowsWithValuesAndNulls) {
  ScratchInstance instance;
  instance.start();
  const auto attempt = open_to(instance);
  const auto reply = attempt.connection->query("SELECT 1, NULL UNION ALL SELECT 2, ''", in(10s));
  ASSERT_FALSE(reply.error);
  ASSERT_EQ(reply.rows.size(), 2U);
  EXPECT_EQ(reply.rows[0], (Connection::Row{"1", std::nullopt}));
  EXPECT_EQ(reply.rows[1], (Connection::Row{"2", ""}));
}

TEST(ConnectionQuery, IsSafeFromTheSettingsOfItsRole) {
  ScratchInstance instance;
  instance.start();
  const auto role = scratch_user().name;
  instance.ask("CREATE SCHEMA trap");
  instance.ask("CREATE FUNCTION trap.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS 'SELECT true'");
  instance.ask("ALTER ROLE \"" + role + "\" SET search_path = trap, pg_catalog");
  instance.ask("ALTER ROLE \"" + role +
               "\" SET statement_timeout = 1");  // the last one: it stops every further question
  const auto attempt = open_to(instance);
  ASSERT_TRUE(attempt.connection) << attempt.detail;
  EXPECT_EQ(value_of(*attempt.connection, "SELECT pg_is_in_recovery()"), "f");
  EXPECT_EQ(value_of(*attempt.connection, "SHOW statement_timeout"), "1min");
  EXPECT_EQ(value_of(*attempt.connection, "SHOW application_name"), "pgsqlms");
}

TEST(ConnectionQuery, GetsNoResponseWhenTheAnswerTakesTooLong) {
  ScratchInstance instance;
  instance.start();
  const auto attempt = open_to(instance);
  const auto began = std::chrono::steady_clock::now();
  const auto reply = attempt.connection->query("SELECT pg_sleep(60)", in(200ms));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->contact, Contact::NoResponse);
}

TEST(ConnectionQuery, IsDeniedByAnErrorInTheQueryAndTellsItInOneLine) {
  ScratchInstance instance;
  instance.start();
  const auto attempt = open_to(instance);
  const auto reply = attempt.connection->query("SELECT no_such_function()", in(10s));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->contact, Contact::Denied);
  EXPECT_NE(reply.error->detail.find("no_such_function"), std::string::npos) << reply.error->detail;
  EXPECT_EQ(reply.error->detail.find('\n'), std::string::npos);
}

TEST(ConnectionQuery, IsDeniedByTheServersOwnStatementTimeout) {
  ScratchInstance instance;
  instance.start();
  const auto attempt = open_to(instance);
  value_of(*attempt.connection, "SELECT set_config('statement_timeout', '50', false)");
  const auto reply = attempt.connection->query("SELECT pg_sleep(60)", in(10s));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->contact, Contact::Denied);
  EXPECT_NE(reply.error->detail.find("57014"), std::string::npos) << reply.error->detail;
}

TEST(ConnectionQuery, FailsInTheServersWordsWhenTheBackendWasTerminated) {
  ScratchInstance instance;
  instance.start();
  const auto attempt = open_to(instance);
  const auto backend = value_of(*attempt.connection, "SELECT pg_backend_pid()");
  instance.ask("SELECT pg_terminate_backend(" + backend + ")");
  ASSERT_TRUE(test::wait_until_gone(std::stoi(backend)));
  const auto reply = attempt.connection->query("SELECT 1", in(10s));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->detail, "FATAL:  57P01: terminating connection due to administrator command");
}

TEST(ConnectionQuery, FindsNobodyWhenTheBackendWasKilled) {
  ScratchInstance instance;
  instance.start();
  const auto attempt = open_to(instance);
  const auto backend = std::stoi(value_of(*attempt.connection, "SELECT pg_backend_pid()"));
  kill(backend, SIGKILL);
  ASSERT_TRUE(test::wait_until_gone(backend));
  const auto reply = attempt.connection->query("SELECT 1", in(10s));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->contact, Contact::NotListening) << reply.error->detail;
}

TEST(ConnectionQuery, IdentifiesTheSystemThroughADatabaseReplicationSession) {
  ScratchInstance instance;
  instance.start();
  const auto attempt = open_to(instance, 10s, SessionKind::DatabaseReplication);
  ASSERT_TRUE(attempt.connection) << attempt.detail;
  const auto reply = attempt.connection->query("IDENTIFY_SYSTEM", in(10s));
  ASSERT_FALSE(reply.error);
  ASSERT_EQ(reply.rows.size(), 1U);
  EXPECT_EQ(reply.rows[0].at(1), "1");
}

}  // namespace
}  // namespace pgsqlms::system
