// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/parameters.hpp"

#include "pgsqlms/text.hpp"

namespace pgsqlms::ocf {
namespace {

std::optional<Answer> invalid(ReturnCode code, std::string_view name, const std::string& value, std::string_view need) {
  return Answer{code, "parameter " + std::string(name) + "=\"" + value + "\" " + std::string(need)};
}

}  // namespace

ResourceParameters read_parameters(const Environment& environment) {
  ResourceParameters parameters;
  for (const auto& spec : kParameters) {
    const auto value = environment.find("OCF_RESKEY_" + std::string(spec.name)).value_or("");
    parameters.*spec.member = value.empty() || value == "0" ? std::string(spec.default_value) : value;
  }
  if (parameters.datadir.empty()) parameters.datadir = parameters.pgdata;
  if (parameters.recovery_template.empty()) parameters.recovery_template = parameters.pgdata + "/recovery.conf.pcmk";
  return parameters;
}

std::optional<Answer> find_invalid_parameter(const ResourceParameters& parameters) {
  const auto port = parse_number<unsigned>(parameters.pgport);
  if (!port || *port < 1 || *port > 65535) {
    return invalid(ReturnCode::ErrArgs, "pgport", parameters.pgport, "is not a port number from 1 to 65535");
  }
  if (!parse_number<std::uint64_t>(parameters.maxlag)) {
    return invalid(ReturnCode::ErrInstalled, "maxlag", parameters.maxlag, "is not a number of bytes, 0 or greater");
  }
  if (!is_boolean(parameters.watch)) {
    return invalid(ReturnCode::ErrArgs, "watch", parameters.watch,
                   "is neither true (yes, on, 1) nor false (no, off, 0)");
  }
  for (const auto& [name, value] : {std::pair{"bindir", parameters.bindir}, std::pair{"pgdata", parameters.pgdata},
                                    std::pair{"datadir", parameters.datadir}}) {
    if (value.front() != '/') return invalid(ReturnCode::ErrArgs, name, value, "is not an absolute path");
  }
  return std::nullopt;
}

std::optional<std::uint64_t> lag_limit(const ResourceParameters& parameters) {
  const auto limit = parse_number<std::uint64_t>(parameters.maxlag);
  return limit && *limit > 0 ? limit : std::nullopt;
}

}  // namespace pgsqlms::ocf
