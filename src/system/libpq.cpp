// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/libpq.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::system {
namespace {

/// The same since PostgreSQL 8.3.
constexpr const char* kLibrary = "libpq.so.5";

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));  // NOLINT(*-reinterpret-cast): there is no other way
  if (function == nullptr) throw ocf::Failure(std::string(kLibrary) + " has no function " + name);
}

Libpq load() {
  void* const library = dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) throw ocf::Failure(std::string("libpq cannot be loaded: ") + dlerror());
  Libpq functions;
  find(library, "PQclear", functions.clear);
  find(library, "PQconnectPoll", functions.connect_poll);
  find(library, "PQconnectStartParams", functions.connect_start_params);
  find(library, "PQconnectionNeedsPassword", functions.connection_needs_password);
  find(library, "PQconninfoFree", functions.conninfo_free);
  find(library, "PQconninfoParse", functions.conninfo_parse);
  find(library, "PQconsumeInput", functions.consume_input);
  find(library, "PQerrorMessage", functions.error_message);
  find(library, "PQfinish", functions.finish);
  find(library, "PQfreemem", functions.freemem);
  find(library, "PQgetResult", functions.get_result);
  find(library, "PQgetisnull", functions.getisnull);
  find(library, "PQgetvalue", functions.getvalue);
  find(library, "PQisBusy", functions.is_busy);
  find(library, "PQnfields", functions.nfields);
  find(library, "PQntuples", functions.ntuples);
  find(library, "PQpingParams", functions.ping_params);
  find(library, "PQresultErrorField", functions.result_error_field);
  find(library, "PQresultErrorMessage", functions.result_error_message);
  find(library, "PQresultStatus", functions.result_status);
  find(library, "PQsendQuery", functions.send_query);
  find(library, "PQserverVersion", functions.server_version);
  find(library, "PQsetErrorVerbosity", functions.set_error_verbosity);
  find(library, "PQsocket", functions.socket);
  find(library, "PQstatus", functions.status);
  return functions;
}

bool proves_identity(std::string_view name) {
  constexpr std::string_view kKept[] = {"PGPASSFILE", "PGPASSWORD",    "PGSSLCERT",
                                        "PGSSLKEY",   "PGSSLROOTCERT", "PGKRBSRVNAME"};
  return std::find(std::begin(kKept), std::end(kKept), name) != std::end(kKept);
}

}  // namespace

OwnSettings::OwnSettings() {
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    if (equals == std::string_view::npos || name.substr(0, 2) != "PG" || proves_identity(name)) continue;
    former_.emplace_back(name, text.substr(equals + 1));
  }
  for (const auto& [name, value] : former_) unsetenv(name.c_str());
}

OwnSettings::~OwnSettings() {
  for (const auto& [name, value] : former_) setenv(name.c_str(), value.c_str(), 1);
}

std::vector<std::string> variables_for_clients() {
  return {"PGHOST",
          "PGHOSTADDR",
          "PGPORT",
          "PGDATABASE",
          "PGUSER",
          "PGSERVICE",
          "PGOPTIONS",
          "PGAPPNAME",
          "PGDATA",
          "PGREQUIREPEER",
          "PGTARGETSESSIONATTRS",
          "PGLOADBALANCEHOSTS",
          "PGCLIENTENCODING",
          "PGDATESTYLE",
          "PGTZ",
          "PGGEQO",
          "PGCONNECT_TIMEOUT"};
}

const Libpq& libpq() {
  static const Libpq functions = load();
  return functions;
}

}  // namespace pgsqlms::system
