// SPDX-License-Identifier: PostgreSQL
// Chance: the random inputs of a property, the same for the same seed.
//
// The seed is PGSQLMS_SEED, else always the same one. A failure names the seed with which it can be seen again.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace pgsqlms::property {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}

  /// A number from 0 to limit - 1.
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  bool one_in(std::uint64_t times) { return below(times) == 0; }
  template <typename Value>
  const Value& one_of(const std::vector<Value>& values) {
    return values[below(values.size())];
  }
  template <typename Value>
  std::vector<Value> shuffled(std::vector<Value> values) {
    std::shuffle(values.begin(), values.end(), engine_);
    return values;
  }

 private:
  std::mt19937_64 engine_;
};

/// Tries the property on that many inputs, each made from a seed of its own.
inline void try_often(const std::function<void(Chance&)>& property, int times = 2000) {
  const char* const given = std::getenv("PGSQLMS_SEED");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  for (std::uint64_t seed = first; seed < first + static_cast<std::uint64_t>(times); ++seed) {
    Chance chance(seed);
    property(chance);
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "again with PGSQLMS_SEED=" << seed;
      return;
    }
  }
}

}  // namespace pgsqlms::property
