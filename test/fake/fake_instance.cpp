// SPDX-License-Identifier: PostgreSQL
#include "fake/fake_instance.hpp"

#include <algorithm>

#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::fake {
namespace {

using decision::InstanceState;
using ocf::Failure;
using pg::Contact;
using pg::DbState;

constexpr int kVersion15 = 150000;

}  // namespace

FakeInstance::FakeInstance(FakeClock& clock, InstanceState state) : clock_(clock) {
  installed = {true, true, true, pg::ServerVersion{kVersion15}, std::nullopt, false};
  control = pg::ControlData{DbState::InProduction, position.lsn, position.timeline, 0, "replica", system_identifier};
  control->minimum_recovery = position.lsn;
  control->wal_segment_size = 16 << 20;
  postmaster = true;
  primary = true;
  switch (state) {
    case InstanceState::Primary: return;
    case InstanceState::Standby:
    case InstanceState::Pending:
    case InstanceState::Stopped:
    case InstanceState::CrashedStandby:
      primary = false;
      standby_signal = true;
      postmaster = state == InstanceState::Standby || state == InstanceState::Pending;
      takes_no_sessions = state == InstanceState::Pending;
      control->state = state == InstanceState::Stopped ? DbState::ShutDownInRecovery : DbState::InArchiveRecovery;
      return;
    case InstanceState::CrashedPrimary: postmaster = false; return;
    case InstanceState::Transitional:
      contact = Contact::NotYet;
      contact_detail = "the database system is starting up";
      return;
    case InstanceState::Unresponsive: contact = Contact::NoResponse; return;
    case InstanceState::Unreachable: contact = Contact::NotListening; return;
    case InstanceState::Misplaced:
      postmaster = false;
      elsewhere = "/srv/other";
      return;
    case InstanceState::Broken:
      contact = Contact::Broken;
      contact_detail = "could not open file";
      return;
    case InstanceState::SingleUser:
      postmaster = false;
      single_user_backend = 4711;
      return;
    case InstanceState::Unknown:
      postmaster = false;
      unknown = "process 4711 cannot be looked at: Permission denied";
      return;
    case InstanceState::Absent:
      data_directory = installed.data_directory = installed.pgdata = false;
      installed.version.reset();
      [[fallthrough]];
    case InstanceState::Damaged:
      postmaster = false;
      control.reset();
      return;
  }
}

void FakeInstance::be_stopped_with(DbState state) {
  postmaster = standby_signal = false;
  control->state = state;
}

void FakeInstance::schedule(Task what, Duration takes) {
  task_ = what;
  due_ = clock_.now() + takes;
}

void FakeInstance::settle() {
  if (task_ == Task::Nothing || clock_.now() < due_) return;
  if (task_ == Task::Stop && !holders.empty()) return;
  if (task_ == Task::Promotion && is_held_up_by_archive()) return;
  const auto what = task_;
  task_ = Task::Nothing;
  if (what == Task::Start) postmaster = !dies_while_starting;
  if (what == Task::Stop) finish_stop();
  if (what == Task::Promotion) finish_promotion();
}

void FakeInstance::finish_stop() {
  if (single_user_backend) return single_user_backend.reset();
  postmaster = false;
  if (stops_uncleanly || !control) return;
  control->state = primary ? DbState::ShutDown : DbState::ShutDownInRecovery;
  control->minimum_recovery = position.lsn;
  control->minimum_recovery_timeline = position.timeline;
  if (!primary) return;
  control->checkpoint = position.lsn;
  control->timeline = position.timeline;
  position.lsn.bytes += kShutdownRecord;
  has_shutdown_record = true;
}

void FakeInstance::finish_promotion() {
  if (dies_while_promoted) {
    postmaster = false;
    return;
  }
  primary = true;
  standby_signal = false;
  takes_no_sessions = false;
  control->state = DbState::InProduction;
  history[position.timeline] = position.lsn;
  ++position.timeline;
}

Contact FakeInstance::answer() const {
  if (!postmaster) return Contact::NotListening;
  if (task_ == Task::Start || task_ == Task::Stop) return Contact::NotYet;
  if ((is_held_up_by_archive() && was_started_) || (takes_no_sessions && !primary)) return Contact::NotYet;
  return contact;
}

/// Recovery gets nowhere as long as the archive does not answer.
bool FakeInstance::is_held_up_by_archive() const { return restore_command_runs && !is_overridden("restore_command"); }

bool FakeInstance::is_overridden(const std::string& name) const {
  return std::any_of(overrides.begin(), overrides.end(), [&](const auto& setting) { return setting.name == name; });
}

