// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/action.hpp"

#include <algorithm>
#include <iterator>

namespace pgsqlms::ocf {

const ActionSpec* find_action(std::string_view name) {
  const auto* const row =
      std::find_if(std::begin(kActions), std::end(kActions), [&](const auto& spec) { return spec.name == name; });
  return row == std::end(kActions) ? nullptr : row;
}

const ActionSpec& spec_of(Action action) {
  return *std::find_if(std::begin(kActions), std::end(kActions),
                       [&](const auto& spec) { return spec.action == action; });
}

}  // namespace pgsqlms::ocf
