// SPDX-License-Identifier: PostgreSQL
#include "scratch_instance.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "deadlines.hpp"
#include "pgsqlms/system/server_output.hpp"
#include "pgsqlms/system/server_processes.hpp"
#include "pgsqlms/system/subprocess.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPort = "5432";

/// Fast to start and small, nothing on the network, nothing outside the scratch folder. What durability would cost is
/// not the subject of these tests.
constexpr const char* kSettings = R"(
listen_addresses = ''
port = 5432
fsync = off
shared_buffers = 4MB
dynamic_shared_memory_type = mmap
max_connections = 20
max_wal_senders = 4
max_worker_processes = 2
max_logical_replication_workers = 0
autovacuum = off
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 100ms
log_line_prefix = '%m [%p] '
)";

/// Returns what the program prints.
std::string run_or_throw(std::vector<std::string> arguments, const system::User* user) {
  system::Command command;
  command.arguments = std::move(arguments);
  command.user = user;
  auto outcome = system::run(command, in(60s));
  if (!outcome.succeeded()) throw std::runtime_error(command.arguments[0] + ": " + outcome.out + outcome.err);
  return std::move(outcome.out);
}

const system::User* user_for_child() { return is_root() ? &scratch_user() : nullptr; }

void make_template(const std::string& data) {
  run_or_throw({server_programs() + "/initdb", "--pgdata=" + data, "--username=" + scratch_user().name, "--auth=trust",
                "--no-sync", "--locale=C", "--encoding=UTF8"},
               user_for_child());
  append_to_file(data + "/postgresql.conf", kSettings);
  const auto order = [&](const char* what) {
    run_or_throw({server_programs() + "/pg_ctl", "--pgdata=" + data, "--log=/dev/null", "-w", what, "-o",
                  "-c max_wal_senders=1 -c unix_socket_directories=" + data},
                 user_for_child());
  };
  // pg_control must know the small numbers: a standby refuses to have less than its primary last had.
  order("start");
  {
    Session session("host=" + data + " port=" + kPort + " dbname=postgres user=" + scratch_user().name);
    // Nobody asks them, and they are two files in three of what is copied for each instance.
    session.ask("UPDATE pg_database SET datistemplate = false");
    for (const auto* const database : {"template0", "template1"}) session.ask(std::string("DROP DATABASE ") + database);
  }
  order("stop");
}

