// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/meta_data.hpp"

#include <gtest/gtest.h>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <map>
#include <set>
#include <sstream>

#include "pgsqlms/ocf/action.hpp"
#include "pgsqlms/ocf/parameters.hpp"
#include "pgsqlms/version.hpp"

namespace pgsqlms::ocf {
namespace {

using Tree = boost::property_tree::ptree;

constexpr MetaDataForm kForms[] = {MetaDataForm::Ocf10, MetaDataForm::Ocf11};

/// Reading throws if the document is not well-formed.
Tree meta_data(MetaDataForm form) {
  std::stringstream text;
  print_meta_data(text, form);
  Tree tree;
  boost::property_tree::read_xml(text, tree);
  return tree.get_child("resource-agent");
}

std::map<std::string, Tree> parameters_of(const Tree& agent) {
  std::map<std::string, Tree> parameters;
  for (const auto& [tag, parameter] : agent.get_child("parameters")) {
    if (tag == "parameter") parameters[parameter.get<std::string>("<xmlattr>.name")] = parameter;
  }
  return parameters;
}

std::multimap<std::string, Tree> actions_of(const Tree& agent) {
  std::multimap<std::string, Tree> actions;
  for (const auto& [tag, action] : agent.get_child("actions")) {
    if (tag == "action") actions.emplace(action.get<std::string>("<xmlattr>.name"), action);
  }
  return actions;
}

std::set<std::string> monitor_roles(MetaDataForm form) {
  const auto actions = actions_of(meta_data(form));
  std::set<std::string> roles;
  const auto [begin, end] = actions.equal_range("monitor");
  for (auto monitor = begin; monitor != end; ++monitor) roles.insert(monitor->second.get("<xmlattr>.role", ""));
  return roles;
}

TEST(MetaData, IsWellFormedInBothForms) {
  for (const auto form : kForms) EXPECT_NO_THROW(static_cast<void>(meta_data(form)));
}

TEST(MetaData, TellsTheAgentsVersionApartFromThatOfOcf) {
  EXPECT_EQ(meta_data(MetaDataForm::Ocf10).get<std::string>("version"), "1.0");
  EXPECT_EQ(meta_data(MetaDataForm::Ocf11).get<std::string>("version"), "1.1");
  for (const auto form : kForms) {
    EXPECT_EQ(meta_data(form).get<std::string>("<xmlattr>.version"), kVersion);
    EXPECT_EQ(meta_data(form).get<std::string>("<xmlattr>.name"), "pgsqlms");
  }
}

TEST(MetaData, HoldsEveryParameterWithTheDefaultThatIsRead) {
  const auto defaults = read_parameters({});
  for (const auto form : kForms) {
    const auto parameters = parameters_of(meta_data(form));
    EXPECT_EQ(parameters.size(), std::size(kParameters));
    for (const auto& spec : kParameters) {
      SCOPED_TRACE(spec.name);
      const auto& parameter = parameters.at(std::string(spec.name));
      EXPECT_EQ(parameter.get<std::string>("content.<xmlattr>.default"), defaults.*spec.member);
      EXPECT_EQ(parameter.get("<xmlattr>.unique", "0") == "1", spec.unique);
      EXPECT_EQ(parameter.get<std::string>("shortdesc"), spec.short_description);
    }
  }
}

TEST(MetaData, ShowsReloadableParametersInTheNewFormOnly) {
  for (const auto& spec : kParameters) {
    SCOPED_TRACE(spec.name);
    const auto reloadable = [&](MetaDataForm form) {
      return parameters_of(meta_data(form)).at(std::string(spec.name)).get("<xmlattr>.reloadable", "0") == "1";
    };
    EXPECT_FALSE(reloadable(MetaDataForm::Ocf10));
    EXPECT_EQ(reloadable(MetaDataForm::Ocf11), spec.reloadable);
  }
}

TEST(MetaData, NamesTheRolesAsItsFormDoes) {
  EXPECT_EQ(monitor_roles(MetaDataForm::Ocf10), (std::set<std::string>{"Master", "Slave"}));
  EXPECT_EQ(monitor_roles(MetaDataForm::Ocf11), (std::set<std::string>{"Promoted", "Unpromoted"}));
}

TEST(MetaData, OffersReloadAgentInTheNewFormOnly) {
  EXPECT_EQ(actions_of(meta_data(MetaDataForm::Ocf10)).count("reload-agent"), 0U);
  EXPECT_EQ(actions_of(meta_data(MetaDataForm::Ocf11)).count("reload-agent"), 1U);
}

TEST(MetaData, HoldsEveryOtherActionWithItsTimeout) {
  for (const auto form : kForms) {
    const auto actions = actions_of(meta_data(form));
    for (const auto& spec : kActions) {
      if (spec.action == Action::ReloadAgent || spec.action == Action::Monitor) continue;
      SCOPED_TRACE(spec.name);
      const auto found = actions.find(std::string(spec.name));
      ASSERT_NE(found, actions.end());
      EXPECT_EQ(found->second.get("<xmlattr>.timeout", ""), std::to_string(spec.timeout.count()) + "s");
    }
  }
}

TEST(MetaDataForm, IsTheNewOneIfTheCallerSpeaksIt) {
  struct Row {
    const char* major;
    const char* minor;
    MetaDataForm form;
  };
  constexpr Row kRows[] = {
      {"", "", MetaDataForm::Ocf10},   {"1", "", MetaDataForm::Ocf10},  {"1", "0", MetaDataForm::Ocf10},
      {"1", "1", MetaDataForm::Ocf11}, {"1", "2", MetaDataForm::Ocf11}, {"1", "10", MetaDataForm::Ocf11},
      {"2", "0", MetaDataForm::Ocf11}, {"0", "9", MetaDataForm::Ocf10}, {"one", "one", MetaDataForm::Ocf10},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(std::string(row.major) + "." + row.minor);
    EXPECT_EQ(meta_data_form({{"OCF_RA_VERSION_MAJOR", row.major}, {"OCF_RA_VERSION_MINOR", row.minor}}), row.form);
  }
  EXPECT_EQ(meta_data_form({}), MetaDataForm::Ocf10);
}

TEST(Methods, ArePrintedALineEachAndOnce) {
  std::stringstream text;
  print_methods(text);
  std::multiset<std::string> printed;
  for (std::string line; std::getline(text, line);) printed.insert(line);
  std::multiset<std::string> expected;
  for (const auto& spec : kActions) {
    if (expected.count(std::string(spec.name)) == 0) expected.emplace(spec.name);
  }
  EXPECT_EQ(printed, expected);
}

}  // namespace
}  // namespace pgsqlms::ocf
