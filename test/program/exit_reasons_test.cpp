// SPDX-License-Identifier: PostgreSQL
// Why a real server did not come up, as the exit reason tells it.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

/// Whether the text is that of the pattern, in which <...> stands for anything.
bool is_like(std::string_view text, std::string_view pattern) {
  const auto hole = pattern.find('<');
  if (hole == std::string_view::npos) return text == pattern;
  if (text.substr(0, hole) != pattern.substr(0, hole)) return false;
  text.remove_prefix(hole);
  pattern.remove_prefix(pattern.find('>', hole) + 1);
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (is_like(text.substr(at), pattern)) return true;
  }
  return false;
}

struct Failure {
  const char* name;
  void (*arrange)(ScratchInstance& instance);
  const char* reason;      ///< as docs/exit-reasons.md has it
  int code = kErrGeneric;  ///< kErrArgs: the configuration is refused before a start is tried
};

std::ostream& operator<<(std::ostream& out, const Failure& failure) { return out << failure.name; }

void replace(const ScratchInstance& instance, const std::string& name, const std::string& text) {
  write_file(instance.data() + "/" + name, text, 0600);
}

void obstruct(const ScratchInstance& instance, const std::string& name) {
  const auto path = instance.data() + "/" + name;
  fs::remove(path);
  make_folder(path);
}

void make_slots(ScratchInstance& instance) {
  instance.start();
  instance.ask("SELECT pg_create_physical_replication_slot('s'), pg_create_physical_replication_slot('t')");
  instance.stop();
}

void begin_another_timeline_before_the_end(ScratchInstance& instance) {
  replace(instance, "pg_wal/00000002.history", "1\t0/1000000\tno recovery target specified\n");
}

void lose_a_tablespace(ScratchInstance& instance) {
  const auto folder = instance.folder() / "space";
  make_folder(folder, 0700);
  instance.start();
  instance.ask("CREATE TABLESPACE space LOCATION '" + folder + "'");
  instance.ask("CREATE TABLE t TABLESPACE space AS SELECT 1 AS one");
  instance.kill_server();
  fs::remove_all(folder);
}

/// One that is configured in the same way.
std::string neighbour_version() { return std::to_string(server_major() == 12 ? 13 : server_major() - 1) + "\n"; }

/// A backup whose WAL was not kept.
void lose_the_wal_of_a_backup(ScratchInstance& instance) {
  replace(instance, "backup_label",
          "START WAL LOCATION: 0/9000028 (file 000000010000000000000009)\nCHECKPOINT LOCATION: 0/9000060\n"
          "BACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-01-01 00:00:00 UTC\nLABEL: b\n"
          "START TIMELINE: 1\n");
}

