// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/subprocess.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "deadlines.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/text.hpp"
#include "processes.hpp"
#include "scratch_folder.hpp"

namespace pgsqlms::system {
namespace {

using test::contents_of;
using test::eventually;
using test::in;
using test::is_alive;
using test::ScratchFolder;
using test::told_by_child;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

Command shell(const std::string& script) {
  Command command;
  command.arguments = {"/bin/sh", "-c", script};
  return command;
}

Outcome run_shell(const std::string& script, Duration limit = 20s) { return run(shell(script), in(limit)); }

pid_t pid_in(const std::string& file) { return parse_number<pid_t>(trimmed(contents_of(file))).value_or(0); }

TEST(Run, TellsTheExitCodeAndBothStreams) {
  const auto outcome = run_shell("echo to people; echo to the log >&2; exit 3");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.out, "to people\n");
  EXPECT_EQ(outcome.err, "to the log\n");
}

TEST(Run, SucceedsWithExitCodeZeroOnly) {
  EXPECT_TRUE(run_shell("exit 0").succeeded());
  EXPECT_FALSE(run_shell("exit 1").succeeded());
  EXPECT_FALSE(run_shell("kill -9 $$").succeeded());
}

TEST(Run, TellsTheSignalThatEndedTheProgramAndNoExitCode) {
  const auto outcome = run_shell("kill -SEGV $$");
  EXPECT_EQ(outcome.signal, SIGSEGV);
  EXPECT_EQ(outcome.exit_code, -1);
  EXPECT_FALSE(outcome.timed_out);
}

TEST(Run, HandsOverArgumentsAsTheyAre) {
  Command command;
  command.arguments = {"/bin/echo", "$(id)", "a  b", ";", "'\"", ""};
  EXPECT_EQ(run(command, in(10s)).out, "$(id) a  b ; '\" \n");
}

TEST(Run, EndsTheWholeGroupAtTheDeadline) {
  const ScratchFolder folder;
  const auto file = folder / "pid";
  const auto began = std::chrono::steady_clock::now();
  const auto outcome = run_shell("sleep 60 & echo $! > " + file + "; echo waiting; wait", 400ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_EQ(outcome.exit_code, -1);
  EXPECT_EQ(outcome.out, "waiting\n");
  ASSERT_GT(pid_in(file), 0);
  EXPECT_TRUE(eventually([&] { return !is_alive(pid_in(file)); }));
}

TEST(Run, EndsAProgramThatIgnoresSignalsAtTheDeadline) {
  EXPECT_TRUE(run_shell("trap '' TERM INT HUP QUIT; while :; do sleep 1; done", 300ms).timed_out);
}

TEST(Run, EndsAFrozenProgramAtTheDeadline) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(run_shell("kill -STOP $$", 300ms).timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST(Run, KeepsTheLastBytesUpToTheLimit) {
  auto command = shell("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; echo last >&2");
  command.output_limit = 12;
  const auto outcome = run(command, in(20s));
  EXPECT_EQ(outcome.out, "19998\n19999\n");
  EXPECT_EQ(outcome.err, "last\n");
}

TEST(Run, TakesHugeOutputWithLittleMemory) {
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  auto command = shell("head -c 300000000 /dev/zero; echo end");
  command.output_limit = 1000;
  const auto outcome = run(command, in(30s));
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_TRUE(outcome.succeeded());
  EXPECT_EQ(outcome.out.size(), 1000U);
  EXPECT_EQ(outcome.out.substr(996), "end\n");
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 20'000) << "kilobytes";
}

TEST(Run, AnswersExitCode127ForAProgramThatDoesNotExist) {
  Command command;
  command.arguments = {"/nonexistent/pg_ctl"};
  EXPECT_EQ(run(command, in(10s)).exit_code, 127);
}

TEST(Run, AnswersExitCode127ForAProgramThatCannotBeExecuted) {
  const ScratchFolder folder;
  test::write_file(folder / "no-interpreter", "#!/nonexistent/interpreter\n", 0755);
  test::write_file(folder / "no-program", "not a program", 0755);
  for (const auto* const name : {"no-interpreter", "no-program", ""}) {
    Command command;
    command.arguments = {folder / name};
    EXPECT_EQ(run(command, in(10s)).exit_code, 127) << name;
  }
}

TEST(Run, NeverLetsAChildThatCannotExecuteGoOnAsASecondAgent) {
  const ScratchFolder folder;
  const auto file = folder / "agents";
  const auto told = told_by_child([&] {
    Command command;
    command.arguments = {"/nonexistent"};
    static_cast<void>(run(command, in(10s)));
    test::append_to_file(file, "one agent\n");
    return std::string("done");
  });
  EXPECT_EQ(told, "done");
  EXPECT_EQ(contents_of(file), "one agent\n");
}

TEST(Run, DoesNotWaitForADaemonThatHoldsThePipes) {
  const ScratchFolder folder;
  const auto file = folder / "pid";
  const auto began = std::chrono::steady_clock::now();
  const auto outcome = run_shell("setsid sh -c 'echo $$ > " + file + "; exec sleep 60' & while [ ! -s " + file +
                                 " ]; do :; done; echo started");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  EXPECT_EQ(outcome.out, "started\n");
  EXPECT_TRUE(outcome.succeeded());
  const auto daemon = pid_in(file);
  ASSERT_GT(daemon, 0);
  EXPECT_TRUE(is_alive(daemon));
  kill(daemon, SIGKILL);
}

TEST(Run, GivesTheProgramNoInput) { EXPECT_EQ(run_shell("cat; echo end of input").out, "end of input\n"); }

TEST(Run, WorksWhereTheOwnInputIsClosed) {
  const auto told = told_by_child([&] {
    close(STDIN_FILENO);
    const auto outcome = run_shell("cat; echo out; echo err >&2");
    return outcome.out + outcome.err + std::to_string(outcome.exit_code);
  });
  EXPECT_EQ(told, "out\nerr\n0");
}

TEST(Run, LeaksNoDescriptorIntoTheProgram) {
  const int leak = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto outcome = run_shell("ls /proc/self/fd | wc -l");
  close(leak);
  EXPECT_EQ(outcome.out, "4\n");  // the three streams, and the folder that ls reads
}

TEST(Run, ForcesTheLocaleOfAProgramWhoseOutputIsParsed) {
  setenv("LANG", "de_DE.UTF-8", 1);
  setenv("LC_MESSAGES", "de_DE.UTF-8", 1);
  setenv("LANGUAGE", "de", 1);
  EXPECT_EQ(run_shell("echo \"$LC_ALL,$LANG,$LC_MESSAGES,$LANGUAGE\"").out, "C,,,\n");
}

TEST(Run, LeavesTheLocaleOfAServerAlone) {
  setenv("LANG", "de_DE.UTF-8", 1);
  setenv("LC_MESSAGES", "fr_FR.UTF-8", 1);
  unsetenv("LC_ALL");
  auto command = shell("echo \"$LC_ALL,$LANG,$LC_MESSAGES\"");
  command.parsed_output = false;
  EXPECT_EQ(run(command, in(10s)).out, ",de_DE.UTF-8,fr_FR.UTF-8\n");
}

TEST(Run, HidesTheVariablesThatTheProgramMustNotSee) {
  setenv("OCF_RESKEY_CRM_meta_on_node", "srv1", 1);
  setenv("OCF_RESKEY_CRM_meta_on_node_uuid", "1", 1);
  auto command = shell("echo \"$OCF_RESKEY_CRM_meta_on_node,$OCF_RESKEY_CRM_meta_on_node_uuid\"");
  command.unset = {"OCF_RESKEY_CRM_meta_on_node"};
  EXPECT_EQ(run(command, in(10s)).out, ",1\n");
}

TEST(Run, GivesTheProgramTheHomeAndTheNameOfItsUser) {
  const auto user = find_user("postgres");
  ASSERT_TRUE(user);
  auto command = shell("echo $HOME $USER $LOGNAME; env | grep -c ^HOME=");
  command.user = &*user;
  EXPECT_EQ(run(command, in(20s)).out, user->home + " postgres postgres\n1\n");
}

TEST(Run, RunsTheProgramInTheRootDirectory) { EXPECT_EQ(run_shell("pwd").out, "/\n"); }

TEST(Run, MakesAProcessGroupOfItsOwn) {
  EXPECT_EQ(run_shell("[ $(ps -o pgid= -p $$) -eq $$ ] && echo own").out, "own\n");
}

TEST(Run, TakesTheProgramAlongWhenTheAgentIsKilled) {
  const ScratchFolder folder;
  const auto file = folder / "pid";
  const pid_t agent = fork();
  if (agent == 0) {
    static_cast<void>(run_shell("echo $$ > " + file + "; exec sleep 60", 60s));
    _exit(0);
  }
  ASSERT_TRUE(eventually([&] { return pid_in(file) > 0; }));
  EXPECT_TRUE(is_alive(pid_in(file)));
  kill(agent, SIGKILL);
  EXPECT_TRUE(test::wait_until_gone(agent));
  EXPECT_TRUE(eventually([&] { return !is_alive(pid_in(file)); }));
}

TEST(Run, ThrowsAFailureWhereNoProcessCanBeMade) {
  const auto told = told_by_child([] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    try {
      static_cast<void>(run_shell("exit 0"));
    } catch (const ocf::Failure& failure) {
      return std::string(failure.what());
    }
    return std::string("no failure");
  });
  EXPECT_EQ(told, "/bin/sh not run, pipe: Too many open files");
}

TEST(Run, EndsAProgramThatHasDoneItsWorkButNotItsChildren) {
  const ScratchFolder folder;
  auto command =
      shell("setsid sleep 60 & echo $! >" + (folder / "child") + "; touch " + (folder / "done") + "; sleep 60");
  command.is_done = [&] { return access((folder / "done").c_str(), F_OK) == 0; };
  const auto outcome = run(command, in(30s));
  EXPECT_TRUE(outcome.succeeded());
  EXPECT_FALSE(outcome.timed_out);
  const auto child = pid_in(folder / "child");
  EXPECT_TRUE(is_alive(child));
  kill(child, SIGKILL);
}

TEST(Run, EndsTheProgramWhereTheWaitForItIsGivenUp) {
  const ScratchFolder folder;
  auto command = shell("echo $$ >" + (folder / "pid") + "; sleep 60");
  command.is_done = [&]() -> bool {
    if (pid_in(folder / "pid") <= 0) return false;
    EXPECT_TRUE(is_alive(pid_in(folder / "pid")));
    throw std::runtime_error("given up");
  };
  EXPECT_THROW(static_cast<void>(run(command, in(30s))), std::runtime_error);
  EXPECT_FALSE(is_alive(pid_in(folder / "pid")));
}

TEST(Describe, NamesTheWayItEndedAndTheLastLinePrinted) {
  EXPECT_EQ(describe(run_shell("echo first; echo second; exit 4")), "exit code 4: second");
  EXPECT_EQ(describe(run_shell("echo out; printf 'a\\nb\\n\\n' >&2; exit 1")), "exit code 1: b");
  EXPECT_EQ(describe(run_shell("kill -9 $$")), "ended by signal 9");
  EXPECT_EQ(describe(run_shell("sleep 60", 100ms)), "no end in time");
  EXPECT_EQ(describe(run_shell("exit 2")), "exit code 2");
}

}  // namespace
}  // namespace pgsqlms::system
