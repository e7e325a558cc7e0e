// SPDX-License-Identifier: PostgreSQL
// The faults: each alone, or hundreds in a row.
//   cluster_faults                                    each as a test of its own; any option of GoogleTest
//   cluster_faults --campaign 300 --seed 7            so many in random order; the same seed makes the same choices
//   cluster_faults --campaign 50 --cluster five       those of five nodes; `remote`: of three and a remote one
// With --synchronous a commit is acknowledged only when one standby has it. What was seen goes to the folder that
// --kept names, for `fault_report`.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

#include "faults.hpp"

namespace pgsqlms::scenario {
namespace {

class FaultCase : public FaultScenario {
 public:
  FaultCase(const Fault& fault, unsigned seed, bool synchronous) : FaultScenario(seed, synchronous), fault_(fault) {}

  [[nodiscard]] const Shape& shape() const override { return *fault_.shape; }

  void TestBody() override {
    describe(fault_.name, fault_.what, fault_.outcome);
    fault_.make(*this);
    if (!HasFatalFailure()) mend();
  }

 private:
  const Fault& fault_;
};

void add_case(const char* suite, const std::string& name, const Fault& fault, unsigned seed, bool synchronous) {
  ::testing::RegisterTest(
      suite, name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
      [&fault, seed, synchronous]() -> FaultScenario* { return new FaultCase(fault, seed, synchronous); });
}

std::vector<const Fault*> faults_for(bool synchronous) {
  std::vector<const Fault*> possible;
  for (const auto& fault : all_faults()) {
    if (!synchronous || !fault.needs_asynchronous) possible.push_back(&fault);
  }
  return possible;
}

/// What --cluster may say.
const std::map<std::string, const Shape*> kShapes = {
    {"three", &kThreeNodes}, {"five", &kFiveNodes}, {"remote", &kThreeNodesAndARemoteOne}};

void add_campaign(int count, const Shape* shape, unsigned seed, bool synchronous) {
  auto possible = faults_for(synchronous);
  possible.erase(
      std::remove_if(possible.begin(), possible.end(), [&](const auto* fault) { return fault->shape != shape; }),
      possible.end());
  std::mt19937 random(seed);
  for (int number = 1; number <= count; ++number) {
    const auto& fault = *possible[random() % possible.size()];
    char prefix[16];
    std::snprintf(prefix, sizeof prefix, "%04d_", number);
    add_case("Campaign", prefix + fault.name, fault, static_cast<unsigned>(random()), synchronous);
  }
}

}  // namespace
}  // namespace pgsqlms::scenario

int main(int argument_count, char** arguments) {
  using namespace pgsqlms::scenario;
  namespace po = boost::program_options;
  ::testing::InitGoogleTest(&argument_count, arguments);
  if (argument_count == 2 && arguments[1][0] != '-') return run_scenarios(argument_count, arguments);

  po::options_description options("cluster_faults [up|down]");
  po::variables_map given;
  options.add_options()("help", "this text")("campaign", po::value<int>()->default_value(0), "how many random faults")(
      "cluster", po::value<std::string>()->default_value("three"), "of a campaign: three, five or remote")(
      "seed", po::value<unsigned>()->default_value(1), "of all random choices")(
      "synchronous", "commits wait for one standby")("kept", po::value<std::string>(), "folder of logs and outcomes");
  try {
    po::store(po::parse_command_line(argument_count, arguments, options), given);
    po::notify(given);
  } catch (const po::error& problem) {
    std::cerr << "cluster_faults: " << problem.what() << "\n" << options;
    return 2;
  }
  if (given.count("help") > 0) return std::cout << options, 0;
  if (given.count("kept") > 0) setenv("PGSQLMS_SCENARIO_LOGS", given["kept"].as<std::string>().c_str(), 1);
  const auto seed = given["seed"].as<unsigned>();
  const bool synchronous = given.count("synchronous") > 0;
  const int count = given["campaign"].as<int>();
  const auto shape = kShapes.find(given["cluster"].as<std::string>());
  if (shape == kShapes.end()) {
    std::cerr << "cluster_faults: there is no cluster \"" << given["cluster"].as<std::string>() << "\"\n" << options;
    return 2;
  }
  if (count > 0) {
    add_campaign(count, shape->second, seed, synchronous);
  } else {
    for (const auto* const fault : faults_for(synchronous)) add_case("Fault", fault->name, *fault, seed, synchronous);
  }
  return run_scenarios(1, arguments);
}
