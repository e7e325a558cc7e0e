// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/shutdown.hpp"

#include <algorithm>

namespace pgsqlms::decision {
namespace {

using pg::HolderKind;

bool has(const pg::ShutdownProgress& progress, HolderKind kind) {
  return std::any_of(progress.holders.begin(), progress.holders.end(),
                     [&](const auto& holder) { return holder.kind == kind; });
}

/// The archiver lives until all others have ended, and is waited for by nobody before. One without work ends by itself.
bool is_archiving_all_that_is_left(const pg::ShutdownProgress& progress) {
  return progress.is_written && progress.unarchived > 0 &&
         std::all_of(progress.holders.begin(), progress.holders.end(),
                     [](const auto& holder) { return holder.kind == HolderKind::Archiver; });
}

}  // namespace

ShutdownStep next_step(const pg::ShutdownProgress& progress) {
  if (has(progress, HolderKind::Consumer)) return ShutdownStep::EndConsumers;
  const bool is_archiving = has(progress, HolderKind::Archiver) && is_archiving_all_that_is_left(progress);
  return is_archiving ? ShutdownStep::EndArchiving : ShutdownStep::Wait;
}

std::string describe_holders(const pg::ShutdownProgress& progress) {
  std::string described;
  for (const auto& holder : progress.holders) {
    if (holder.kind == HolderKind::Archiver && !is_archiving_all_that_is_left(progress)) continue;
    described.append(described.empty() ? "" : "; ").append(holder.title).append(", pid ");
    described.append(std::to_string(holder.pid));
    if (holder.kind == HolderKind::Archiver) {
      described.append(", ").append(std::to_string(progress.unarchived)).append(" WAL segments to go");
    }
  }
  return described;
}

}  // namespace pgsqlms::decision