/// Somebody else listens there for as long as the test runs.
void take_the_port(ScratchInstance& instance) {
  static const int kListener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(5432);
  // One of the many addresses of this machine, so that such tests may run side by side.
  const int process = getpid();
  const auto host = "127.77." + std::to_string(process / 256 % 256) + "." + std::to_string(process % 256);
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  static const bool is_bound =
      bind(kListener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 && listen(kListener, 1) == 0;
  if (!is_bound) throw std::runtime_error(host + ":5432 cannot be taken");
  instance.configure("listen_addresses = '" + host + "'");
}

const Failure kFailures[] = {
    {"UnknownParameter", [](auto& it) { it.configure("no_such = 1"); },
     R"(unrecognized configuration parameter "<name>" in file "<path>" line <number>)", kErrArgs},
    {"BadValue", [](auto& it) { it.configure("max_connections = many"); },
     R"(invalid value for parameter "<name>": "<value>")", kErrArgs},
    {"ValueOutOfRange", [](auto& it) { it.configure("max_connections = -1"); },
     R"(-1 is outside the valid range for parameter "<name>" (<number> .. <number>))", kErrArgs},
    {"UnknownUnit", [](auto& it) { it.configure("work_mem = 4XB"); },
     R"(invalid value for parameter "<name>": "<value>": Valid units for this parameter are <units>)", kErrArgs},
    {"SyntaxError", [](auto& it) { it.configure("work_mem = = 4MB"); },
     R"(syntax error in file "<path>" line <number>)", kErrArgs},
    {"MissingInclude", [](auto& it) { it.configure("include 'no_such.conf'"); },
     R"(could not open configuration file "<path>": No such file or directory)", kErrArgs},
    {"UnknownLocale", [](auto& it) { it.configure("lc_messages = 'no_SUCH'"); },
     R"(invalid value for parameter "<name>": "<value>")", kErrArgs},
    {"MissingLibrary", [](auto& it) { it.configure("shared_preload_libraries = 'no_such'"); },
     R"(could not access file "<name>": No such file or directory)"},
    {"ContradictingSettings", [](auto& it) { it.configure("superuser_reserved_connections = 30"); },
     "postgres: <settings> must be less than <setting>"},
    {"MissingSocketFolder", [](auto& it) { it.configure("unix_socket_directories = '/no/such'"); },
     R"(could not create lock file "<path>": No such file or directory)"},
    {"TakenPort", take_the_port,
     R"(could not bind IPv4 address "<address>": Address already in use: Is another postmaster already running on port <number>? <rest>)"},
    {"AddressOfAnotherMachine", [](auto& it) { it.configure("listen_addresses = '192.0.2.1'"); },
     R"(could not bind IPv4 address "<address>": Cannot assign requested address<hint>)"},
    {"BadPermissions", [](auto& it) { fs::permissions(it.data(), fs::perms(0755)); },
     R"(data directory "<path>" has <rest>: Permissions should be u=rwx (0700) or u=rwx,g=rx (0750))"},
    {"OtherVersion", [](auto& it) { replace(it, "PG_VERSION", neighbour_version()); },
     "database files are incompatible with server: The data directory was initialized by PostgreSQL version <version>, "
     "which is not compatible with this version <version>"},
    {"MissingWalFolder", [](auto& it) { fs::remove_all(it.data() + "/pg_wal"); },
     R"(required WAL directory "pg_wal" does not exist)"},
    {"UnwritableControlFile", [](auto& it) { fs::permissions(it.data() + "/global/pg_control", fs::perms(0400)); },
     R"(could not open <kind> "<path>": Permission denied)"},
    {"UnwritableOptionsFile", [](auto& it) { obstruct(it, "postmaster.opts"); },
     R"(could not create file "postmaster.opts": Is a directory)"},
    {"UnknownAuthentication", [](auto& it) { append_to_file(it.data() + "/pg_hba.conf", "local all all no_such\n"); },
     R"(invalid authentication method "<name>": line <number> of configuration file "<path>")"},
    {"IncompleteLineOfPgHba", [](auto& it) { append_to_file(it.data() + "/pg_hba.conf", "local all\n"); },
     R"(end-of-line before role specification: line <number> of configuration file "<path>")"},
    {"MissingPgHba", [](auto& it) { fs::remove(it.data() + "/pg_hba.conf"); },
     R"(could not open <rest>file "<path>/pg_hba.conf": No such file or directory)"},
    {"MissingCertificate", [](auto& it) { it.configure("ssl = on\nssl_cert_file = 'no_such.crt'"); },
     R"(could not load server certificate file "<path>": No such file or directory)"},
    {"BadCertificate", [](auto& it) { it.configure("ssl = on\nssl_cert_file = 'postgresql.conf'"); },
     R"(could not load server certificate file "<path>": no start line)"},
    {"MissingLogFolder", [](auto& it) { it.configure("logging_collector = on\nlog_directory = '/no/such'"); },
     R"(could not open log file "<path>": No such file or directory)"},
    {"ArchivingOfMinimalWal",
     [](auto& it) { it.configure("archive_mode = on\nwal_level = minimal\nmax_wal_senders = 0"); },
     R"(WAL archival cannot be enabled when <setting> is "minimal")"},
    {"BadBackupLabel", [](auto& it) { replace(it, "backup_label", "nothing\n"); },
     R"(invalid data in file "backup_label")"},
    {"TimelineThatIsNoChild", begin_another_timeline_before_the_end,
     "requested timeline <number> is not a child of this server's history: Latest checkpoint <rest>"},
    {"BadHistoryFile", [](auto& it) { replace(it, "pg_wal/00000002.history", "one\n"); },
     "syntax error in history file: <rest>"},
    {"MissingTablespace", lose_a_tablespace,
     R"(directory "<path>" does not exist: Create this directory for the tablespace before restarting the server)"},
    {"MissingProgramOfRestoreCommand", [](auto& it) { it.configure_recovery("restore_command = '/no/such %f'"); },
     R"(could not restore file "<name>" from archive: command not found)"},
    {"BadReplicationSlot",
     [](auto& it) {
       make_slots(it);
       replace(it, "pg_replslot/s/state", std::string(200, 'x'));
     },
     R"(replication slot file "<path>" has wrong magic number: <rest>)"},
    {"TooManyReplicationSlots",
     [](auto& it) {
       make_slots(it);
       it.configure("max_replication_slots = 1");
     },
     "too many replication slots active before shutdown: Increase <rest>max_replication_slots<rest> and try again"},
};

/// An instance for node srv1 that is to become a standby of nobody.
std::unique_ptr<ScratchInstance> standby() {
  auto instance = std::make_unique<ScratchInstance>();
  instance->configure_recovery("primary_conninfo = 'application_name=srv1'");
  return instance;
}

std::string expected(const Failure& failure) {
  return failure.code == kErrArgs ? failure.reason + std::string(" (postgres -C <name>)")
                                  : std::string("start failed: ") + failure.reason;
}

class ExitReason : public testing::TestWithParam<Failure> {};

TEST_P(ExitReason, TellsWhyAServerDidNotComeUp) {
  const auto& failure = GetParam();
  const auto instance = standby();
  failure.arrange(*instance);
  const auto run = run_agent({"start"}, environment_for(*instance));
  EXPECT_EQ(run.code, failure.code);
  EXPECT_TRUE(is_like(run.reason(), expected(failure))) << run.reason();
}

INSTANTIATE_TEST_SUITE_P(Of, ExitReason, testing::ValuesIn(kFailures), [](const auto& row) { return row.param.name; });

TEST(ExitReasons, StandInTheDocuments) {
  const auto page = contents_of(PGSQLMS_SOURCE "/docs/exit-reasons.md");
  for (const auto& failure : kFailures) {
    EXPECT_NE(page.find("| `" + std::string(failure.reason) + "` |"), std::string::npos) << failure.reason;
  }
}

/// A way in which a server writes its log.
struct Form {
  const char* name;
  const char* settings;
  int since = 0;  ///< the first major version that has it
};

std::ostream& operator<<(std::ostream& out, const Form& form) { return out << form.name; }

const Form kForms[] = {
    {"Collector", "logging_collector = on\nlog_directory = 'log'\nlog_destination = stderr"},
    {"CsvLog", "logging_collector = on\nlog_directory = 'log'\nlog_destination = csvlog"},
    {"JsonLog", "logging_collector = on\nlog_directory = 'log'\nlog_destination = jsonlog", 15},
    {"DebiansPrefix", "log_line_prefix = '%m [%p] %q%u@%d '"},
    {"PgBadgersPrefix", "log_line_prefix = '%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h '"},
    {"BarePrefix", "log_line_prefix = '%p %t '"},
    {"NoPrefix", "log_line_prefix = ''"},
    {"VerboseMessages", "log_error_verbosity = verbose"},
};

/// One failure of the postmaster that it tells at once, one that follows from a line before, one of its child.
void expect_reasons(const std::string& settings, const Variables& environment = {}) {
  struct Row {
    void (*arrange)(ScratchInstance& instance);
    std::vector<const char*> words;
  };
  const Row rows[] = {
      {[](auto& it) { it.configure("shared_preload_libraries = 'no_such'"); }, {"no_such"}},
      {[](auto& it) { append_to_file(it.data() + "/pg_hba.conf", "local all all no_such\n"); },
       {"no_such", "pg_hba.conf"}},
      {[](auto& it) { replace(it, "backup_label", "nothing\n"); }, {"backup_label"}},
  };
  for (const auto& row : rows) {
    const auto instance = standby();
    instance->configure(settings);
    row.arrange(*instance);
    const auto run = run_agent({"start"}, with(environment_for(*instance), environment));
    for (const auto* const word : row.words) EXPECT_NE(run.reason().find(word), std::string::npos) << run.reason();
  }
}

class ExitReasonIn : public testing::TestWithParam<Form> {};

TEST_P(ExitReasonIn, IsFound) {
  if (server_major() < GetParam().since) GTEST_SKIP() << "PostgreSQL " << server_major() << " does not have it";
  expect_reasons(GetParam().settings);
}

INSTANTIATE_TEST_SUITE_P(Form, ExitReasonIn, testing::ValuesIn(kForms), [](const auto& row) { return row.param.name; });

/// Nothing of it depends on the words for what is fatal.
TEST(ExitReasons, AreFoundInOtherLanguages) {
  for (const auto* const language : {"ru_RU", "fr_FR"}) {
    const ScratchFolder locales;
    make_locale(language, locales.path());
    const std::string setting = std::string("lc_messages = '") + language + ".UTF-8'\n";
    for (const auto* const form : {"", "logging_collector = on\nlog_directory = 'log'\nlog_destination = csvlog"}) {
      SCOPED_TRACE(std::string(language) + form);
      expect_reasons(setting + form, {{"LOCPATH", locales.path()}});
    }
  }
}

// What a former server wrote is in the same files.
TEST(ExitReasons, AreNotThoseOfAFormerServer) {
  for (const auto* const destination : {"stderr", "csvlog"}) {
    const auto instance = standby();
    instance->configure("logging_collector = on\nlog_directory = 'log'\nlog_filename = 'one.log'");
    instance->configure(std::string("log_destination = ") + destination);
    const auto good = contents_of(instance->data() + "/pg_hba.conf");
    append_to_file(instance->data() + "/pg_hba.conf", "local all all no_such\n");
    ASSERT_NE(run_agent({"start"}, environment_for(*instance)).reason().find("no_such"), std::string::npos);
    replace(*instance, "pg_hba.conf", good);
    replace(*instance, "backup_label", "nothing\n");
    const auto run = run_agent({"start"}, environment_for(*instance));
    EXPECT_EQ(run.reason(), "start failed: invalid data in file \"backup_label\"");
  }
}

TEST(ExitReasons, AreThoseOfPgCtlWhereTheLogCannotBeRead) {
  const auto instance = standby();
  instance->configure("log_destination = syslog");
  append_to_file(instance->data() + "/pg_hba.conf", "local all all no_such\n");
  const auto run = run_agent({"start"}, environment_for(*instance));
  EXPECT_EQ(run.reason(), "start failed: pg_ctl: could not start server");
}

Variables hurried(Variables environment) {
  return with(std::move(environment), {{"OCF_RESKEY_CRM_meta_timeout", "5000"}});
}

TEST(ExitReasons, NameTheProgramThatAStartWaitsFor) {
  const auto instance = standby();
  instance->configure_recovery("restore_command = 'sleep 600'");
  const auto run = run_agent({"start"}, hurried(environment_for(*instance)));
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_TRUE(is_like(run.reason(),
                      "start failed: out of time: the startup process waits for \"sleep 600\", pid <pid>, since <n> s"))
      << run.reason();
}

TEST(ExitReasons, NameTheWalThatAStartWaitsFor) {
  const auto instance = standby();
  lose_the_wal_of_a_backup(*instance);
  const auto run = run_agent({"start"}, hurried(environment_for(*instance)));
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_TRUE(
      is_like(run.reason(), "start failed: out of time: the startup process is <rest> 000000010000000000000009"))
      << run.reason();
}

TEST(ExitReasons, NameWhatIsBrokenInsideOfAServerThatCameUp) {
  const auto instance = standby();
  fs::remove(instance->data() + "/global/pg_filenode.map");
  const auto run = run_agent({"start"}, hurried(environment_for(*instance)));
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_NE(run.reason().find("pg_filenode.map"), std::string::npos) << run.reason();
}

TEST(ExitReasons, NameTheProgramThatAPromotionWaitsFor) {
  const auto instance = standby();
  instance->configure_recovery("restore_command = 'test -e slow && sleep 600; false'");
  ASSERT_EQ(run_agent({"start"}, environment_for(*instance)).code, kSuccess);
  replace(*instance, "slow", "");
  const auto run = run_agent({"promote"}, hurried(environment_for(*instance)));
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_TRUE(is_like(run.reason(),
                      "out of time while it was promoted: the startup process waits for \"test -e slow <rest>\", pid "
                      "<pid>, since <n> s"))
      << run.reason();
}

TEST(ExitReasons, TellWhyAServerDiedInItsPromotion) {
  const auto instance = standby();
  instance->configure_recovery("recovery_end_command = 'kill -9 $PPID; sleep 1'");
  ASSERT_EQ(run_agent({"start"}, environment_for(*instance)).code, kSuccess);
  const auto run = run_agent({"promote"}, environment_for(*instance));
  EXPECT_EQ(run.code, kErrGeneric);
  EXPECT_TRUE(is_like(run.reason(),
                      "the server died while it was promoted: startup process (PID <pid>) was terminated by signal 9: "
                      "Killed"))
      << run.reason();
}

}  // namespace
}  // namespace pgsqlms::test
