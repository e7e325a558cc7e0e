// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/feature_set.hpp"

#include "pgsqlms/text.hpp"

namespace pgsqlms::ocf {

std::optional<FeatureSet> FeatureSet::parse(std::string_view text) {
  if (text.empty() || text.back() == '.') return std::nullopt;
  const auto parts = split(text, ".");
  FeatureSet version;
  if (parts.size() < 2 || parts.size() > version.numbers.size()) return std::nullopt;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = parse_number<unsigned short>(parts[i]);
    if (!number) return std::nullopt;
    version.numbers[i] = *number;
  }
  return version;
}

}  // namespace pgsqlms::ocf
