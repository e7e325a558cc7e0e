// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/command_line.hpp"

#include <boost/program_options.hpp>
#include <iomanip>
#include <vector>

#include "pgsqlms/ocf/action.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/ocf/parameters.hpp"

namespace pgsqlms::system {
namespace {

namespace options = boost::program_options;

options::options_description visible_options() {
  options::options_description visible("Options");
  visible.add_options()("help", "print this help")("version", "print the agent's version");
  options::options_description parameters("Parameters, which overrule the environment's OCF_RESKEY_*");
  for (const auto& spec : ocf::kParameters) {
    parameters.add_options()(std::string(spec.name).c_str(), options::value<std::string>()->value_name("VALUE"),
                             std::string(spec.short_description).c_str());
  }
  return visible.add(parameters);
}

}  // namespace

CommandLine read_command_line(int argc, const char* const* argv, ocf::Environment& environment) try {
  options::options_description all = visible_options();
  all.add_options()("arguments", options::value<std::vector<std::string>>());
  options::positional_options_description positional;
  positional.add("arguments", -1);
  options::variables_map values;
  // No guessing of abbreviated names: a parameter must be meant.
  constexpr auto kStyle = options::command_line_style::default_style & ~options::command_line_style::allow_guessing;
  options::store(options::command_line_parser(argc, argv).options(all).positional(positional).style(kStyle).run(),
                 values);

  CommandLine line;
  line.help = values.count("help") > 0;
  line.version = values.count("version") > 0;
  if (values.count("arguments") > 0) line.action = values["arguments"].as<std::vector<std::string>>().front();
  for (const auto& spec : ocf::kParameters) {
    const std::string name(spec.name);
    if (values.count(name) > 0) environment.set("OCF_RESKEY_" + name, values[name].as<std::string>());
  }
  return line;
} catch (const options::error& error) {
  throw ocf::Failure(ocf::ReturnCode::ErrArgs, std::string("command line: ") + error.what());
}

void print_help(std::ostream& out) {
  out << "Usage: pgsqlms [OPTION]... ACTION\n\n"
         "OCF resource agent that keeps PostgreSQL alive under Pacemaker. Pacemaker calls it with an action and\n"
         "parameters in the environment; by hand the parameters can be given as options.\n\nActions:\n";
  std::string_view last;
  for (const auto& spec : ocf::kActions) {
    if (spec.name != last) out << "  " << std::left << std::setw(14) << spec.name << spec.summary << '\n';
    last = spec.name;
  }
  out << '\n' << visible_options();
}

}  // namespace pgsqlms::system
