// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/lock_file.hpp"

namespace pgsqlms::decision {

std::optional<std::string> reason_to_keep(const pg::LockFile& file) {
  const auto process = "process " + std::to_string(file.holder);
  if (file.in_use) return "its socket is in use";
  switch (file.kind) {
    case pg::LockHolder::Server: return process + " is a server";
    case pg::LockHolder::Hidden: return process + " cannot be looked at";
    case pg::LockHolder::Nobody:
    case pg::LockHolder::Stranger: break;
  }
  return std::nullopt;
}

std::string describe_leftover(const pg::LockFile& file) {
  if (file.kind == pg::LockHolder::Nobody) return "no process is named in it";
  return "process " + std::to_string(file.holder) + " is no server of this instance";
}

}  // namespace pgsqlms::decision
