// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/server_output.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgsqlms/system/file.hpp"
#include "scratch_folder.hpp"
#include "scratch_instance.hpp"

namespace pgsqlms::test {
namespace {

TEST(OutputFile, IsDebiansLogOfAClusterOfDebian) {
  EXPECT_EQ(system::output_file_of("/etc/postgresql/15/main", "/var/lib/postgresql/15/main"),
            "/var/log/postgresql/postgresql-15-main.log");
  EXPECT_EQ(system::output_file_of("/etc/postgresql/9.6/shop-2", "/srv/pg"),
            "/var/log/postgresql/postgresql-9.6-shop-2.log");
}

TEST(OutputFile, IsTheSameWhateverTheDirectoryEndsWith) {
  EXPECT_EQ(system::output_file_of("/etc/postgresql/15/main/", "/srv/pg"),
            "/var/log/postgresql/postgresql-15-main.log");
  EXPECT_EQ(system::output_file_of("/srv/pg/", "/srv/pg//"), "/var/log/pgsqlms/srv-pg.log");
}

TEST(ServerOutput, IsMadeByRootInItsOwnFolderOnly) {
  const test::ScratchFolder folder;
  const auto elsewhere = "/var/log/pgsqlms/../../.." + folder.path() + "/made-by-root";
  if (!test::is_root()) GTEST_SKIP() << "needs root";
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(chown(folder.path().c_str(), 0, 0), 0);
  EXPECT_EQ(system::writable_output_file(elsewhere, "/no/such", test::scratch_user()), "/dev/null");
  EXPECT_FALSE(system::exists(folder.path() + "/made-by-root"));
}

TEST(OutputFile, IsNamedAfterTheDataDirectoryElsewhere) {
  EXPECT_EQ(system::output_file_of("/var/lib/pgsql/15/data", "/var/lib/pgsql/15/data"),
            "/var/log/pgsqlms/var-lib-pgsql-15-data.log");
  EXPECT_EQ(system::output_file_of("/etc/postgresql", "/srv/pg"), "/var/log/pgsqlms/srv-pg.log");
  EXPECT_EQ(system::output_file_of("/etc/postgresql/15/main/more", "/srv/pg"), "/var/log/pgsqlms/srv-pg.log");
}

TEST(OutputFile, HasNothingInItsNameThatAShellWouldFind) {
  EXPECT_EQ(system::output_file_of("/d", "/d/a b$(c)\"`d"), "/var/log/pgsqlms/d-a-b--c---d.log");
  EXPECT_EQ(system::output_file_of("/etc/postgresql/15/$(c)", "/srv/pg"), "/var/log/pgsqlms/srv-pg.log");
}

}  // namespace
}  // namespace pgsqlms::test
