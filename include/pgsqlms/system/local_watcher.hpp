// SPDX-License-Identifier: PostgreSQL
// The watcher from both sides: LocalWatcher starts and ends that process, WatchDuty is its life until the server ends.
//
// The watcher is this program, run as `pgsqlms watch`, in a session of its own. It holds the lock of the data directory
// (WatchLock) and a pidfd of the postmaster, and nothing else: no connection, no log, no privilege.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pgsqlms/ocf/environment.hpp"
#include "pgsqlms/ocf/parameters.hpp"
#include "pgsqlms/pg/watcher.hpp"
#include "pgsqlms/system/process_identity.hpp"
#include "pgsqlms/system/watch_lock.hpp"

namespace pgsqlms::system {

/// The word on the command line. It is no action: Pacemaker never calls it.
inline constexpr const char* kWatch = "watch";

class LocalWatcher : public pg::Watcher {
 public:
  /// With an environment in which Pacemaker called the agent: what it says of the resource, the watcher is told.
  LocalWatcher(const ocf::ResourceParameters& parameters, const ocf::Environment& environment);

  void keep(Deadline deadline) override;
  void end(Deadline deadline) override;

 private:
  ocf::ResourceParameters parameters_;
  std::vector<std::string> environment_;
  WatchLock lock_;
};

class WatchDuty {
 public:
  /// Takes the lock, finds the server and gives all privileges up. Nothing if no server runs, or another process has
  /// the lock. Throws ocf::Failure where it cannot do its duty.
  [[nodiscard]] static std::optional<WatchDuty> take(const ocf::ResourceParameters& parameters,
                                                     const ocf::Environment& environment);

  [[nodiscard]] pid_t postmaster() const { return postmaster_; }
  [[nodiscard]] const ProcessEnd& end_of_server() const { return end_; }

 private:
  WatchDuty(WatchLock lock, const ProcessIdentity& postmaster)
      : lock_(std::move(lock)), postmaster_(postmaster.pid), end_(postmaster) {}

  WatchLock lock_;
  pid_t postmaster_;
  ProcessEnd end_;
};

}  // namespace pgsqlms::system
