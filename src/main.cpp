// SPDX-License-Identifier: PostgreSQL
#include <spdlog/spdlog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <iostream>

#include "pgsqlms/action/run.hpp"
#include "pgsqlms/ocf/meta_data.hpp"
#include "pgsqlms/system/command_line.hpp"
#include "pgsqlms/system/local_instance.hpp"
#include "pgsqlms/system/logging.hpp"
#include "pgsqlms/system/pacemaker_cluster.hpp"
#include "pgsqlms/system/steady_clock.hpp"
#include "pgsqlms/version.hpp"

namespace {

using namespace pgsqlms;

const ocf::ActionSpec& find_action(const std::string& name) {
  if (const auto* const spec = ocf::find_action(name)) return *spec;
  const auto problem = name.empty() ? "no action given" : "unknown action \"" + name + "\"";
  throw ocf::Failure(ocf::ReturnCode::ErrUnimplemented, problem + ", see pgsqlms --help");
}

std::string host_name() {
  utsname names{};
  uname(&names);
  return names.nodename;
}

ocf::Answer act(const ocf::Environment& environment, ocf::Action action) {
  const auto context = ocf::Context::read(environment, action);
  system::start_logging(environment, context.resource);
  const auto parameters = ocf::read_parameters(environment);
  system::SteadyClock clock;
  system::LocalInstance instance(parameters);
  system::PacemakerCluster cluster(context, environment, clock);
  action::Agent agent{context, parameters, instance, cluster, action::deadline_of(clock, context.timeout), host_name()};
  return action::run(agent, action);
}

/// The reason for crm_mon (exit reason on stderr) and the log; on a terminal also the answer itself.
int report(const ocf::Environment& environment, const ocf::Answer& answer, const std::string& action) {
  const int code = static_cast<int>(answer.code);
  if (!answer.reason.empty()) {
    std::cerr << environment.text("OCF_EXIT_REASON_PREFIX").value_or("ocf-exit-reason:") << answer.reason << '\n';
    spdlog::error("{}: {}", action, answer.reason);
  }
  if (isatty(STDERR_FILENO) != 0) std::cerr << "pgsqlms: " << action << " answers " << code << '\n';
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  auto environment = ocf::Environment::from(environ);
  std::string action_name;
  try {
    const auto line = system::read_command_line(argc, argv, environment);
    action_name = line.action;
    if (line.help) return system::print_help(std::cout), 0;
    if (line.version) return std::cout << "pgsqlms " << kVersion << '\n', 0;
    const auto action = find_action(action_name).action;
    if (action == ocf::Action::MetaData) {
      return ocf::print_meta_data(std::cout, ocf::meta_data_form(environment)), 0;
    }
    if (action == ocf::Action::Methods) return ocf::print_methods(std::cout), 0;
    return report(environment, act(environment, action), action_name);
  } catch (const ocf::Failure& failure) {
    return report(environment, failure.answer(), action_name);
  } catch (const std::exception& error) {
    return report(environment, {ocf::ReturnCode::ErrGeneric, std::string("internal error: ") + error.what()},
                  action_name);
  }
}
