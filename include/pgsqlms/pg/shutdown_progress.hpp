// SPDX-License-Identifier: PostgreSQL
// ShutdownProgress: how far a server is that was asked to stop, and who keeps it from its end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgsqlms::pg {

enum class HolderKind {
  Consumer,   ///< a walsender of logical decoding: the server waits until its client has confirmed all
  WalSender,  ///< that of a standby, which gets the last record, or one of which nothing more is known
  Archiver,   ///< archives what is left, once all is written
  Session,    ///< a client's
};

/// A process of the server that its end may wait for.
struct Holder {
  HolderKind kind = HolderKind::Session;
  int pid = 0;
  std::string title;  ///< what it says of itself, for people
};

struct ShutdownProgress {
  bool is_written = false;  ///< pg_control says `shut down`: the data are whole, whatever else is still to come
  std::vector<Holder> holders;
  std::size_t unarchived = 0;  ///< WAL segments that are still to be archived
};

/// What a process title tells, such as "postgres: walsender repl 192.0.2.7(4711) streaming 0/3000060", with or without
/// a cluster_name. Nothing for the postmaster and the processes that end by themselves. A walsender that is connected
/// to a database decodes for a consumer, unless it says that it streams: no standby connects to one.
[[nodiscard]] std::optional<HolderKind> holder_kind(std::string_view title, bool is_in_database);

}  // namespace pgsqlms::pg