void FakeInstance::connect(Deadline deadline) {
  if (answer() == Contact::NoResponse) clock_.sleep(deadline.remaining());
  if (answer() != Contact::Accepted) throw Failure("no connection to the server: " + contact_detail);
}

pg::ProbeFacts FakeInstance::probe(Deadline deadline) {
  questions.emplace_back("probe");
  settle();
  if (looks_before_sessions > 0 && --looks_before_sessions == 0) takes_no_sessions = false;
  pg::ProbeFacts facts;
  facts.contact = answer();
  if (postmaster && deadline.expired()) facts.contact = Contact::NoResponse;
  facts.contact_detail = contact_detail;
  if (facts.contact == Contact::NoResponse) clock_.sleep(deadline.remaining());
  if (facts.contact == Contact::Accepted) {
    facts.in_recovery = !primary;
    return facts;
  }
  facts.data_directory = data_directory;
  facts.processes = found_processes();
  facts.control = control;
  facts.backup_label = backup_label;
  facts.standby_signal = standby_signal;
  if (takes_no_sessions && answer() == Contact::NotYet && !is_held_up_by_archive()) {
    facts.replay = pg::Replay{!replays, "000000010000000000000003", std::nullopt};
  }
  return facts;
}

pg::ServerProcesses FakeInstance::processes() {
  questions.emplace_back("processes");
  settle();
  return found_processes();
}

pg::ServerProcesses FakeInstance::found_processes() const {
  return {postmaster, orphans, elsewhere, single_user_backend, unknown};
}

pg::Installation FakeInstance::installation() {
  questions.emplace_back("installation");
  return installed;
}

std::optional<pg::ControlData> FakeInstance::control_data(Deadline /*deadline*/) {
  questions.emplace_back("control_data");
  settle();
  return control;
}

bool FakeInstance::answers(Deadline /*deadline*/) {
  settle();
  return answer() != Contact::NotListening;
}

pg::RecoverySettings FakeInstance::recovery_settings(const pg::TemplateNames& names, Deadline /*deadline*/) {
  questions.emplace_back("recovery_settings");
  return settings.value_or(pg::RecoverySettings{"on", "latest", names.node, ""});
}

pg::ServerDirectory FakeInstance::server_directory(Deadline /*deadline*/) {
  questions.emplace_back("server_directory");
  return directory;
}

pg::HotStandbySettings FakeInstance::hot_standby_settings(Deadline /*deadline*/) {
  questions.emplace_back("hot_standby_settings");
  return hot_standby;
}

std::vector<pg::Setting> FakeInstance::harmful_settings(const pg::TemplateNames& /*names*/, Deadline /*deadline*/) {
  questions.emplace_back("harmful_settings");
  return harmful;
}

std::vector<std::string> FakeInstance::settings_not_in_force(Deadline /*deadline*/) { return not_in_force; }

pg::ReplicationStatus FakeInstance::replication_status(Deadline deadline) {
  questions.emplace_back("replication_status");
  settle();
  connect(deadline);
  if (replication_status_fails) throw Failure("the server did not answer: canceling statement");
  return replication;
}

pg::Identity FakeInstance::identify(Deadline deadline) {
  questions.emplace_back("identify");
  settle();
  connect(deadline);
  if (!knows_position) throw Failure("the instance does not know its WAL position");
  return {system_identifier, position, looks_before_all_is_replayed-- > 0};
}

std::optional<pg::SystemIdentifier> FakeInstance::primary_system_identifier(const pg::TemplateNames& /*names*/,
                                                                            Deadline /*deadline*/) {
  questions.emplace_back("primary_system_identifier");
  return primary_told;
}

pg::TimelineHistory FakeInstance::timeline_history(pg::Timeline /*timeline*/) {
  questions.emplace_back("timeline_history");
  return history;
}

bool FakeInstance::has_wal_after(const pg::WalPosition& /*position*/, Deadline /*deadline*/) {
  questions.emplace_back("has_wal_after");
  return has_unreplayed_wal;
}

bool FakeInstance::ends_with_shutdown_checkpoint(const pg::WalPosition& end, Deadline /*deadline*/) {
  questions.emplace_back("ends_with_shutdown_checkpoint");
  return has_shutdown_record && end == position;
}

std::string FakeInstance::synchronous_standby_names(Deadline deadline) {
  questions.emplace_back("synchronous_standby_names");
  settle();
  if (!takes_no_sessions) connect(deadline);
  return synchronous;
}

