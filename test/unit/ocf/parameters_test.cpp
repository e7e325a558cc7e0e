// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/ocf/parameters.hpp"

#include <gtest/gtest.h>

#include <set>

#include "fake/printing.hpp"

namespace pgsqlms::ocf {
namespace {

struct Default {
  const char* name;
  std::string value;
};

const Default kDefaults[] = {
    {"system_user", "postgres"},
    {"bindir", "/usr/bin"},
    {"pgdata", "/var/lib/pgsql/data"},
    {"datadir", "/var/lib/pgsql/data"},
    {"pghost", PGSQLMS_DEFAULT_PGHOST},
    {"pgport", "5432"},
    {"start_opts", ""},
    {"maxlag", "0"},
    {"recovery_template", "/var/lib/pgsql/data/recovery.conf.pcmk"},
    {"watch", "false"},
};

const ParameterSpec& spec_named(std::string_view name) {
  for (const auto& spec : kParameters) {
    if (spec.name == name) return spec;
  }
  throw std::out_of_range("no parameter " + std::string(name));
}

std::string read_one(const std::string& name, const std::string& value) {
  return read_parameters({{"OCF_RESKEY_" + name, value}}).*spec_named(name).member;
}

ResourceParameters with(const std::string& name, const std::string& value) {
  auto parameters = read_parameters({});
  parameters.*spec_named(name).member = value;
  return parameters;
}

TEST(Parameters, AreThoseOfThePredecessorAndWatch) {
  std::set<std::string_view> names;
  std::set<std::string_view> expected;
  for (const auto& spec : kParameters) names.insert(spec.name);
  for (const auto& row : kDefaults) expected.insert(row.name);
  EXPECT_EQ(names, expected);
  EXPECT_EQ(std::size(kParameters), std::size(kDefaults));
}

TEST(Parameters, HaveAMemberOfTheirOwnAndADescription) {
  for (const auto& spec : kParameters) {
    SCOPED_TRACE(spec.name);
    EXPECT_FALSE(spec.short_description.empty());
    EXPECT_FALSE(spec.long_description.empty());
    for (const auto& other : kParameters) EXPECT_EQ(spec.member == other.member, &spec == &other);
  }
}

TEST(ReadParameters, TakesTheDefaultForWhatIsMissingEmptyOrZero) {
  for (const auto& row : kDefaults) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(read_parameters({}).*spec_named(row.name).member, row.value);
    EXPECT_EQ(read_one(row.name, ""), row.value);
    EXPECT_EQ(read_one(row.name, "0"), row.value);
  }
}

TEST(ReadParameters, TakesWhatIsGiven) {
  for (const auto& row : kDefaults) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(read_one(row.name, "/given 'so'"), "/given 'so'");
  }
}

TEST(ReadParameters, DerivesDatadirAndTemplateFromPgdata) {
  const auto parameters = read_parameters({{"OCF_RESKEY_pgdata", "/srv/pg"}});
  EXPECT_EQ(parameters.datadir, "/srv/pg");
  EXPECT_EQ(parameters.recovery_template, "/srv/pg/recovery.conf.pcmk");
}

TEST(ReadParameters, KeepsDatadirApartFromPgdata) {
  const auto parameters = read_parameters({{"OCF_RESKEY_pgdata", "/etc/pg"}, {"OCF_RESKEY_datadir", "/srv/pg"}});
  EXPECT_EQ(parameters.pgdata, "/etc/pg");
  EXPECT_EQ(parameters.datadir, "/srv/pg");
}

TEST(FindInvalidParameter, AcceptsTheDefaults) { EXPECT_FALSE(find_invalid_parameter(read_parameters({}))); }

TEST(FindInvalidParameter, AcceptsTheLimits) {
  for (const auto* port : {"1", "5433", "65535"}) {
    SCOPED_TRACE(port);
    EXPECT_FALSE(find_invalid_parameter(with("pgport", port)));
  }
  for (const auto* lag : {"0", "1", "18446744073709551615"}) {
    SCOPED_TRACE(lag);
    EXPECT_FALSE(find_invalid_parameter(with("maxlag", lag)));
  }
}

TEST(FindInvalidParameter, AcceptsWhatPacemakerTakesForABoolean) {
  for (const auto* value : {"true", "TRUE", "on", "yes", "Y", "1", "false", "False", "off", "no", "n", "0"}) {
    SCOPED_TRACE(value);
    EXPECT_FALSE(find_invalid_parameter(with("watch", value)));
  }
}

TEST(FindInvalidParameter, NamesTheParameterAndItsValue) {
  struct Row {
    const char* name;
    const char* value;
    ReturnCode code;
  };
  constexpr Row kRows[] = {
      {"pgport", "65536", ReturnCode::ErrArgs},      {"pgport", "-1", ReturnCode::ErrArgs},
      {"pgport", "5432 ", ReturnCode::ErrArgs},      {"pgport", "5432a", ReturnCode::ErrArgs},
      {"pgport", "postgresql", ReturnCode::ErrArgs}, {"maxlag", "-5", ReturnCode::ErrInstalled},
      {"maxlag", "inf", ReturnCode::ErrInstalled},   {"maxlag", "nan", ReturnCode::ErrInstalled},
      {"maxlag", " 7", ReturnCode::ErrInstalled},    {"maxlag", "1.5", ReturnCode::ErrInstalled},
      {"maxlag", "16MB", ReturnCode::ErrInstalled},  {"maxlag", "18446744073709551616", ReturnCode::ErrInstalled},
      {"bindir", "bin", ReturnCode::ErrArgs},        {"pgdata", "data", ReturnCode::ErrArgs},
      {"datadir", "~/data", ReturnCode::ErrArgs},    {"watch", "maybe", ReturnCode::ErrArgs},
      {"watch", "2", ReturnCode::ErrArgs},           {"watch", "true ", ReturnCode::ErrArgs},
  };
  for (const auto& row : kRows) {
    const auto shown = std::string(row.name) + "=\"" + row.value + "\"";
    SCOPED_TRACE(shown);
    const auto answer = find_invalid_parameter(with(row.name, row.value));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->code, row.code);
    EXPECT_NE(answer->reason.find(shown), std::string::npos) << answer->reason;
  }
}

TEST(LagLimit, IsThatOfMaxlagUnlessItIsZeroOrMalformed) {
  EXPECT_EQ(lag_limit(with("maxlag", "1048576")), 1048576U);
  EXPECT_EQ(lag_limit(with("maxlag", "0")), std::nullopt);
  EXPECT_EQ(lag_limit(with("maxlag", "a lot")), std::nullopt);
}

}  // namespace
}  // namespace pgsqlms::ocf
