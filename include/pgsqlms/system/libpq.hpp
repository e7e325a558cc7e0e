// SPDX-License-Identifier: PostgreSQL
// Libpq: the functions of libpq that the agent calls, loaded when the first of them is needed.
//
// libpq brings some 25 libraries along (TLS, Kerberos, LDAP). To load them takes longer than everything else that the
// agent does, and most of its runs, notifications above all, never speak to a server.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <utility>
#include <vector>

namespace pgsqlms::system {

/// Each member is the function PQ... of this name; what it does stands in PostgreSQL's documentation.
struct Libpq {
  decltype(&PQclear) clear = nullptr;
  decltype(&PQconnectPoll) connect_poll = nullptr;
  decltype(&PQconnectStartParams) connect_start_params = nullptr;
  decltype(&PQconnectionNeedsPassword) connection_needs_password = nullptr;
  decltype(&PQconninfoFree) conninfo_free = nullptr;
  decltype(&PQconninfoParse) conninfo_parse = nullptr;
  decltype(&PQconsumeInput) consume_input = nullptr;
  decltype(&PQerrorMessage) error_message = nullptr;
  decltype(&PQfinish) finish = nullptr;
  decltype(&PQfreemem) freemem = nullptr;
  decltype(&PQgetResult) get_result = nullptr;
  decltype(&PQgetisnull) getisnull = nullptr;
  decltype(&PQgetvalue) getvalue = nullptr;
  decltype(&PQisBusy) is_busy = nullptr;
  decltype(&PQnfields) nfields = nullptr;
  decltype(&PQntuples) ntuples = nullptr;
  decltype(&PQpingParams) ping_params = nullptr;
  decltype(&PQresultErrorField) result_error_field = nullptr;
  decltype(&PQresultErrorMessage) result_error_message = nullptr;
  decltype(&PQresultStatus) result_status = nullptr;
  decltype(&PQsendQuery) send_query = nullptr;
  decltype(&PQserverVersion) server_version = nullptr;
  decltype(&PQsetErrorVerbosity) set_error_verbosity = nullptr;
  decltype(&PQsocket) socket = nullptr;
  decltype(&PQstatus) status = nullptr;
};

/// Loads the library at the first call and keeps it. Throws ocf::Failure if it cannot be loaded.
[[nodiscard]] const Libpq& libpq();

/// Takes what is meant for clients out of this process's environment for as long as the object lives: where to connect,
/// as whom, with which demands and settings. What proves who one is stays: passwords, certificates, keys.
class OwnSettings {
 public:
  OwnSettings();
  ~OwnSettings();
  OwnSettings(const OwnSettings&) = delete;
  OwnSettings& operator=(const OwnSettings&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> former_;
};

/// The variables of that kind that a server must not inherit, since its own clients (a walreceiver) would obey them, or
/// it itself. Those for the safety of connections are not among them, nor those that show where certificates and
/// services are.
[[nodiscard]] std::vector<std::string> variables_for_clients();

}  // namespace pgsqlms::system
