// SPDX-License-Identifier: PostgreSQL
#include <algorithm>
#include <vector>

#include "fuzz.hpp"
#include "pgsqlms/ocf/context.hpp"
#include "pgsqlms/ocf/notify_context.hpp"
#include "pgsqlms/ocf/parameters.hpp"
#include "pgsqlms/text.hpp"

using namespace pgsqlms;

namespace {

/// One variable in each line.
ocf::Environment environment_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto line : split(text, "\n")) lines.emplace_back(line.substr(0, line.find('\0')));
  std::vector<const char*> variables;
  for (const auto& line : lines) variables.push_back(line.c_str());
  variables.push_back(nullptr);
  return ocf::Environment::from(variables.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto environment = environment_of(property::text_of(bytes, size));
  const auto context = ocf::NotifyContext::read(environment);
  if (!context) return 0;
  const auto nodes = ocf::participants(*context);
  for (const auto& node : nodes) {
    property::must_hold(std::count(nodes.begin(), nodes.end(), node) == 1, "a participant is named once");
    property::must_hold(ocf::contains(context->start, node) || !ocf::contains(context->stop, node),
                        "who is stopped is no participant");
    property::must_hold(!node.empty() && node.find_first_of(" \t\n") == std::string::npos, "a node's name is a word");
  }
  return 0;
}