bool FakeInstance::is_replay_paused(Deadline /*deadline*/) { return replay_paused; }

std::optional<std::chrono::seconds> FakeInstance::restore_command_age(Deadline /*deadline*/) {
  return is_held_up_by_archive() ? restore_command_runs : std::nullopt;
}

bool FakeInstance::is_promotion_requested() { return promotion_requested; }

std::vector<pg::LockFile> FakeInstance::lock_files(Deadline /*deadline*/) {
  questions.emplace_back("lock_files");
  return left_locks;
}

std::string FakeInstance::trouble() { return words; }

void FakeInstance::remove_lock_file(const pg::LockFile& file, Deadline /*deadline*/) {
  orders.emplace_back("remove " + file.path);
}

void FakeInstance::checkpoint(Deadline deadline) {
  orders.emplace_back("checkpoint");
  settle();
  connect(deadline);
  clock_.sleep(std::min(checkpoint_takes, deadline.remaining()));
  if (deadline.expired()) throw Failure("the server did not answer in time");
  control->checkpoint = position.lsn;
}

void FakeInstance::configure_as_standby(const pg::TemplateNames& /*names*/) {
  orders.emplace_back("configure as standby");
  if (!data_directory) throw Failure("no data directory to write to");
  standby_signal = true;
}

void FakeInstance::start(const std::vector<pg::Setting>& raised, Deadline /*deadline*/) {
  orders.emplace_back("start");
  overrides = pg::standby_overrides(installed.version.value_or(pg::ServerVersion{}));
  overrides.insert(overrides.end(), raised.begin(), raised.end());
  settle();
  if (postmaster || orphans > 0 || !control) throw Failure("start failed: FATAL:  the data directory is not free");
  if (start_failure) throw Failure("start failed: " + *start_failure);
  for (const auto& low : pg::find_low_settings(hot_standby.configured, hot_standby.required)) {
    if (!is_overridden(low.name))
      throw Failure("start failed: FATAL:  recovery aborted because of insufficient parameter settings");
  }
  postmaster = true;
  was_started_ = true;
  promotion_requested = false;  // as a postmaster does at its start
  primary = !standby_signal;
  was_started_read_write = was_started_read_write || primary;
  control->state = primary ? DbState::InProduction : DbState::InArchiveRecovery;
  // What was wrong with the former server's processes went with them; what is wrong with the settings stays.
  if (contact != Contact::NotListening && contact != Contact::Denied) contact = Contact::Accepted;
  schedule(Task::Start, start_takes);
}

void FakeInstance::request_stop(Deadline /*deadline*/) {
  orders.emplace_back("stop");
  schedule(Task::Stop, stop_takes);
}

pg::ShutdownProgress FakeInstance::shutdown_progress(Deadline /*deadline*/) {
  questions.emplace_back("shutdown_progress");
  settle();
  pg::ShutdownProgress progress;
  progress.is_written = is_end_written();
  progress.holders = holders;
  progress.unarchived = 44;
  return progress;
}

/// Before the archiver's turn everybody else has left.
bool FakeInstance::is_end_written() const {
  return task_ == Task::Stop && clock_.now() >= due_ &&
         std::all_of(holders.begin(), holders.end(),
                     [](const auto& holder) { return holder.kind == pg::HolderKind::Archiver; });
}

void FakeInstance::ask_to_end(int pid) {
  orders.emplace_back("ask to end " + std::to_string(pid));
  const auto ends = [&](const auto& holder) {
    return holder.pid == pid && !(holder.kind == pg::HolderKind::Archiver && has_immortal_archiver);
  };
  holders.erase(std::remove_if(holders.begin(), holders.end(), ends), holders.end());
}

void FakeInstance::abandon_archiving() {
  orders.emplace_back("abandon archiving");
  stops_uncleanly = !is_end_written();
  holders.clear();
}

void FakeInstance::request_promotion(Deadline /*deadline*/) {
  orders.emplace_back("promote");
  settle();
  if (!postmaster || primary) throw Failure("there is no standby to promote");
  schedule(Task::Promotion, promotion_takes);
}

void FakeInstance::end_orphans(Deadline deadline) {
  settle();
  if (!unknown.empty()) throw Failure("whether a server runs in \"/data\" cannot be told: " + unknown);
  if (postmaster || orphans == 0) return;
  orders.emplace_back("end orphans");
  if (has_immortal_orphans) {
    clock_.sleep(deadline.remaining());
    throw Failure(std::to_string(orphans) + " server processes are left");
  }
  orphans = 0;
}

}  // namespace pgsqlms::fake
