// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/action/agent.hpp"

#include <algorithm>

namespace pgsqlms::action {

using std::chrono_literals::operator""ms;

Deadline deadline_of(Clock& clock, Duration timeout) {
  const auto margin = std::clamp<Duration>(timeout / 10, std::min<Duration>(500ms, timeout / 2), 3000ms);
  return {clock, timeout - margin};
}

pg::TemplateNames template_names(const Agent& agent) { return {agent.host_name, agent.cluster.local_node()}; }

bool is_stop_following(const Agent& agent) {
  const auto& transition = agent.context.transition;
  return transition && ocf::contains(transition->stop, agent.cluster.local_node());
}

}  // namespace pgsqlms::action
