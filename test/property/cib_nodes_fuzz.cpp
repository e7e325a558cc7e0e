// SPDX-License-Identifier: PostgreSQL
#include "fuzz.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/pacemaker_cluster.hpp"

using namespace pgsqlms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) try {
  const std::string text(property::text_of(bytes, size));
  for (const auto& [node, score] : system::parse_scores(text, "master-pgsqld")) {
    property::must_hold(!score || (*score >= -cluster::kInfinity && *score <= cluster::kInfinity),
                        "a score is in its bounds");
  }
  return 0;
} catch (const ocf::Failure&) {
  return 0;  // what is no such XML is refused; anything else that is thrown is a fault
}