/// Keeps other processes of these tests out of the folder for as long as the object lives.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : file_(open((folder + "/template.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (file_ >= 0) flock(file_, LOCK_EX);
  }
  ~FolderLock() { close(file_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  [[nodiscard]] bool is_held() const { return file_ >= 0; }

 private:
  int file_;
};

/// What the server says of itself: "11.22", "15.18 (Debian 15.18-1)".
const std::string& full_version() {
  static const std::string version = [] {
    // postgres (PostgreSQL) 11.22
    const auto text = run_or_throw({server_programs() + "/postgres", "--version"}, user_for_child());
    const auto at = text.find(") ");
    if (at == std::string::npos) throw std::runtime_error(server_programs() + "/postgres has no version: " + text);
    return std::string(trimmed(text.substr(at + 2)));
  }();
  return version;
}

/// A data directory right after initdb, to be copied. Kept in the build folder between the tests' processes where it
/// can be written to; else made once for this process.
const std::string& template_directory() {
  static std::unique_ptr<ScratchFolder> own;
  static const std::string directory = [] {
    const std::string cache = PGSQLMS_TEST_CACHE;
    const auto kept = cache + "/template-" + full_version().substr(0, full_version().find(' '));
    const FolderLock lock(cache);
    if (lock.is_held() && fs::exists(kept)) return kept;
    own = std::make_unique<ScratchFolder>();
    make_template(*own / "data");
    if (!lock.is_held()) return *own / "data";
    run_or_throw({"/bin/cp", "-a", *own / "data", kept + ".new"}, nullptr);
    own.reset();
    fs::rename(kept + ".new", kept);
    return kept;
  }();
  return directory;
}

/// The lines of postmaster.pid.
std::vector<std::string> postmaster_file(const std::string& data) {
  std::vector<std::string> lines;
  const auto text = contents_of(data + "/postmaster.pid");
  for (const auto line : split(text, "\n")) lines.emplace_back(line);
  return lines;
}

/// Killed postmasters leave their System V shared memory behind.
void remove_shared_memory_of(const std::set<pid_t>& creators) {
  const auto table = contents_of("/proc/sysvipc/shm");
  for (const auto line : split(table, "\n")) {
    const auto columns = words(line);  // key shmid perms size cpid lpid nattch ...
    if (columns.size() < 7 || columns[6] != "0") continue;
    const auto id = parse_number<int>(columns[1]);
    const auto creator = parse_number<pid_t>(columns[4]);
    if (id && creator && creators.count(*creator) > 0) shmctl(*id, IPC_RMID, nullptr);
  }
}

/// The title without a cluster_name: "postgres: srv1: walreceiver streaming 0/3000060" is "walreceiver streaming ...".
bool has_title(pid_t pid, const std::string& title) {
  const auto command = contents_of("/proc/" + std::to_string(pid) + "/cmdline");
  return command.compare(0, 10, "postgres: ") == 0 && command.find(": " + title) != std::string::npos;
}

[[noreturn]] void give_up(const std::string& what, const ScratchInstance& instance) {
  constexpr std::size_t kEnough = 2000;
  const auto log = instance.log();
  throw std::runtime_error(what + ":\n" + log.substr(log.size() - std::min(log.size(), kEnough)));
}

}  // namespace

std::string server_programs() {
  const char* const named = std::getenv("PGSQLMS_TEST_BINDIR");
  return named != nullptr ? named : "/usr/lib/postgresql/15/bin";
}

int server_major() { return std::stoi(full_version()); }

bool has_standby_signal() { return server_major() >= 12; }

std::optional<std::string> reason_for_missing(const std::string& program) {
  const auto notes = contents_of(server_programs() + "/notes");
  for (const auto line : split(notes, "\n")) {
    if (line.substr(0, 9 + program.size()) != "missing " + program + ":") continue;
    return "PostgreSQL " + std::to_string(server_major()) + " here has no " + std::string(line.substr(8));
  }
  return std::nullopt;
}

void make_locale(const std::string& name, const std::string& folder) {
  run_or_throw({"/usr/bin/localedef", "--no-archive", "-i", name, "-f", "UTF-8", folder + "/" + name + ".UTF-8"},
               nullptr);
}

Session::Session(const std::string& conninfo) : session_(PQconnectdb(conninfo.c_str())) {}

