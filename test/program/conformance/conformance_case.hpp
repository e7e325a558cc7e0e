// SPDX-License-Identifier: PostgreSQL
// ConformanceCase: one situation, one action, and what this agent and PAF's answer to it.
#pragma once

#include <string>
#include <vector>

#include "scene.hpp"

namespace pgsqlms::test {

/// The code of an agent that does not end by itself; it is cut off.
inline constexpr int kDoesNotReturn = -1;

struct Expected {
  int code;
  std::string found;   ///< what `look` finds afterwards; empty where there is no `look`
  std::string reason;  ///< what the exit reason has in it; empty: not looked at
};

struct ConformanceCase {
  /// The promises that it shows, and a sentence: M5_ASaturatedServerIsAlive.
  std::string name;
  std::string situation;
  void (*prepare)(Scene& scene);
  /// `monitor` is the recurring one, `probe` the other; what follows in brackets is for people.
  std::string action;
  std::string (*look)(Scene& scene);
  Expected ours;
  Expected paf;
  std::string why;     ///< why they differ; empty where they must agree
  std::string issues;  ///< numbers of PAF's issues where users met it: "#10, #205"
};

using Cases = std::vector<ConformanceCase>;

[[nodiscard]] Cases validation_cases();
[[nodiscard]] Cases monitor_cases();
[[nodiscard]] Cases start_and_stop_cases();
[[nodiscard]] Cases role_cases();
[[nodiscard]] Cases election_cases();
[[nodiscard]] Cases score_cases();
[[nodiscard]] Cases interface_cases();
[[nodiscard]] Cases all_cases();

/// The ids that a case's name begins with.
[[nodiscard]] std::vector<std::string> ids_of(const std::string& name);

/// Puts the situation up, lets both agents act in it, and says what was not as expected; empty if all was.
[[nodiscard]] std::string judge(const ConformanceCase& subject);

[[nodiscard]] inline bool differs(const ConformanceCase& subject) { return !subject.why.empty(); }

/// The case's line in docs/differences-from-paf.md.
[[nodiscard]] std::string difference_line(const ConformanceCase& subject);
[[nodiscard]] std::string differences_document(const Cases& cases);

}  // namespace pgsqlms::test
