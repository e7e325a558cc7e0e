// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/conninfo.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "pgsqlms/system/libpq.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms::system {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;
using ParsedOptions = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

ParsedOptions parse_with_libpq(const std::string& conninfo) {
  char* message = nullptr;
  ParsedOptions options(libpq().conninfo_parse(conninfo.c_str(), &message), libpq().conninfo_free);
  libpq().freemem(message);  // it may quote a password
  return options;
}

bool is_blank(char letter) { return std::isspace(static_cast<unsigned char>(letter)) != 0; }

/// Takes a value from the front of `text`, as PostgreSQL's manual describes it ("Keyword/Value Connection Strings").
/// Nothing if its closing quote is missing.
std::optional<std::string> take_value(std::string_view& text) {
  const bool is_quoted = !text.empty() && text.front() == '\'';
  if (is_quoted) text.remove_prefix(1);
  std::string value;
  while (!text.empty()) {
    char letter = text.front();
    if (is_quoted ? letter == '\'' : is_blank(letter)) break;
    text.remove_prefix(1);
    if (letter == '\\' && !text.empty()) {
      letter = text.front();
      text.remove_prefix(1);
    }
    value += letter;
  }
  if (is_quoted && text.empty()) return std::nullopt;
  if (is_quoted) text.remove_prefix(1);
  return value;
}

/// The options of "name=value name='value'", whatever their names; nothing if that is not its form.
std::optional<Options> split_pairs(std::string_view text) {
  Options options;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string name(trimmed(text.substr(0, equals)));
    if (name.empty() || std::any_of(name.begin(), name.end(), is_blank)) return std::nullopt;
    text.remove_prefix(equals + 1);
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    auto value = take_value(text);
    if (!value) return std::nullopt;
    options.emplace_back(name, std::move(*value));
  }
  return options;
}

bool is_known(const std::string& name) {
  const auto all = parse_with_libpq("");
  for (const auto* option = all.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (name == option->keyword) return true;
  }
  return false;
}

bool is_uri(const std::string& conninfo) {
  return conninfo.compare(0, 13, "postgresql://") == 0 || conninfo.compare(0, 11, "postgres://") == 0;
}

std::string uri_of_known_options(const std::string& uri) {
  const auto end = std::min(uri.find('?'), uri.size());
  auto kept = uri.substr(0, end);
  char separator = '?';
  for (const auto option : split(std::string_view(uri).substr(std::min(end + 1, uri.size())), "&")) {
    if (!is_known(std::string(option.substr(0, option.find('='))))) continue;
    kept.append(1, separator).append(option);
    separator = '&';
  }
  return kept;
}

std::string pairs_of_known_options(const Options& options) {
  std::string kept;
  for (const auto& [name, value] : options) {
    if (!is_known(name)) continue;
    kept += name + "='";
    for (const char letter : value) kept += (letter == '\'' || letter == '\\' ? "\\" : "") + std::string(1, letter);
    kept += "' ";
  }
  return kept;
}

/// A socket's folder or abstract name, or a numeric address.
bool is_address(const std::string& host) {
  in6_addr address{};
  return host.empty() || host.front() == '/' || host.front() == '@' ||
         inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

std::string known_part_of(const std::string& conninfo) {
  if (is_uri(conninfo)) return uri_of_known_options(conninfo);
  const auto options = split_pairs(conninfo);
  return options ? pairs_of_known_options(*options) : conninfo;
}

bool needs_no_name_service(const std::string& conninfo) {
  const auto options = parse_with_libpq(conninfo);
  if (options == nullptr) return false;
  std::string hosts;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    if (std::string_view(option->keyword) == "hostaddr") return true;
    if (std::string_view(option->keyword) == "host") hosts = option->val;
  }
  const auto all = split(hosts, ",");
  return std::all_of(all.begin(), all.end(), [](auto host) { return is_address(std::string(trimmed(host))); });
}

Conninfo read_conninfo(const std::string& conninfo) {
  auto options = parse_with_libpq(conninfo);
  if (options == nullptr) {
    // The server may have a newer libpq than the agent, and knows best which options there are.
    options = parse_with_libpq(known_part_of(conninfo));
  }
  if (options == nullptr) return {std::nullopt, "it is not a valid connection string"};
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (std::string_view(option->keyword) == "application_name" && option->val != nullptr) return {option->val, ""};
  }
  return {};
}

}  // namespace pgsqlms::system
