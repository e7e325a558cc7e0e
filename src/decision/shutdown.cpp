// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/decision/shutdown.hpp"

#include <algorithm>

namespace pgsqlms::decision {
namespace {

using pg::HolderKind;

bool is_consumer(const pg::Holder& holder) { return holder.kind == HolderKind::Consumer; }
bool is_archiver(const pg::Holder& holder) { return holder.kind == HolderKind::Archiver; }

/// The archiver lives until all others have ended, and is waited for by nobody before. One without work ends by itself.
bool is_archiving_all_that_is_left(const pg::ShutdownProgress& progress) {
  const auto& holders = progress.holders;
  return progress.is_written && progress.unarchived > 0 && !holders.empty() &&
         std::all_of(holders.begin(), holders.end(), is_archiver);
}

}  // namespace

ShutdownStep next_step(const pg::ShutdownProgress& progress) {
  const auto& holders = progress.holders;
  if (std::any_of(holders.begin(), holders.end(), is_consumer)) return ShutdownStep::EndConsumers;
  return is_archiving_all_that_is_left(progress) ? ShutdownStep::EndArchiving : ShutdownStep::Wait;
}

std::string describe_holders(const pg::ShutdownProgress& progress) {
  std::string described;
  const bool is_archiving = is_archiving_all_that_is_left(progress);
  for (const auto& holder : progress.holders) {
    if (is_archiver(holder) && !is_archiving) continue;
    described.append(described.empty() ? "" : "; ").append(holder.title).append(", pid ");
    described.append(std::to_string(holder.pid));
    if (is_archiver(holder)) {
      described.append(", ").append(std::to_string(progress.unarchived)).append(" WAL segments to go");
    }
  }
  return described;
}

}  // namespace pgsqlms::decision
