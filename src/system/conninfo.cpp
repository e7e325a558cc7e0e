// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/conninfo.hpp"

#include <memory>
#include <string_view>

#include "pgsqlms/system/libpq.hpp"

namespace pgsqlms::system {

Conninfo read_conninfo(const std::string& conninfo) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      libpq().conninfo_parse(conninfo.c_str(), &message), libpq().conninfo_free);
  libpq().freemem(message);  // it may quote a password
  if (options == nullptr) return {std::nullopt, "it is not a valid connection string"};
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (std::string_view(option->keyword) == "application_name" && option->val != nullptr) return {option->val, ""};
  }
  return {};
}

}  // namespace pgsqlms::system
