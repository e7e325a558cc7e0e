// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/process_identity.hpp"

#include <gtest/gtest.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <future>

#include "pgsqlms/system/steady_clock.hpp"
#include "processes.hpp"

namespace pgsqlms::system {
namespace {

using test::Child;
using test::eventually;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

Child sleeper() {
  test::Start start;
  start.arguments = {"/bin/sleep", "60"};
  return Child(start);
}

/// Whether the wait for the end is over.
class Waiting {
 public:
  explicit Waiting(const ProcessIdentity& process)
      : over_(std::async(std::launch::async, [process] {
          SteadyClock clock;
          ProcessEnd(process).wait(clock);
        })) {}

  [[nodiscard]] bool is_over_within(std::chrono::milliseconds limit) const {
    return over_.wait_for(limit) == std::future_status::ready;
  }

 private:
  std::future<void> over_;
};

TEST(Identify, TellsALivingProcessByItsStart) {
  const auto self = identify(getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->pid, getpid());
  EXPECT_TRUE(identify(getpid()) == self);
  const auto child = sleeper();
  ASSERT_TRUE(identify(child.pid()));
  EXPECT_GE(identify(child.pid())->start_time, self->start_time);
}

TEST(Identify, IsNothingForAZombieAndForNobody) {
  const auto child = sleeper();
  child.make_zombie();
  EXPECT_TRUE(eventually([&] { return !identify(child.pid()); }));
  EXPECT_FALSE(identify(0x7FFFFFFF));
}

TEST(IsFrozen, TellsAProcessThatIsStopped) {
  const auto child = sleeper();
  EXPECT_FALSE(is_frozen(child.pid()));
  kill(child.pid(), SIGSTOP);
  EXPECT_TRUE(eventually([&] { return is_frozen(child.pid()); }));
  kill(child.pid(), SIGCONT);
  EXPECT_TRUE(eventually([&] { return !is_frozen(child.pid()); }));
}

TEST(ProcessEnd, IsWaitedForAndNoLonger) {
  const auto child = sleeper();
  const Waiting waiting(*identify(child.pid()));
  EXPECT_FALSE(waiting.is_over_within(300ms));
  kill(child.pid(), SIGSTOP);
  EXPECT_FALSE(waiting.is_over_within(300ms)) << "a frozen process has not ended";
  child.make_zombie();
  EXPECT_TRUE(waiting.is_over_within(5s));
}

TEST(ProcessEnd, OfAnotherProcessWithThatPidIsNotWaitedFor) {
  const auto child = sleeper();
  auto former = *identify(child.pid());
  --former.start_time;
  EXPECT_TRUE(Waiting(former).is_over_within(5s));
}

TEST(ProcessEnd, TellsItsMannerWhereTheKernelDoes) {
  utsname names{};
  uname(&names);
  int major = 0;
  int minor = 0;
  ASSERT_EQ(std::sscanf(names.release, "%d.%d", &major, &minor), 2);
  if (major < 6 || (major == 6 && minor < 15)) GTEST_SKIP() << "needs Linux 6.15";
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const ProcessEnd end(*identify(child));
  EXPECT_EQ(end.manner(), std::nullopt);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(end.manner(), "by signal 9");
}

}  // namespace
}  // namespace pgsqlms::system
