// SPDX-License-Identifier: PostgreSQL
// Runs the tests, as the user that PGSQLMS_TESTS_AS names if it names one.
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <iostream>

#include "pgsqlms/system/user.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const char* const name = std::getenv("PGSQLMS_TESTS_AS")) {
    const auto user = pgsqlms::system::find_user(name);
    if (!user || !pgsqlms::system::become(pgsqlms::system::with_groups(*user))) {
      std::cerr << "cannot become " << name << '\n';
      return 1;
    }
    prctl(PR_SET_DUMPABLE, 1);  // else /proc/self belongs to root
  }
  return RUN_ALL_TESTS();
}
