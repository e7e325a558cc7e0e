// SPDX-License-Identifier: PostgreSQL
// Instance: the PostgreSQL instance that the resource stands for, and the facts it can tell.
//
// The only door to PostgreSQL. It gathers facts and carries out orders; it judges nothing. There is no general query:
// each question has its own method. Methods throw ocf::Failure where they cannot do what they say.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pgsqlms/clock.hpp"
#include "pgsqlms/pg/control_data.hpp"
#include "pgsqlms/pg/recovery_settings.hpp"
#include "pgsqlms/pg/replay.hpp"
#include "pgsqlms/pg/server_version.hpp"
#include "pgsqlms/pg/shutdown_progress.hpp"
#include "pgsqlms/pg/standby_options.hpp"
#include "pgsqlms/pg/timeline_history.hpp"
#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::pg {

/// How the server answered an attempt to connect.
enum class Contact {
  Accepted,  ///< a session was opened and told its role
  /// It is there but takes no sessions for now: starting, stopping, recovering (SQLSTATE 57P03), or it closes each
  /// connection without a word.
  NotYet,
  Saturated,     ///< it is there, and has no room for one more session (53300, or a process cannot be forked)
  Denied,        ///< it is there and does not let the agent in or answer: authentication, authorization, broken query
  Broken,        ///< it is there, and sessions fail of something inside: its files, its memory (53*, 58*, XX*)
  NoResponse,    ///< no answer in time
  NotListening,  ///< nobody, or somebody else's server, at that address
};

/// The server's processes. Postmaster and orphans exclude each other.
struct ServerProcesses {
  bool postmaster = false;
  std::size_t orphans = 0;  ///< processes of the server that outlived their postmaster
  /// The directory in which a server of this configuration and address works instead. Looked for only where no process
  /// works in the data directory.
  std::optional<std::string> elsewhere = {};
  std::optional<int> single_user_backend = {};  ///< the pid of a `postgres --single` in the data directory
  /// Why there may be a server though none was seen; for people, empty if there is none for sure or one was found.
  std::string unknown = {};
};

/// Whom a lock file names.
enum class LockHolder {
  Nobody,    ///< it is empty, or holds no pid
  Stranger,  ///< a living process that is no server of this instance, or a zombie
  Server,    ///< a server that has this data directory or this port
  Hidden,    ///< a living process that cannot be looked at
};

/// A lock file of PostgreSQL for which a server would refuse to start.
struct LockFile {
  std::string path;
  LockHolder kind = LockHolder::Nobody;
  int holder = 0;       ///< the pid in it
  bool in_use = false;  ///< somebody listens on the socket that belongs to it
};

/// Everything needed to tell an instance's state. Facts below `contact` are gathered only if the contact does not
/// already tell the role.
struct ProbeFacts {
  Contact contact = Contact::NotListening;
  std::string contact_detail;  ///< the server's or libpq's words, one line
  bool in_recovery = false;    ///< only if contact is Accepted
  bool data_directory = true;
  ServerProcesses processes;
  std::optional<ControlData> control;
  bool backup_label = false;
  bool standby_signal = false;  ///< standby.signal, recovery.signal or recovery.conf is there
  /// Of a server that is starting, and takes sessions once it can. PostgreSQL tells that since version 10.
  std::optional<Replay> replay = {};
};

/// What is installed and readable, as validation needs it.
struct Installation {
  bool system_user = false;
  bool pgdata = false;
  bool data_directory = false;
  std::optional<ServerVersion> version;
  std::optional<std::string> missing_program;  ///< full name of the first one that cannot be executed
  bool recovery_template = false;              ///< the template's file exists
};

/// Where a server of this configuration would work.
struct ServerDirectory {
  std::string path;
  bool is_own = true;  ///< it is the instance's data directory
};

/// The settings that a hot standby must have at least as high as the primary had them.
struct HotStandbySettings {
  std::map<std::string, int> required;    ///< as pg_control has them
  std::map<std::string, int> configured;  ///< the same in the configuration, where they could be lower
};

/// One row of pg_stat_replication.
struct WalSender {
  std::string application_name;
  std::string state;  ///< startup, catchup, streaming, backup or stopping
  std::optional<Lsn> written;
  std::optional<Lsn> replayed = std::nullopt;
  bool synchronous = false;  ///< one of those that commits wait for
  bool listed = false;       ///< in synchronous_standby_names, so that commits may wait for it once it streams
};

struct ReplicationStatus {
  Lsn current;  ///< the primary's own write position
  /// How long ago this instance was promoted, as the age of its timeline's history file; nothing if it never was.
  std::optional<std::chrono::seconds> since_promotion;
  std::vector<WalSender> walsenders;
  /// Where the present timeline begins; nothing on the first one.
  std::optional<Lsn> timeline_begin = {};
  bool is_partly_hidden = false;  ///< the agent's role may not see the states of walsenders that are not its own
};

/// What a running instance is and how far it is, as IDENTIFY_SYSTEM tells.
struct Identity {
  SystemIdentifier system_identifier = 0;
  WalPosition position;       ///< the replayed timeline and the greater of received and replayed LSN
  bool has_more_wal = false;  ///< it still replays its own pg_wal, which goes on after the position
};

/// A restore_command that has run for so long is taken for hanging: no archive takes that long for a segment of the WAL
/// that it will deliver.
inline constexpr std::chrono::seconds kHangingRestoreCommand(10);

class Instance {
 public:
  virtual ~Instance() = default;

