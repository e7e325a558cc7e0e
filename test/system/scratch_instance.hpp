// SPDX-License-Identifier: PostgreSQL
// ScratchInstance: a real PostgreSQL instance for one test, in a folder of its own, reached through its own socket.
//
// Everything that it is made of (processes, files, shared memory) is gone when the object is.
#pragma once

#include <libpq-fe.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pgsqlms/ocf/parameters.hpp"
#include "pgsqlms/pg/recovery_settings.hpp"
#include "processes.hpp"
#include "scratch_folder.hpp"

namespace pgsqlms::test {

/// What a template of recovery.conf is filled with.
inline const pg::TemplateNames kTemplateNames{"host1.example.com", "srv1"};

/// The directory of the programs under test: what PGSQLMS_TEST_BINDIR names, else PostgreSQL 15's.
[[nodiscard]] std::string server_programs();
/// Their major version: 15.
[[nodiscard]] int server_major();
/// Since PostgreSQL 12 a standby is configured in postgresql.conf, and standby.signal makes it one; before, both is
/// what recovery.conf does.
[[nodiscard]] bool has_standby_signal();
/// Why a program is missing among those under test, where test/versions/fetch says that it is.
[[nodiscard]] std::optional<std::string> reason_for_missing(const std::string& program);

/// Makes a locale, such as fr_FR with UTF-8, in the folder. Processes for which LOCPATH names the folder find it there;
/// Debian has but the sources of locales.
void make_locale(const std::string& name, const std::string& folder);

/// A client's session with a scratch instance; closed with the object.
class Session {
 public:
  explicit Session(const std::string& conninfo);

  [[nodiscard]] bool is_open() const { return PQstatus(session_.get()) == CONNECTION_OK; }
  [[nodiscard]] std::string error() const { return PQerrorMessage(session_.get()); }
  [[nodiscard]] pid_t backend() const { return PQbackendPID(session_.get()); }
  /// The first value of the answer; throws if there is an error.
  std::string ask(const std::string& sql);
  /// Sends a command whose answer nobody waits for.
  void begin(const std::string& command) { PQsendQuery(session_.get(), command.c_str()); }

 private:
  struct Finish {
    void operator()(PGconn* session) const { PQfinish(session); }
  };
  std::unique_ptr<PGconn, Finish> session_;
};

class ScratchInstance {
 public:
  /// A primary, not started.
  ScratchInstance();
  ~ScratchInstance();
  ScratchInstance(const ScratchInstance&) = delete;
  ScratchInstance& operator=(const ScratchInstance&) = delete;

  [[nodiscard]] const ScratchFolder& folder() const { return folder_; }
  [[nodiscard]] std::string data() const { return folder_ / "data"; }
  [[nodiscard]] std::string log() const { return contents_of(log_file()); }
  [[nodiscard]] std::string log_file() const { return folder_ / "log"; }
  /// The parameters with which an agent finds this instance.
  [[nodiscard]] ocf::ResourceParameters parameters() const;
  /// For Session, and for primary_conninfo.
  [[nodiscard]] std::string conninfo() const;

  /// Appends a line to postgresql.conf.
  void configure(const std::string& line) const;
  /// Appends a line about recovery to where this version has it: postgresql.conf, or the template of recovery.conf,
  /// which it begins with `standby_mode` and `recovery_target_timeline`.
  void configure_recovery(const std::string& line) const;
  /// The file that makes the next start one as a standby: standby.signal, or recovery.conf.
  [[nodiscard]] std::string recovery_file() const;
  /// Writes that file, recovery.conf from its template.
  void ask_for_recovery() const;
  /// Makes it a standby of the primary, whose WAL receiver calls itself `name`.
  void follow(const ScratchInstance& primary, const std::string& name = "srv2") const;

  /// Starts the server and returns when it accepts connections.
  void start();
  /// Starts the server as a child of this process. Does not wait.
  void launch();
  /// Ends the server by a fast shutdown and waits until it is gone.
  void stop();
  /// Makes a running standby a primary and returns when it is one.
  void promote() const;
  /// Kills the postmaster and waits until all its processes are gone that leave by themselves.
  void kill_server();
  /// Kills the postmaster and waits until it is gone; its children may live on.
  void kill_postmaster();

  /// Kills the postmaster that launch() started and leaves it unreaped.
  void make_zombie() const { servers_.back()->make_zombie(); }

  /// The postmaster's pid, as postmaster.pid has it; 0 if there is none.
  [[nodiscard]] pid_t postmaster() const;
  /// The server process with that title ("walreceiver"); waits for it. Throws if there is none.
  [[nodiscard]] pid_t process(const std::string& title) const;
  /// The first value of the answer, in a session of its own.
  std::string ask(const std::string& sql) const;
  /// One value of pg_controldata.
  [[nodiscard]] std::string control(const std::string& label) const;
  /// Waits until the log has that text.
  [[nodiscard]] bool has_logged(const std::string& text) const;

 private:
  ScratchFolder folder_;
  std::vector<std::unique_ptr<Child>> servers_;
  std::set<pid_t> postmasters_;  ///< all that this object knows of
};

/// Starts the instance with so few connections that three sessions take all of them, those of superusers too, for as
/// long as the object lives.
class Saturation {
 public:
  explicit Saturation(ScratchInstance& instance);

 private:
  std::vector<std::unique_ptr<Session>> sessions_;
};

/// What the instance says is translated when it is started while the object lives.
class ForeignLanguage {
 public:
  /// `locale` is one of UTF-8, such as ru_RU.
  ForeignLanguage(const ScratchInstance& instance, const std::string& locale);
  ~ForeignLanguage();
  ForeignLanguage(const ForeignLanguage&) = delete;
  ForeignLanguage& operator=(const ForeignLanguage&) = delete;
};

/// A primary and a standby that streams from it and has all its WAL.
struct ScratchPair {
  /// The standby's WAL receiver calls itself `name`.
  explicit ScratchPair(const std::string& name = "srv2");

  /// Waits until the standby has replayed what the primary has written.
  void catch_up() const;

  ScratchInstance primary;
  ScratchInstance standby;
};

/// Freezes a process for as long as the object lives.
class Frozen {
 public:
  explicit Frozen(pid_t pid);
  ~Frozen();
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  pid_t pid_;
};

/// Makes the instance, stopped or not yet started, one whose next start stays in crash recovery until the object ends:
/// what it has to replay next is behind a FIFO that nobody writes to.
class BlockedRecovery {
 public:
  explicit BlockedRecovery(ScratchInstance& instance);
  ~BlockedRecovery();
  BlockedRecovery(const BlockedRecovery&) = delete;
  BlockedRecovery& operator=(const BlockedRecovery&) = delete;

 private:
  std::string segment_;
};

}  // namespace pgsqlms::test
