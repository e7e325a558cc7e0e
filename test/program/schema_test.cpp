// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <filesystem>

#include "agent_run.hpp"

namespace pgsqlms::test {
namespace {

/// What xmllint says of the 1.1 form under that schema; empty if it validates.
std::string objections(const std::string& schema) {
  const auto file = std::string(PGSQLMS_SCHEMAS) + "/" + schema;
  if (!std::filesystem::exists(file)) {
    return file + " is missing: run test/fetch-schemas " + PGSQLMS_SCHEMAS + " where packages can be downloaded";
  }
  if (!std::filesystem::exists("/usr/bin/xmllint")) return "package libxml2-utils is missing";
  const ScratchFolder folder;
  const auto meta_data = run_agent({"meta-data"}, {{"OCF_RA_VERSION_MAJOR", "1"}, {"OCF_RA_VERSION_MINOR", "1"}});
  write_file(folder / "meta-data.xml", meta_data.out);
  Conditions xmllint;
  xmllint.program = "/usr/bin/xmllint";
  const auto run = run_agent({"--noout", "--nonet", "--relaxng", file, folder / "meta-data.xml"}, {}, xmllint);
  return run.code == 0 ? "" : run.err;
}

TEST(MetaData, ValidatesAgainstTheSchemaOfPcsInForm11) { EXPECT_EQ(objections("pcs-ocf-1.1.rng"), ""); }

TEST(MetaData, ValidatesAgainstTheSchemaOfPacemakerInForm11) { EXPECT_EQ(objections("pacemaker-ocf-ra-1.1.rng"), ""); }

}  // namespace
}  // namespace pgsqlms::test
