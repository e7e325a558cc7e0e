// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/server_log.hpp"

#include <gtest/gtest.h>

namespace pgsqlms::pg {
namespace {

/// A line as log_line_prefix '%m [%p] ' makes it.
std::string line(int process, const std::string& text) {
  return "2026-11-28 11:14:08.123 UTC [" + std::to_string(process) + "] " + text + "\n";
}

std::string reason_in(const std::string& log) { return reason_for_end(read_stderr_log(log)); }

/// How a server ends whose startup process has failed.
std::string end_of_startup(int postmaster, int startup) {
  return line(postmaster, "LOG:  startup process (PID " + std::to_string(startup) + ") exited with exit code 1") +
         line(postmaster, "LOG:  aborting startup due to startup process failure") +
         line(postmaster, "LOG:  database system is shut down");
}

TEST(ReadStderrLog, TakesAnEntryWithItsFurtherLines) {
  const auto entries = read_stderr_log(line(7, "FATAL:  first \"x\"") + "\tand second line\n" +
                                       line(7, "DETAIL:  because") + line(7, "HINT:  do") + line(7, "CONTEXT:  there") +
                                       "cp: cannot stat 'x': No such file\n" + line(8, "LOG:  next"));
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].severity, Severity::Fatal);
  EXPECT_EQ(entries[0].process, 7);
  EXPECT_EQ(entries[0].message, "first \"x\"\nand second line");
  EXPECT_EQ(entries[0].detail, "because");
  EXPECT_EQ(entries[0].hint, "do");
  EXPECT_EQ(entries[0].context, "there");
  EXPECT_EQ(entries[1].severity, Severity::Log);
}

TEST(ReadStderrLog, FindsTheProcessInOtherPrefixes) {
  for (const auto* const prefix : {"2026-11-28 11:14:08 UTC [4711]: [3-1] user=,db=,app=,client= ",
                                   "4711 2026-11-28 11:14:08 UTC ", "[4711-3] "}) {
    const auto entries = read_stderr_log(std::string(prefix) + "FATAL:  x\n");
    ASSERT_EQ(entries.size(), 1U) << prefix;
    EXPECT_EQ(entries[0].process, 4711) << prefix;
    EXPECT_EQ(entries[0].severity, Severity::Fatal) << prefix;
  }
  EXPECT_EQ(read_stderr_log("PANIC:  x\n").at(0).process, 0);
}

TEST(ReadStderrLog, KnowsTheWordsOfOtherLanguages) {
  EXPECT_EQ(read_stderr_log(line(7, "ВАЖНО:  x")).at(0).severity, Severity::Fatal);
  EXPECT_EQ(read_stderr_log(line(7, "VAZHNO:  x")).at(0).severity, Severity::Fatal);
  EXPECT_EQ(read_stderr_log(line(7, "PANIK:  x")).at(0).severity, Severity::Panic);
  EXPECT_EQ(read_stderr_log(line(7, "FATAL:  x") + line(7, "ASTUCE :  y")).at(0).hint, "y");
}

TEST(ReadCsvLog, TakesFieldsThatHoldQuotesAndLines) {
  const auto entries = read_csv_log(
      "2026-11-28 11:14:08.123 UTC,,,4711,,5f.1,2,,2026-11-28 11:14:08 UTC,,0,FATAL,58P01,\"no \"\"x\"\",\nnever\","
      "\"why\",,,,,,,,\"\",\"startup\",,0\n"
      "2026-11-28 11:14:09.123 UTC,,,4710,,5f.1,2,,2026-11-28 11:14:08 UTC,,0,LOG,00000,\"shut down\",,,,,,,,,\"\"\n"
      "torn,off");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].severity, Severity::Fatal);
  EXPECT_EQ(entries[0].sqlstate, "58P01");
  EXPECT_EQ(entries[0].process, 4711);
  EXPECT_EQ(entries[0].message, "no \"x\",\nnever");
  EXPECT_EQ(entries[0].detail, "why");
  EXPECT_EQ(entries[0].backend_type, "startup");
  EXPECT_EQ(entries[1].backend_type, "");  // before PostgreSQL 13
}

TEST(ReasonForEnd, IsWhatTheProcessSaidWhoseEndThePostmasterNames) {
  const auto log = line(10, "LOG:  starting PostgreSQL 15.18") +
                   line(12, "FATAL:  requested timeline 6 is not a child of this server's history") +
                   line(12, "DETAIL:  Latest checkpoint is at 0/3.") + end_of_startup(10, 12);
  EXPECT_EQ(reason_in(log),
            "requested timeline 6 is not a child of this server's history: Latest checkpoint is at 0/3");
}

TEST(ReasonForEnd, IsNeverWhatAClientOrAWalreceiverWasTold) {
  const auto log = line(10, "LOG:  starting PostgreSQL 15.18") + line(12, "PANIC:  could not locate a checkpoint") +
                   line(13, "FATAL:  the database system is starting up") +
                   line(14, "FATAL:  could not connect to the primary server: refused") + end_of_startup(10, 12) +
                   line(15, "FATAL:  password authentication failed for user \"x\"");
  EXPECT_EQ(reason_in(log), "could not locate a checkpoint");
}

