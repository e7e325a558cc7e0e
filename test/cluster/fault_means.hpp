// SPDX-License-Identifier: PostgreSQL
// Orders, blows and questions that several faults are made of.
#pragma once

#include <string>

#include "faults.hpp"

namespace pgsqlms::scenario {

/// Of every node's instance, outside of its data directory.
inline const std::string kConfiguration = "/etc/postgresql/15/main/postgresql.conf";
inline const std::string kData = "/var/lib/postgresql/15/main";
inline const std::string kPrograms = "/usr/lib/postgresql/15/bin/";

/// A node that gives up its resources, and takes them again.
void put_into_standby(const NodeName& node);
void take_out_of_standby(const NodeName& node);
/// The same, and PostgreSQL is stopped there.
void stop_on_node(const NodeName& node);

/// So that PostgreSQL cannot be started there any more, and can again.
void break_the_configuration(const NodeName& node);
void mend_the_configuration(const NodeName& node);

/// The last position that the standby has received.
[[nodiscard]] std::string received_lsn(const NodeName& standby);
/// From then on the standby receives nothing.
void freeze_the_wal_sender_to(const FaultScenario& scenario, const NodeName& standby);
/// Waits for it.
[[nodiscard]] ::testing::AssertionResult has_more_wal_than(const NodeName& node, const NodeName& standby);

/// For as long as several elections take. `why` ends the sentence "nobody is promoted".
[[nodiscard]] ::testing::AssertionResult is_nobody_promoted(const FaultScenario& scenario, const std::string& why);

}  // namespace pgsqlms::scenario
