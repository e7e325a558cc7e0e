// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/synchronous_standbys.hpp"

#include <algorithm>
#include <cctype>

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

char lower(char letter) { return static_cast<char>(std::tolower(static_cast<unsigned char>(letter))); }

/// A word, a quoted name (also of another name's letters, hence the flag), or one of ( ) ,.
struct Token {
  std::string text;
  bool quoted = false;
};

bool is_punctuation(char letter) { return letter == '(' || letter == ')' || letter == ','; }

/// Takes the quoted name at the beginning of `text`, "" in it being one quote. Nothing if it has no end.
std::optional<Token> take_quoted(std::string_view& text) {
  Token token{"", true};
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      if (at + 1 >= text.size() || text[at + 1] != '"') {
        text.remove_prefix(at + 1);
        return token;
      }
      ++at;
    }
    token.text += text[at];
  }
  return std::nullopt;
}

Token take_word(std::string_view& text) {
  std::size_t length = 1;
  const auto is_in_word = [](char letter) {
    return !is_punctuation(letter) && letter != '"' && std::isspace(static_cast<unsigned char>(letter)) == 0;
  };
  if (!is_punctuation(text.front())) {
    while (length < text.size() && is_in_word(text[length])) ++length;
  }
  Token token{std::string(text.substr(0, length)), false};
  text.remove_prefix(length);
  return token;
}

std::optional<std::vector<Token>> read_tokens(std::string_view text) {
  std::vector<Token> tokens;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    if (text.front() != '"') {
      tokens.push_back(take_word(text));
      continue;
    }
    auto token = take_quoted(text);
    if (!token) return std::nullopt;
    tokens.push_back(std::move(*token));
  }
  return tokens;
}

bool is_word(const Token& token, std::string_view word) { return !token.quoted && is_listed_as(token.text, word); }

/// Names with a comma between each two.
std::optional<std::vector<std::string>> read_names(const Token* begin, const Token* end) {
  std::vector<std::string> names;
  for (const auto* token = begin; token != end; ++token) {
    const bool is_name = token->quoted || !is_punctuation(token->text.front());
    if (!is_name) return std::nullopt;
    names.push_back(token->text);
    if (++token == end) return names;
    if (!is_word(*token, ",")) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

bool is_listed_as(std::string_view name, std::string_view application_name) {
  return std::equal(name.begin(), name.end(), application_name.begin(), application_name.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<SynchronousStandbys> parse_synchronous_standby_names(std::string_view setting) {
  const auto tokens = read_tokens(setting);
  if (!tokens) return std::nullopt;
  if (tokens->empty()) return SynchronousStandbys{};
  const auto* token = tokens->data();
  const auto* const end = token + tokens->size();
  SynchronousStandbys standbys;
  standbys.count = 1;
  if (is_word(tokens->back(), ")")) {
    standbys.any = is_word(*token, "any");
    if (standbys.any || is_word(*token, "first")) ++token;
    const auto count = parse_number<std::size_t>(token->text);
    if (end - token < 4 || !count || *count == 0 || !is_word(token[1], "(")) return std::nullopt;
    standbys.count = *count;
    auto names = read_names(token + 2, end - 1);
    if (!names) return std::nullopt;
    standbys.names = std::move(*names);
    return standbys;
  }
  auto names = read_names(token, end);
  if (!names) return std::nullopt;
  standbys.names = std::move(*names);
  return standbys;
}

}  // namespace pgsqlms::pg