  [[nodiscard]] virtual ProbeFacts probe(Deadline deadline) = 0;
  [[nodiscard]] virtual ServerProcesses processes() = 0;
  [[nodiscard]] virtual Installation installation() = 0;
  /// Nothing if pg_control cannot be read. Throws if that could not be found out.
  [[nodiscard]] virtual std::optional<ControlData> control_data(Deadline deadline) = 0;
  /// Whether a server is there at the instance's address, in whatever state; asked without any right.
  [[nodiscard]] virtual bool answers(Deadline deadline) = 0;
  /// From the running server, else from its configuration; for 11 and older from the template.
  [[nodiscard]] virtual RecoverySettings recovery_settings(const TemplateNames& names, Deadline deadline) = 0;
  /// From the configuration, the parameter start_opts included. Starts one of PostgreSQL's programs.
  [[nodiscard]] virtual ServerDirectory server_directory(Deadline deadline) = 0;
  /// The same; starts one for each setting.
  [[nodiscard]] virtual HotStandbySettings hot_standby_settings(Deadline deadline) = 0;
  /// What is configured and is_harmful() in a standby. From the running server if the agent may see its files, else
  /// from the configuration.
  [[nodiscard]] virtual std::vector<Setting> harmful_settings(const TemplateNames& names, Deadline deadline) = 0;
  /// The settings in the configuration files that the running server has not taken over, each with where it stands and
  /// why, for people. None where it does not run, or does not tell.
  [[nodiscard]] virtual std::vector<std::string> settings_not_in_force(Deadline deadline) = 0;
  /// Needs a primary that accepts connections.
  [[nodiscard]] virtual ReplicationStatus replication_status(Deadline deadline) = 0;
  /// Needs an instance that accepts connections. A standby that was restarted does not know how far its own WAL goes
  /// before it has replayed it.
  [[nodiscard]] virtual Identity identify(Deadline deadline) = 0;
  /// Of the server that primary_conninfo names, asked over a replication connection. Nothing if none answers, or if its
  /// host is a name that would have to be looked up.
  [[nodiscard]] virtual std::optional<SystemIdentifier> primary_system_identifier(const TemplateNames& names,
                                                                                  Deadline deadline) = 0;
  /// The timelines before this one. Empty also where the instance has no file that tells them.
  [[nodiscard]] virtual TimelineHistory timeline_history(Timeline timeline) = 0;
  /// Whether the local WAL has a record after a position at which one ends.
  [[nodiscard]] virtual bool has_wal_after(const WalPosition& position, Deadline deadline) = 0;
  /// Whether the last record before `end` in the local WAL is a shutdown checkpoint.
  [[nodiscard]] virtual bool ends_with_shutdown_checkpoint(const WalPosition& end, Deadline deadline) = 0;

  /// The setting synchronous_standby_names of a running instance; where no session tells, what is configured.
  [[nodiscard]] virtual std::string synchronous_standby_names(Deadline deadline) = 0;
  /// Whether a standby replays nothing, by hand or because it cannot. False where no session tells.
  [[nodiscard]] virtual bool is_replay_paused(Deadline deadline) = 0;
  /// Whether a standby has been asked to become a primary and has not begun to.
  [[nodiscard]] virtual bool is_promotion_requested() = 0;
  /// For how long recovery has waited for the restore_command that runs now. Nothing if it waits for none, where none
  /// can be overridden (before PostgreSQL 12), or where it may be recovery_end_command that runs.
  [[nodiscard]] virtual std::optional<std::chrono::seconds> restore_command_age(Deadline deadline) = 0;
  /// Those that keep a server from its start. PostgreSQL's own removal of leftovers is left to it.
  [[nodiscard]] virtual std::vector<LockFile> lock_files(Deadline deadline) = 0;
  /// For people: why the server that was started, or asked for its promotion, has ended, or what its startup process
  /// waits for. Empty if nothing tells.
  [[nodiscard]] virtual std::string trouble() = 0;

  virtual void checkpoint(Deadline deadline) = 0;
  /// Makes the next start one in standby mode: writes standby.signal, or recovery.conf from the template.
  virtual void configure_as_standby(const TemplateNames& names) = 0;
  /// Starts the server and returns when it takes sessions, or is consistent and takes none, or a hanging
  /// restore_command has used up half of the time; throws with the server's last words if it ends before. What no
  /// standby may have (standby_overrides()) is overridden, and `raised` as well: both win over the parameter start_opts
  /// and all files.
  virtual void start(const std::vector<Setting>& raised, Deadline deadline) = 0;
  /// Asks for a fast shutdown, or for the end of a single-user backend. Does not wait, but for an open session to tell
  /// who consumes WAL.
  virtual void request_stop(Deadline deadline) = 0;
  /// Of a server that was asked to stop.
  [[nodiscard]] virtual ShutdownProgress shutdown_progress(Deadline deadline) = 0;
  /// Asks one of its holders to end, if it is still there. An archiver does so once its command is through.
  virtual void ask_to_end(int pid) = 0;
  /// Ends a server at once whose shutdown checkpoint is written, archive_command included.
  virtual void abandon_archiving() = 0;
  /// Asks the standby to become a primary. Does not wait.
  virtual void request_promotion(Deadline deadline) = 0;
  /// Removes it, if it is still as it was found and still no process of the instance is there.
  virtual void remove_lock_file(const LockFile& file, Deadline deadline) = 0;
  /// Ends the processes that outlived their postmaster. Throws unless it is certain that none is left.
  virtual void end_orphans(Deadline deadline) = 0;
};

}  // namespace pgsqlms::pg
