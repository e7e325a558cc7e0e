// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/cluster/promotion_score.hpp"

#include <algorithm>
#include <cstdint>

#include "pgsqlms/text.hpp"

namespace pgsqlms::cluster {

std::optional<PromotionScore> parse_score(std::string_view text) {
  if (text == "INFINITY" || text == "+INFINITY") return kInfinity;
  if (text == "-INFINITY") return -kInfinity;
  if (text.substr(0, 1) == "+" && text.substr(1, 1) != "-") text.remove_prefix(1);
  const auto number = parse_number<std::int64_t>(text);
  if (!number) return std::nullopt;
  return static_cast<PromotionScore>(std::clamp<std::int64_t>(*number, -kInfinity, kInfinity));
}

std::string to_string(PromotionScore score) {
  if (score >= kInfinity) return "INFINITY";
  if (score <= -kInfinity) return "-INFINITY";
  return std::to_string(score);
}

}  // namespace pgsqlms::cluster
