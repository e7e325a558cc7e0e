// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/meta_data.hpp"

#include <string>
#include <string_view>

#include "pgsqlms/ocf/action.hpp"
#include "pgsqlms/ocf/parameters.hpp"
#include "pgsqlms/text.hpp"
#include "pgsqlms/version.hpp"

namespace pgsqlms::ocf {
namespace {

constexpr std::string_view kShortDescription = "PostgreSQL streaming replication, promoted by Pacemaker";
constexpr std::string_view kLongDescription =
    "Keeps a PostgreSQL primary and its hot standbys alive: starts and stops the instances, recovers them in place,\n"
    "elects the standby with the most WAL when the primary is lost, and switches over without losing a commit.\n"
    "The resource must be a promotable clone with notify=true and promoted-max=1. Fencing is required.\n"
    "The parameters, attributes and exit codes are those of PAF (PostgreSQL Automatic Failover), which it replaces.";

std::string xml_escaped(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    switch (letter) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default: escaped += letter;
    }
  }
  return escaped;
}

std::string_view type_name(ValueType type) {
  switch (type) {
    case ValueType::Integer: return "integer";
    case ValueType::Boolean: return "boolean";
    case ValueType::String: break;
  }
  return "string";
}

std::string default_value(const ParameterSpec& spec) {
  const auto defaults = read_parameters(Environment());
  return defaults.*spec.member;
}

void print_parameter(std::ostream& out, const ParameterSpec& spec, MetaDataForm form) {
  out << "<parameter name=\"" << spec.name << "\"";
  if (spec.unique) out << " unique=\"1\"";
  if (form == MetaDataForm::Ocf11 && spec.reloadable) out << " reloadable=\"1\"";
  out << ">\n"
      << "<longdesc lang=\"en\">\n"
      << xml_escaped(spec.long_description) << "\n</longdesc>\n"
      << "<shortdesc lang=\"en\">" << xml_escaped(spec.short_description) << "</shortdesc>\n"
      << "<content type=\"" << type_name(spec.type) << "\" default=\"" << xml_escaped(default_value(spec)) << "\" />\n"
      << "</parameter>\n";
}

void print_action(std::ostream& out, const ActionSpec& spec, MetaDataForm form) {
  if (form == MetaDataForm::Ocf10 && spec.action == Action::ReloadAgent) return;
  out << "<action name=\"" << spec.name << "\" timeout=\"" << spec.timeout.count() << "s\"";
  if (spec.interval.count() > 0) out << " interval=\"" << spec.interval.count() << "s\"";
  if (spec.role == Role::Promoted) out << " role=\"" << (form == MetaDataForm::Ocf11 ? "Promoted" : "Master") << "\"";
  if (spec.role == Role::Unpromoted) {
    out << " role=\"" << (form == MetaDataForm::Ocf11 ? "Unpromoted" : "Slave") << "\"";
  }
  out << " />\n";
}

}  // namespace

MetaDataForm meta_data_form(const Environment& environment) {
  const auto number = [&](std::string_view name) {
    return parse_number<int>(environment.text(name).value_or("")).value_or(0);
  };
  const auto major = number("OCF_RA_VERSION_MAJOR");
  const auto minor = number("OCF_RA_VERSION_MINOR");
  return major > 1 || (major == 1 && minor >= 1) ? MetaDataForm::Ocf11 : MetaDataForm::Ocf10;
}

void print_meta_data(std::ostream& out, MetaDataForm form) {
  out << "<?xml version=\"1.0\"?>\n"
      << "<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\">\n"
      << "<resource-agent name=\"pgsqlms\" version=\"" << kVersion << "\">\n"
      << "<version>" << (form == MetaDataForm::Ocf11 ? "1.1" : "1.0") << "</version>\n"
      << "<longdesc lang=\"en\">\n"
      << xml_escaped(kLongDescription) << "\n</longdesc>\n"
      << "<shortdesc lang=\"en\">" << xml_escaped(kShortDescription) << "</shortdesc>\n"
      << "<parameters>\n";
  for (const auto& spec : kParameters) print_parameter(out, spec, form);
  out << "</parameters>\n<actions>\n";
  for (const auto& spec : kActions) print_action(out, spec, form);
  out << "</actions>\n</resource-agent>\n";
}

void print_methods(std::ostream& out) {
  std::string_view last;
  for (const auto& spec : kActions) {
    if (spec.name != last) out << spec.name << '\n';
    last = spec.name;
  }
}

}  // namespace pgsqlms::ocf
