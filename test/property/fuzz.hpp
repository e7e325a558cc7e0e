// SPDX-License-Identifier: PostgreSQL
// For the fuzz targets: a parser takes any bytes, and what it makes of them must hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace pgsqlms::property {

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// Ends the run with a crash, which libFuzzer keeps the input of.
inline void must_hold(bool is_so, const char* what) {
  if (is_so) return;
  std::cerr << "does not hold: " << what << '\n';
  std::abort();
}

}  // namespace pgsqlms::property

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