std::string Session::ask(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(session_.get(), sql.c_str()), PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) throw std::runtime_error(sql + ": " + error());
  return PQntuples(result.get()) > 0 && PQnfields(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

ScratchInstance::ScratchInstance() {
  adopt_orphans();
  run_or_throw({"/bin/cp", "-a", "--sparse=always", template_directory(), data()}, nullptr);
  configure("unix_socket_directories = '" + folder_.path() + "'");
}

ScratchInstance::~ScratchInstance() {
  // An immediate shutdown lets the server remove its shared memory itself.
  const auto pid = postmaster();
  if (pid > 0 && system::served_directory(pid) == data()) {
    postmasters_.insert(pid);
    kill(pid, SIGCONT);
    kill(pid, SIGQUIT);
    static_cast<void>(wait_until_gone(pid, 2s));
  }
  for (const auto left : processes_in(folder_.path())) postmasters_.insert(left);
  end_processes_in(folder_.path());
  remove_shared_memory_of(postmasters_);
  fs::remove(system::output_file_of(data(), data()));
}

ocf::ResourceParameters ScratchInstance::parameters() const {
  auto parameters = ocf::read_parameters({{"OCF_RESKEY_pgdata", data()}});
  parameters.system_user = scratch_user().name;
  parameters.bindir = server_programs();
  parameters.pghost = folder_.path();
  parameters.pgport = kPort;
  return parameters;
}

std::string ScratchInstance::conninfo() const {
  return "host=" + folder_.path() + " port=" + kPort + " user=" + scratch_user().name + " dbname=postgres";
}

void ScratchInstance::configure(const std::string& line) const {
  append_to_file(data() + "/postgresql.conf", line + "\n");
}

void ScratchInstance::configure_recovery(const std::string& line) const {
  if (has_standby_signal()) return configure(line);
  const auto path = data() + "/recovery.conf.pcmk";
  if (!fs::exists(path)) write_file(path, "standby_mode = on\nrecovery_target_timeline = 'latest'\n");
  append_to_file(path, line + "\n");
}

std::string ScratchInstance::recovery_file() const {
  return data() + (has_standby_signal() ? "/standby.signal" : "/recovery.conf");
}

void ScratchInstance::ask_for_recovery() const {
  configure_recovery("");
  write_file(recovery_file(), has_standby_signal() ? "" : contents_of(data() + "/recovery.conf.pcmk"), 0600);
}

void ScratchInstance::follow(const ScratchInstance& primary, const std::string& name) const {
  configure_recovery("primary_conninfo = 'host=" + primary.folder().path() + " port=" + kPort +
                     " user=" + scratch_user().name + " application_name=" + name + "'");
  ask_for_recovery();
}

void ScratchInstance::launch() {
  Start start;
  start.arguments = {server_programs() + "/postgres", "-D", data()};
  start.user = user_for_child();
  start.output = log_file();
  servers_.push_back(std::make_unique<Child>(start));
  postmasters_.insert(servers_.back()->pid());
}

void ScratchInstance::start() {
  launch();
  const auto pid = servers_.back()->pid();
  const bool accepts = eventually([&] { return !is_alive(pid) || Session(conninfo()).is_open(); });
  if (!accepts || !is_alive(pid)) give_up("the scratch instance does not start", *this);
}

void ScratchInstance::stop() {
  const auto pid = postmaster();
  kill(pid, SIGINT);
  if (!wait_until_gone(pid)) give_up("the scratch instance does not stop", *this);
}

void ScratchInstance::promote() const {
  run_or_throw({server_programs() + "/pg_ctl", "--pgdata=" + data(), "-w", "promote"}, user_for_child());
  if (!eventually([&] { return ask("SELECT pg_is_in_recovery()") == "f"; })) give_up("it is not promoted", *this);
}

void ScratchInstance::kill_postmaster() {
  const auto pid = postmaster();
  postmasters_.insert(pid);
  kill(pid, SIGKILL);
  if (!wait_until_gone(pid)) throw std::runtime_error("the postmaster cannot be killed");
}

void ScratchInstance::kill_server() {
  kill_postmaster();
  const auto is_gone = [&] { return system::find_server_processes(data()).empty(); };
  if (!eventually(is_gone)) throw std::runtime_error("the killed server leaves processes behind");
}

pid_t ScratchInstance::postmaster() const {
  const auto lines = postmaster_file(data());
  return lines.empty() ? 0 : parse_number<pid_t>(lines[0]).value_or(0);
}

pid_t ScratchInstance::process(const std::string& title) const {
  pid_t found = 0;
  const bool is_there = eventually([&] {
    for (const auto pid : processes_in(data())) {
      if (has_title(pid, title)) found = pid;
    }
    return found != 0;
  });
  if (!is_there) give_up("there is no " + title + " process", *this);
  return found;
}

std::string ScratchInstance::ask(const std::string& sql) const {
  Session session(conninfo());
  if (!session.is_open()) throw std::runtime_error(session.error());
  return session.ask(sql);
}

std::string ScratchInstance::control(const std::string& label) const {
  const auto text = run_or_throw({server_programs() + "/pg_controldata", data()}, nullptr);
  for (const auto line : split(text, "\n")) {
    if (line.substr(0, label.size() + 1) == label + ":") return std::string(trimmed(line.substr(label.size() + 1)));
  }
  throw std::runtime_error("pg_controldata does not say " + label + ": " + text);
}

bool ScratchInstance::has_logged(const std::string& text) const {
  return eventually([&] { return log().find(text) != std::string::npos; });
}

ForeignLanguage::ForeignLanguage(const ScratchInstance& instance, const std::string& locale) {
  make_locale(locale, instance.folder().path());
  instance.configure("lc_messages = '" + locale + ".UTF-8'");
  setenv("LOCPATH", instance.folder().path().c_str(), 1);
}

ForeignLanguage::~ForeignLanguage() { unsetenv("LOCPATH"); }

Saturation::Saturation(ScratchInstance& instance) {
  // Until PostgreSQL 11 walsenders were counted among the connections.
  instance.configure("max_connections = 3\nsuperuser_reserved_connections = 1\nmax_wal_senders = 1");
  instance.start();
  // The session with which start() saw that the server accepts may still be on its way out.
  const bool is_full = eventually([&] {
    auto session = std::make_unique<Session>(instance.conninfo());
    if (session->is_open()) sessions_.push_back(std::move(session));
    return sessions_.size() == 3;
  });
  if (!is_full) throw std::runtime_error("the instance cannot be saturated");
}

ScratchPair::ScratchPair(const std::string& name) {
  standby.follow(primary, name);
  primary.start();
  standby.start();
  const auto streams = [&] { return primary.ask("SELECT state FROM pg_stat_replication") == "streaming"; };
  if (!eventually(streams)) give_up("the standby does not stream", standby);
}

void ScratchPair::catch_up() const {
  const auto written = primary.ask("SELECT pg_current_wal_lsn()");
  const auto is_replayed = [&] {
    return standby.ask("SELECT pg_last_wal_replay_lsn() >= '" + written + "'::pg_lsn") == "t";
  };
  if (!eventually(is_replayed)) give_up("the standby does not catch up", standby);
}

Frozen::Frozen(pid_t pid) : pid_(pid) {
  if (kill(pid_, SIGSTOP) != 0) throw_errno("SIGSTOP");
}

Frozen::~Frozen() { kill(pid_, SIGCONT); }

BlockedRecovery::BlockedRecovery(ScratchInstance& instance) {
  instance.start();
  // The checkpoint stays in one segment; what has to be replayed begins in it and goes on in the next one.
  instance.ask("CHECKPOINT");
  instance.ask("SELECT pg_switch_wal()");
  instance.ask("CREATE TABLE behind_the_switch AS SELECT 1 AS one");
  segment_ = instance.data() + "/pg_wal/" + instance.ask("SELECT pg_walfile_name(pg_current_wal_lsn())");
  instance.kill_server();
  fs::rename(segment_, segment_ + ".hidden");
  if (mkfifo(segment_.c_str(), 0600) != 0) throw_errno("mkfifo " + segment_);
  if (is_root() && chown(segment_.c_str(), scratch_user().uid, scratch_user().gid) != 0) {
    throw_errno("chown " + segment_);
  }
}

BlockedRecovery::~BlockedRecovery() {
  // The segment is there before the startup process goes on, and opens it to write.
  const auto pipe = segment_ + ".pipe";
  fs::create_hard_link(segment_, pipe);
  fs::rename(segment_ + ".hidden", segment_);
  // A writer that comes and goes shows the waiting startup process the end of the file.
  const int writer = open(pipe.c_str(), O_WRONLY | O_NONBLOCK);
  if (writer >= 0) close(writer);
  fs::remove(pipe);
}

}  // namespace pgsqlms::test
