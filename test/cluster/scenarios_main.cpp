// SPDX-License-Identifier: PostgreSQL
// The scenarios: without a word of its own all of them. `up` and `down` bring the cluster up for several runs and take
// it down again.
#include "scenario.hpp"

int main(int argument_count, char** arguments) {
  ::testing::InitGoogleTest(&argument_count, arguments);
  return pgsqlms::scenario::run_scenarios(argument_count, arguments);
}
