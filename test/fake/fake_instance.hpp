// SPDX-License-Identifier: PostgreSQL
// FakeInstance: a PostgreSQL instance in memory, with processes, pg_control, a role and a WAL position, that starts,
// stops, is promoted and dies in its own time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fake/fake_clock.hpp"
#include "pgsqlms/decision/instance_state.hpp"
#include "pgsqlms/pg/instance.hpp"

namespace pgsqlms::fake {

inline constexpr Duration kNever = std::chrono::hours(1000);

/// What a shutdown checkpoint's record takes in the WAL.
inline constexpr std::uint64_t kShutdownRecord = 0x78;

class FakeInstance : public pg::Instance {
 public:
  /// An instance in that state, on timeline 1. One that was up or crashed without a role is a primary.
  FakeInstance(FakeClock& clock, decision::InstanceState state);

  // ---- How it is. Tests arrange it and look at it.
  bool data_directory = true;
  bool postmaster = false;
  std::size_t orphans = 0;
  std::optional<std::string> elsewhere;  ///< where a server of this configuration works instead
  std::vector<pg::LockFile> left_locks;  ///< lock files that are in the way of a start
  std::optional<int> single_user_backend;
  std::string unknown;                     ///< why its processes cannot be seen
  bool primary = false;                    ///< the role of a running server
  std::optional<pg::ControlData> control;  ///< nothing if pg_control cannot be read
  bool backup_label = false;
  bool standby_signal = false;
  pg::WalPosition position{1, {0x3000000}};
  pg::TimelineHistory history;
  pg::SystemIdentifier system_identifier = 7;
  std::optional<pg::SystemIdentifier> primary_told;  ///< what the primary says of itself; nothing if none answers
  int looks_before_all_is_replayed = 0;              ///< so often it is found to have more WAL than it has replayed
  std::string synchronous;                           ///< synchronous_standby_names
  pg::Contact contact = pg::Contact::Accepted;       ///< how a server answers that is up and neither starts nor stops
  std::string contact_detail;
  pg::Installation installed;
  std::optional<pg::RecoverySettings> settings;  ///< nothing: those of a standby that is named as it should be
  pg::ServerDirectory directory;                 ///< where a server would work
  pg::HotStandbySettings hot_standby;            ///< lower ones keep it from its start
  std::vector<std::string> not_in_force;         ///< settings that the running server has not taken over
  std::vector<pg::Setting> harmful;              ///< what is configured and would do harm in a standby
  std::vector<pg::Setting> overrides;            ///< with which it was started last
  pg::ReplicationStatus replication;
  bool promotion_requested = false;  ///< somebody has asked for it, and the startup process has not taken it yet
  bool replay_paused = false;
  bool takes_no_sessions = false;  ///< as a standby, though its data are consistent
  bool replays = false;            ///< such a standby has not replayed all of its WAL
  int looks_before_sessions = 0;   ///< after so many probes it takes sessions; 0: never
  bool has_unreplayed_wal = false;
  std::optional<std::chrono::seconds> restore_command_runs;  ///< for how long its startup process has waited
  bool has_shutdown_record = false;                          ///< the last record of its WAL is a shutdown checkpoint

  // ---- How it will behave.
  Duration start_takes = std::chrono::milliseconds(300);
  Duration stop_takes = std::chrono::milliseconds(300);
  Duration checkpoint_takes{};
  Duration promotion_takes = std::chrono::milliseconds(300);
  std::optional<std::string> start_failure;  ///< the server's last words if it does not start
  std::string words;                         ///< what tells why it died or what its startup process waits for
  bool dies_while_starting = false;
  bool dies_while_promoted = false;
  bool stops_uncleanly = false;
  bool has_immortal_archiver = false;  ///< its command does not end
  std::vector<pg::Holder> holders;     ///< who keep it from its end once it is asked to stop
  bool has_immortal_orphans = false;
  bool replication_status_fails = false;
  bool knows_position = true;

