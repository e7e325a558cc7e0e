// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <filesystem>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

/// One bad thing: what is made of environment and instance, and what has to come of it.
struct Case {
  const char* name;
  std::function<Variables(const ScratchInstance&)> variables;
  int code;
  std::vector<std::string> named;  ///< what the reason must name; {data} stands for the data directory
};

void PrintTo(const Case& bad, std::ostream* out) { *out << bad.name; }

Variables parameter(const char* name, const std::string& value) { return {{std::string("OCF_RESKEY_") + name, value}}; }

const Case kCases[] = {
    {"MaxlagThatIsNoNumber", [](const auto&) { return parameter("maxlag", "x"); }, kErrInstalled, {"maxlag", "\"x\""}},
    {"NegativeMaxlag", [](const auto&) { return parameter("maxlag", "-5"); }, kErrInstalled, {"maxlag", "\"-5\""}},
    {"InfiniteMaxlag", [](const auto&) { return parameter("maxlag", "inf"); }, kErrInstalled, {"maxlag", "\"inf\""}},
    {"PortThatIsNoNumber", [](const auto&) { return parameter("pgport", "0x"); }, kErrArgs, {"pgport", "\"0x\""}},
    {"PortAboveAllPorts", [](const auto&) { return parameter("pgport", "70000"); }, kErrArgs, {"pgport", "\"70000\""}},
    {"RelativePgdata", [](const auto&) { return parameter("pgdata", "data"); }, kErrArgs, {"pgdata", "\"data\""}},
    {"RelativeBindir", [](const auto&) { return parameter("bindir", "bin"); }, kErrArgs, {"bindir", "\"bin\""}},
    {"MissingPgdata",
     [](const auto& instance) { return parameter("pgdata", instance.data() + "x"); },
     kErrArgs,
     {"pgdata", "\"{data}x\""}},
    {"MissingDatadir",
     [](const auto& instance) { return parameter("datadir", instance.data() + "x"); },
     kErrArgs,
     {"datadir", "\"{data}x\""}},
    {"PgdataThatIsAFile",
     [](const auto& instance) { return parameter("pgdata", instance.data() + "/PG_VERSION"); },
     kErrArgs,
     {"pgdata", "PG_VERSION\""}},
    {"FolderThatIsNoDataDirectory",
     [](const auto& instance) { return parameter("pgdata", instance.data() + "/base"); },
     kErrArgs,
     {"{data}/base/PG_VERSION"}},
    {"MissingPrograms",
     [](const auto&) { return parameter("bindir", "/nonexistent"); },
     kErrInstalled,
     {"\"/nonexistent/postgres\"", "bindir"}},
    {"UnknownUser",
     [](const auto&) { return parameter("system_user", "no-such-user"); },
     kErrArgs,
     {"system_user", "\"no-such-user\""}},
    {"TemplateThatPostgreSQL15MustNotHave",
     [](const auto& instance) {
       write_file(instance.folder() / "template", "standby_mode = on\n");
       return parameter("recovery_template", instance.folder() / "template");
     },
     kErrArgs,
     {"recovery template", "/template\""}},
    {"MissingTemplateForPostgreSQL11",
     [](const auto& instance) {
       write_file(instance.data() + "/PG_VERSION", "11\n");
       return Variables{};
     },
     kErrArgs,
     {"recovery template", "\"{data}/recovery.conf.pcmk\"", "does not exist"}},
    {"UnreadableTemplateForPostgreSQL11",
     [](const auto& instance) {
       write_file(instance.data() + "/PG_VERSION", "11\n");
       fs::create_symlink("/etc/shadow", instance.data() + "/recovery.conf.pcmk");
       return Variables{};
     },
     kErrArgs,
     {"recovery template", "\"{data}/recovery.conf.pcmk\"", "cannot be read"}},
    {"UnsupportedVersion",
     [](const auto& instance) {
       write_file(instance.data() + "/PG_VERSION", "9.2\n");
       return Variables{};
     },
     kErrInstalled,
     {"9.2", "9.3"}},
    {"BrokenVersion",
     [](const auto& instance) {
       write_file(instance.data() + "/PG_VERSION", "fifteen\n");
       return Variables{};
     },
     kErrArgs,
     {"{data}/PG_VERSION"}},
    {"BrokenControlFile",
     [](const auto& instance) {
       fs::resize_file(instance.data() + "/global/pg_control", 100);
       return Variables{};
     },
     kErrArgs,
     {"pg_control", "{data}"}},
    {"BrokenConfiguration",
     [](const auto& instance) {
       instance.configure("work_mem = lots");
       return Variables{};
     },
     kErrArgs,
     {"work_mem", "lots"}},
};

class BadInput : public testing::TestWithParam<Case> {
 protected:
  BadInput() {
    instance_.configure("primary_conninfo = 'application_name=srv1'");
    const auto& bad = GetParam();
    environment_ = with(environment_for(instance_), bad.variables(instance_));
    for (auto name : bad.named) {
      const auto at = name.find("{data}");
      if (at != std::string::npos) name.replace(at, 6, instance_.data());
      named_.push_back(name);
    }
  }

  void expect_refusal(const std::string& action) const {
    const auto before = listing_of(instance_.folder().path());
    const auto run = run_agent({action}, environment_);
    EXPECT_EQ(run.code, GetParam().code) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(run.err, "ocf-exit-reason:" + run.reason() + "\n") << "not one line";
    for (const auto& name : named_) {
      EXPECT_NE(run.reason().find(name), std::string::npos) << name << " is not in: " << run.reason();
    }
    EXPECT_EQ(listing_of(instance_.folder().path()), before);
  }

  ScratchInstance instance_;

 private:
  Variables environment_;
  std::vector<std::string> named_;
};

TEST_P(BadInput, IsRefusedByValidationAndNamedAndChangesNothing) { expect_refusal("validate-all"); }

TEST_P(BadInput, IsRefusedByStartAndNamedAndChangesNothing) { expect_refusal("start"); }

INSTANTIATE_TEST_SUITE_P(With, BadInput, testing::ValuesIn(kCases),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

}  // namespace
}  // namespace pgsqlms::test
