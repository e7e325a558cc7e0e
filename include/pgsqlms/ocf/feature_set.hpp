// SPDX-License-Identifier: PostgreSQL
// FeatureSet: the version of Pacemaker's feature set (crm_feature_set), compared number by number.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace pgsqlms::ocf {

struct FeatureSet {
  std::array<int, 3> numbers{};

  /// Parses "3.16.1"; a missing third number is 0. Nothing if the text is not a version.
  [[nodiscard]] static std::optional<FeatureSet> parse(std::string_view text);

  [[nodiscard]] friend bool operator<(const FeatureSet& a, const FeatureSet& b) { return a.numbers < b.numbers; }
};

/// Pacemaker 1.1.13, the oldest that the agent works with.
inline constexpr FeatureSet kOldestFeatureSet{{3, 0, 10}};
/// Pacemaker 1.1.16, the first whose notify_active_uname holds promoted and unpromoted instances too.
inline constexpr FeatureSet kActiveListIsComplete{{3, 0, 11}};

}  // namespace pgsqlms::ocf