TEST(ReasonForEnd, IsTheLineThatNamesParameterAndFile) {
  EXPECT_EQ(reason_in(line(10, "LOG:  unrecognized configuration parameter \"x\" in file \"/d/a.conf\" line 3") +
                      line(10, "FATAL:  configuration file \"/d/a.conf\" contains errors")),
            "unrecognized configuration parameter \"x\" in file \"/d/a.conf\" line 3");
  EXPECT_EQ(reason_in(line(10, "LOG:  invalid value for parameter \"x\": \"y\"") +
                      line(10, "FATAL:  configuration file \"/d/a.conf\" contains errors")),
            "invalid value for parameter \"x\": \"y\"");
  EXPECT_EQ(reason_in(line(10, "LOG:  starting PostgreSQL 15.18") +
                      line(10, "LOG:  listening on Unix socket \"/tmp/.s.PGSQL.5432\"") +
                      line(10, "LOG:  invalid authentication method \"x\"") +
                      line(10, "CONTEXT:  line 9 of configuration file \"/d/pg_hba.conf\"") +
                      line(10, "FATAL:  could not load pg_hba.conf") + line(10, "LOG:  database system is shut down")),
            "invalid authentication method \"x\": line 9 of configuration file \"/d/pg_hba.conf\"");
}

TEST(ReasonForEnd, LeavesOutWordsOfAConfigurationFile) {
  EXPECT_EQ(reason_in(line(10, "LOG:  syntax error in file \"/d/1.conf\" line 31, near token \"hunter2\"") +
                      line(10, "FATAL:  configuration file \"/d/1.conf\" contains errors")),
            "syntax error in file \"/d/1.conf\" line 31");
}

TEST(ReasonForEnd, IsTheAddressThatIsTaken) {
  EXPECT_EQ(reason_in(line(10, "LOG:  starting PostgreSQL 15.18") +
                      line(10, "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use") +
                      line(10, "WARNING:  could not create listen socket for \"localhost\"") +
                      line(10, "FATAL:  could not create any TCP/IP sockets") +
                      line(10, "LOG:  database system is shut down")),
            "could not bind IPv4 address \"127.0.0.1\": Address already in use");
}

TEST(ReasonForEnd, IsTheSignalThatEndedAProcess) {
  EXPECT_EQ(reason_in(line(10, "LOG:  startup process (PID 12) was terminated by signal 9: Killed") +
                      line(10, "DETAIL:  Failed process was running: SELECT 'hunter2'") +
                      line(10, "LOG:  aborting startup due to startup process failure") +
                      line(10, "LOG:  database system is shut down")),
            "startup process (PID 12) was terminated by signal 9: Killed");
}

TEST(ReasonForEnd, IsNotTheEndOfABackgroundWorker) {
  EXPECT_EQ(reason_in(line(10, "LOG:  received fast shutdown request") +
                      line(12, "FATAL:  terminating background worker \"x\" due to administrator command") +
                      line(10, "LOG:  background worker \"x\" (PID 12) exited with exit code 1") +
                      line(10, "LOG:  database system is shut down")),
            "received fast shutdown request");
}

TEST(ReasonForEnd, IsFoundWhereTheWordsAreNotKnown) {
  EXPECT_EQ(reason_in(line(10, "??:  ?? PostgreSQL 15.18") + line(12, "????:  ?? \"backup_label\" ??") +
                      line(10, "??:  ???? (PID 12) ??? 1") + line(10, "??:  ???")),
            "?? \"backup_label\" ??");
  EXPECT_EQ(reason_in(line(10, "??:  ?? PostgreSQL 15.18") + line(10, "????:  ?? \"no_such\": No such file") +
                      line(10, "??:  ???")),
            "?? \"no_such\": No such file");
  LogEntry fatal;
  fatal.process = 12;
  fatal.sqlstate = "22023";
  fatal.message = "???";
  LogEntry named;
  named.process = 10;
  named.sqlstate = "00000";
  named.message = "?? (PID 12) ??";
  EXPECT_EQ(reason_for_end({fatal, named}), "???");
}

TEST(ReasonForEnd, IsEmptyWhereNothingTells) {
  EXPECT_EQ(reason_for_end({}), "");
  EXPECT_EQ(reason_in(line(10, "LOG:  starting PostgreSQL 15.18") +
                      line(13, "FATAL:  the database system is starting up") + line(10, "LOG:  shutting down")),
            "");
}

TEST(ReasonForEnd, EndsWithAWholeWord) {
  const std::string words = "word word word word word word word word word word ";
  const auto reason =
      reason_in(line(10, "FATAL:  short") + line(10, "DETAIL:  " + words + words + words + words + words));
  EXPECT_LE(reason.size(), 200U);
  EXPECT_EQ(reason.substr(0, 12), "short: word ");
  EXPECT_EQ(reason.substr(reason.size() - 8), " word...");
}

TEST(ReasonForEnd, TakesAnyPieceOfALog) {
  const auto log = line(10, "LOG:  a (PID 12) b") + line(12, "FATAL:  c \"d\": e") +
                   "a,b,c,4,,,,,,,,FATAL,58P01,\"x\"\"y\",,,,,,,,,,startup\n";
  for (std::size_t begin = 0; begin < log.size(); ++begin) {
    for (std::size_t size = 0; begin + size <= log.size(); size += 3) {
      const auto piece = std::string_view(log).substr(begin, size);
      for (const auto& entries : {read_stderr_log(piece), read_csv_log(piece)}) {
        EXPECT_LE(reason_for_end(entries).size(), 200U);
      }
    }
  }
}

TEST(Shortened, CutsALanguageWithoutBlanksBetweenLetters) {
  EXPECT_EQ(shortened("日志日志日志", 10), "日志...");
  EXPECT_EQ(shortened("one two three", 10), "one two...");
  EXPECT_EQ(shortened("one\n two", 10), "one two");
}

}  // namespace
}  // namespace pgsqlms::pg
