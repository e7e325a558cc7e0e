// SPDX-License-Identifier: PostgreSQL
#include "fuzz.hpp"
#include "pgsqlms/cluster/promotion_score.hpp"
#include "pgsqlms/pg/server_version.hpp"
#include "pgsqlms/pg/wal_position.hpp"

using namespace pgsqlms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto text = property::text_of(bytes, size);
  if (const auto lsn = pg::Lsn::parse(text)) {
    property::must_hold(pg::Lsn::parse(to_string(*lsn)) == lsn, "an LSN is read back as it is printed");
  }
  if (const auto position = pg::WalPosition::parse(text)) {
    property::must_hold(pg::WalPosition::parse(published_form(*position)) == position,
                        "a position is read back as it is published");
    property::must_hold(position->timeline != 0, "there is no timeline 0");
  }
  if (const auto score = cluster::parse_score(text)) {
    property::must_hold(cluster::parse_score(cluster::to_string(*score)) == score, "a score is read back");
    property::must_hold(*score >= -cluster::kInfinity && *score <= cluster::kInfinity, "a score is in its bounds");
  }
  if (const auto version = pg::ServerVersion::parse(text)) {
    property::must_hold(pg::ServerVersion::parse(to_string(*version)).has_value(), "a version is read back");
  }
  return 0;
}
