// SPDX-License-Identifier: PostgreSQL
// How the tests print the agent's types where an expectation fails.
#pragma once

#include <ostream>

#include "pgsqlms/decision/instance_state.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/pg/control_data.hpp"
#include "pgsqlms/pg/wal_position.hpp"

namespace pgsqlms::ocf {
inline std::ostream& operator<<(std::ostream& out, ReturnCode code) { return out << "code " << static_cast<int>(code); }
}  // namespace pgsqlms::ocf

namespace pgsqlms::pg {
inline std::ostream& operator<<(std::ostream& out, Lsn lsn) { return out << to_string(lsn); }
inline std::ostream& operator<<(std::ostream& out, const WalPosition& position) { return out << to_string(position); }
inline std::ostream& operator<<(std::ostream& out, DbState state) { return out << to_string(state); }
}  // namespace pgsqlms::pg

namespace pgsqlms::decision {
inline std::ostream& operator<<(std::ostream& out, InstanceState state) { return out << answer_of(state).name; }
}  // namespace pgsqlms::decision
