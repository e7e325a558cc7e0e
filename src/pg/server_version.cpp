// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/server_version.hpp"

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

constexpr int kFirstOneNumberVersion = 10;

}  // namespace

std::optional<ServerVersion> ServerVersion::parse(std::string_view text) {
  text = trimmed(text);
  const auto parts = split(text, ".");
  if (parts.empty() || text.back() == '.' || parts.size() > 2) return std::nullopt;
  const auto major = parse_number<unsigned short>(parts[0]);
  const auto minor = parse_number<unsigned short>(parts.size() == 2 ? parts[1] : "0");
  if (!major || !minor || *minor > 99) return std::nullopt;
  if (*major >= kFirstOneNumberVersion)
    return parts.size() == 1 ? std::optional(ServerVersion{*major * 10000}) : std::nullopt;
  return ServerVersion{*major * 10000 + *minor * 100};
}

std::string to_string(ServerVersion version) {
  const int major = version.number / 10000;
  if (major >= kFirstOneNumberVersion) return std::to_string(major);
  return std::to_string(major) + '.' + std::to_string(version.number / 100 % 100);
}

}  // namespace pgsqlms::pg