  // ---- What was asked of it, in order.
  std::vector<std::string> orders;
  std::vector<std::string> questions;
  bool was_started_read_write = false;

  /// Whether it was started last with a setting of that name overridden.
  [[nodiscard]] bool is_overridden(const std::string& name) const;
  /// Stopped, with that state in pg_control; without standby.signal, as a primary leaves it.
  void be_stopped_with(pg::DbState state);

  [[nodiscard]] pg::ProbeFacts probe(Deadline deadline) override;
  [[nodiscard]] pg::ServerProcesses processes() override;
  [[nodiscard]] pg::Installation installation() override;
  [[nodiscard]] std::optional<pg::ControlData> control_data(Deadline deadline) override;
  [[nodiscard]] bool answers(Deadline deadline) override;
  [[nodiscard]] pg::RecoverySettings recovery_settings(const pg::TemplateNames& names, Deadline deadline) override;
  [[nodiscard]] pg::ServerDirectory server_directory(Deadline deadline) override;
  [[nodiscard]] pg::HotStandbySettings hot_standby_settings(Deadline deadline) override;
  [[nodiscard]] std::vector<pg::Setting> harmful_settings(const pg::TemplateNames& names, Deadline deadline) override;
  [[nodiscard]] std::vector<std::string> settings_not_in_force(Deadline deadline) override;
  [[nodiscard]] pg::ReplicationStatus replication_status(Deadline deadline) override;
  [[nodiscard]] pg::Identity identify(Deadline deadline) override;
  [[nodiscard]] std::optional<pg::SystemIdentifier> primary_system_identifier(const pg::TemplateNames& names,
                                                                              Deadline deadline) override;
  [[nodiscard]] pg::TimelineHistory timeline_history(pg::Timeline timeline) override;
  [[nodiscard]] bool has_wal_after(const pg::WalPosition& position, Deadline deadline) override;
  [[nodiscard]] bool ends_with_shutdown_checkpoint(const pg::WalPosition& end, Deadline deadline) override;
  [[nodiscard]] std::string synchronous_standby_names(Deadline deadline) override;

  [[nodiscard]] bool is_replay_paused(Deadline deadline) override;
  [[nodiscard]] bool is_promotion_requested() override;
  [[nodiscard]] std::optional<std::chrono::seconds> restore_command_age(Deadline deadline) override;

  [[nodiscard]] std::vector<pg::LockFile> lock_files(Deadline deadline) override;
  [[nodiscard]] std::string trouble() override;

  void checkpoint(Deadline deadline) override;
  void configure_as_standby(const pg::TemplateNames& names) override;
  void start(const std::vector<pg::Setting>& options, Deadline deadline) override;
  void request_stop(Deadline deadline) override;
  [[nodiscard]] pg::ShutdownProgress shutdown_progress(Deadline deadline) override;
  void ask_to_end(int pid) override;
  void abandon_archiving() override;
  void request_promotion(Deadline deadline) override;
  void remove_lock_file(const pg::LockFile& file, Deadline deadline) override;
  void end_orphans(Deadline deadline) override;

 private:
  enum class Task { Nothing, Start, Stop, Promotion };

  void schedule(Task what, Duration takes);
  /// Lets happen what is due by now.
  void settle();
  void finish_stop();
  [[nodiscard]] bool is_end_written() const;
  void finish_promotion();
  [[nodiscard]] pg::ServerProcesses found_processes() const;
  [[nodiscard]] bool is_held_up_by_archive() const;
  /// How a connection attempt ends now.
  [[nodiscard]] pg::Contact answer() const;
  /// A session, or a Failure that says why there is none.
  void connect(Deadline deadline);

  FakeClock& clock_;
  Task task_ = Task::Nothing;
  Clock::TimePoint due_;
  bool was_started_ = false;
};

}  // namespace pgsqlms::fake
