// SPDX-License-Identifier: PostgreSQL
// LocalInstance: the instance on this machine, through libpq, pg_ctl, pg_controldata and /proc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pgsqlms/ocf/parameters.hpp"
#include "pgsqlms/pg/instance.hpp"
#include "pgsqlms/system/connection.hpp"
#include "pgsqlms/system/replay_observer.hpp"
#include "pgsqlms/system/server_log.hpp"
#include "pgsqlms/system/server_processes.hpp"
#include "pgsqlms/system/signs_of_life.hpp"
#include "pgsqlms/system/subprocess.hpp"
#include "pgsqlms/system/user.hpp"

namespace pgsqlms::system {

class LocalInstance : public pg::Instance {
 public:
  explicit LocalInstance(ocf::ResourceParameters parameters);

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
  void start(const std::vector<pg::Setting>& raised, Deadline deadline) override;
  void request_stop(Deadline deadline) override;
  [[nodiscard]] pg::ShutdownProgress shutdown_progress(Deadline deadline) override;
  void ask_to_end(int pid) override;
  void abandon_archiving() override;
  void request_promotion(Deadline deadline) override;
  void remove_lock_file(const pg::LockFile& file, Deadline deadline) override;
  void end_orphans(Deadline deadline) override;

 private:
  [[nodiscard]] bool has_user();
  /// The user that the server belongs to, perhaps without its groups, and for sure with them.
  [[nodiscard]] const User& user();
  [[nodiscard]] const User& owner();
  [[nodiscard]] std::string no_such_user() const;
  [[nodiscard]] Address address();
  [[nodiscard]] std::string program(const std::string& name) const;
  [[nodiscard]] std::string wal_directory(bool has_wal_names) const;
  [[nodiscard]] std::vector<std::string> start_options() const;
  [[nodiscard]] std::optional<pg::ServerVersion> version() const;
  void remember_consumers(Deadline deadline);

  void contact(pg::ProbeFacts& facts, Deadline deadline);
  [[nodiscard]] std::string primary_conninfo(const pg::TemplateNames& names, Deadline deadline);
  [[nodiscard]] bool is_foreign(const Connection& connection, std::string& detail) const;
  [[nodiscard]] std::vector<Connection::Row> ask(const std::string& sql, Deadline deadline);
  [[nodiscard]] bool has_session(Deadline deadline);
  [[nodiscard]] bool has_own_session(Deadline deadline);
  [[nodiscard]] Traces traces();
  [[nodiscard]] Survey survey();
  [[nodiscard]] pg::ServerProcesses processes_in(const Survey& found);
  void resume_replay(Deadline deadline);
  [[noreturn]] void throw_occupied(const std::string& who, pid_t pid) const;
  [[nodiscard]] std::optional<pg::Identity> identify_system(Deadline deadline);
  [[nodiscard]] std::optional<pg::Identity> identify_system(SessionKind kind, Deadline deadline);
  [[nodiscard]] pg::Identity identify_by_sql(Deadline deadline);
  [[nodiscard]] bool may_have_more_wal(Deadline deadline);
  [[nodiscard]] std::optional<std::string> setting_by_sql(const std::string& name, Deadline deadline);
  [[nodiscard]] std::string setting(const std::string& name, Deadline deadline);
  [[nodiscard]] std::set<std::string> socket_directories(Deadline deadline);
  [[nodiscard]] std::string configured(const std::string& name, Deadline deadline);
  [[nodiscard]] std::vector<pg::Setting> overrides() const;
  [[nodiscard]] std::vector<pg::Setting> lines_of(const std::vector<pg::Setting>& settings, Deadline deadline);
  [[nodiscard]] std::string read_template(const pg::TemplateNames& names);
  [[nodiscard]] Command pg_ctl(const std::vector<std::string>& arguments);
  [[nodiscard]] std::string output_file() const;

  [[nodiscard]] std::string pid_file() const;
  /// What was seen of a server while it was starting.
  struct StartedServer {
    Deadline archive_patience;
    std::chrono::steady_clock::time_point next_look = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    std::optional<pg::ControlData> control = {};
  };
  [[nodiscard]] bool is_up(StartedServer& server, Deadline deadline);

  ocf::ResourceParameters parameters_;
  std::optional<User> user_;
  std::map<pid_t, std::string> consumers_;  ///< walsenders of logical decoding at the last request_stop(): what for
  std::unique_ptr<Connection> connection_;  ///< the SQL session of the last contact
  bool is_promoted_ = false;                ///< the server was asked to become a primary
  ReplayObserver replay_observer_;
  std::optional<ServerLog> log_;  ///< since the server was started or asked for its promotion
};

}  // namespace pgsqlms::system
