// SPDX-License-Identifier: PostgreSQL
//
// benchmark_floor: the least that any program must do that asks a server through libpq: connect, ask one question.
//   benchmark_floor CONNINFO

#include <libpq-fe.h>

#include <cstdio>
#include <memory>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: benchmark_floor CONNINFO\n", stderr);
    return 2;
  }
  const std::unique_ptr<PGconn, decltype(&PQfinish)> session(PQconnectdb(argv[1]), PQfinish);
  if (PQstatus(session.get()) != CONNECTION_OK) {
    std::fprintf(stderr, "benchmark_floor: %s", PQerrorMessage(session.get()));
    return 1;
  }
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(session.get(), "SELECT pg_is_in_recovery()"),
                                                             PQclear);
  return PQresultStatus(result.get()) == PGRES_TUPLES_OK ? 0 : 1;
}
