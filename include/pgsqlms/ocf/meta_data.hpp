// SPDX-License-Identifier: PostgreSQL
// The agent's description of itself for Pacemaker, pcs and crmsh, written from the tables of actions and parameters.
#pragma once

#include <ostream>

#include "pgsqlms/ocf/environment.hpp"

namespace pgsqlms::ocf {

/// The forms of meta-data. Form 1.0 is what resource-agents' ra-api-1.dtd and Pacemaker before 2.1.0 know.
enum class MetaDataForm { Ocf10, Ocf11 };

/// Ocf11 if the caller says that it speaks OCF 1.1 (OCF_RA_VERSION_MAJOR and _MINOR; Pacemaker since 2.1.0).
[[nodiscard]] MetaDataForm meta_data_form(const Environment& environment);

void print_meta_data(std::ostream& out, MetaDataForm form);

/// The names of all actions, a line each.
void print_methods(std::ostream& out);

}  // namespace pgsqlms::ocf
