// SPDX-License-Identifier: PostgreSQL
#include "fuzz.hpp"
#include "pgsqlms/pg/recovery_settings.hpp"

using namespace pgsqlms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto rendered = pg::render_template(property::text_of(bytes, size), {"host1.example.com", "srv1"});
  property::must_hold(rendered.find("{{node}}") == std::string::npos, "no placeholder is left");
  const auto settings = pg::parse_recovery_conf(rendered);
  for (const auto& [name, value] : settings) property::must_hold(!name.empty(), "a setting has a name");
  pg::RecoverySettings found;
  if (settings.count("standby_mode") > 0) found.standby_mode = settings.at("standby_mode");
  static_cast<void>(pg::find_problem(found, pg::SettingsSource::RecoveryTemplate, "srv1"));
  return 0;
}
