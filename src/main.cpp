// SPDX-License-Identifier: PostgreSQL
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <iostream>

#include "pgsqlms/action/run.hpp"
#include "pgsqlms/action/watching.hpp"
#include "pgsqlms/ocf/meta_data.hpp"
#include "pgsqlms/system/command_line.hpp"
#include "pgsqlms/system/local_instance.hpp"
#include "pgsqlms/system/local_watcher.hpp"
#include "pgsqlms/system/logging.hpp"
#include "pgsqlms/system/pacemaker_cluster.hpp"
#include "pgsqlms/system/steady_clock.hpp"
#include "pgsqlms/version.hpp"

namespace {

using namespace pgsqlms;

/// What is opened later must not take the place of a standard stream that the caller closed.
void open_closed_streams() {
  int number = open("/dev/null", O_RDWR);
  while (number >= 0 && number <= STDERR_FILENO) number = open("/dev/null", O_RDWR);
  if (number >= 0) close(number);
}

std::string host_name() {
  utsname names{};
  uname(&names);
  return names.nodename;
}

/// Puts together what every action needs, and runs it.
template <typename Run>
auto with_agent(const ocf::Environment& environment, ocf::Action action, Run run) {
  const auto context = ocf::Context::read(environment, action);
  const auto parameters = ocf::read_parameters(environment);
  system::SteadyClock clock;
  system::LocalInstance instance(parameters);
  system::PacemakerCluster cluster(context, environment, clock);
  system::LocalWatcher watcher(parameters, environment);
  action::Agent agent{context,    parameters, instance, cluster, watcher, action::deadline_of(clock, context.timeout),
                      host_name()};
  return run(agent);
}

ocf::Answer act(const ocf::Environment& environment, ocf::Action action) {
  return with_agent(environment, action, [&](action::Agent& agent) { return action::run(agent, action); });
}

/// The whole life of a watcher. No log is kept open while it sleeps.
ocf::Answer watch(const ocf::Environment& environment) {
  const auto duty = system::WatchDuty::take(ocf::read_parameters(environment), environment);
  if (!duty) return {};
  spdlog::debug("watching the server, process {}", duty->postmaster());
  system::stop_logging();
  system::SteadyClock clock;
  duty->end_of_server().wait(clock);
  system::start_logging(environment);
  spdlog::warn("the server has ended, process {}", duty->postmaster());
  with_agent(environment, ocf::Action::Monitor, action::report_death);
  if (const auto manner = duty->end_of_server().manner()) spdlog::info("the server ended {}", *manner);
  return {};
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

std::string unknown_action(const std::string& name) {
  return (name.empty() ? "no action given" : "unknown action \"" + name + "\"") + ", see pgsqlms --help";
}

/// Prints what needs neither the instance nor the cluster. Returns false if there is nothing of that kind to print.
bool print_what_was_asked(const system::CommandLine& line, const ocf::Environment& environment) {
  const auto* const spec = ocf::find_action(line.action);
  if (line.help) system::print_help(std::cout);
  else if (line.version) std::cout << "pgsqlms " << kVersion << '\n';
  else if (spec != nullptr && spec->action == ocf::Action::Methods) ocf::print_methods(std::cout);
  else if (spec != nullptr && spec->action == ocf::Action::MetaData)
    ocf::print_meta_data(std::cout, ocf::meta_data_form(environment));
  else return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  open_closed_streams();
  auto environment = ocf::Environment::from(environ);
  system::CommandLine line;
  spdlog::set_level(spdlog::level::off);  // spdlog's own default would print to stdout
  try {
    line = system::read_command_line(argc, argv, environment);
    if (print_what_was_asked(line, environment)) return 0;
    system::start_logging(environment);
    if (line.action == system::kWatch) return report(environment, watch(environment), line.action);
    const auto* const spec = ocf::find_action(line.action);
    if (spec == nullptr) throw ocf::Failure(ocf::ReturnCode::ErrUnimplemented, unknown_action(line.action));
    return report(environment, act(environment, spec->action), line.action);
  } catch (const ocf::Failure& failure) {
    return report(environment, failure.answer(), line.action);
  } catch (const std::exception& error) {
    return report(environment, {ocf::ReturnCode::ErrGeneric, std::string("internal error: ") + error.what()},
                  line.action);
  }
}
