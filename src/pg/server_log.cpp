// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/pg/server_log.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "pgsqlms/text.hpp"

namespace pgsqlms::pg {
namespace {

/// What crm_mon shows well. Older versions of Pacemaker cut a reason after 128 bytes, so what tells most stands first.
constexpr std::size_t kLongestReason = 200;

// ---- Reading

struct SeverityWord {
  std::string_view word;
  Severity severity;
};

/// In the languages that PostgreSQL's messages are translated to; Cyrillic also as a server with the locale C writes
/// it, in Latin letters.
constexpr SeverityWord kSeverities[] = {
    {"LOG", Severity::Log},
    {"ჟურნალი", Severity::Log},
    {"로그", Severity::Log},
    {"СООБЩЕНИЕ", Severity::Log},
    {"SOOBSHHENIE", Severity::Log},
    {"LOGG", Severity::Log},
    {"ЗАПИСУВАННЯ", Severity::Log},
    {"ZAPISUVANNYA", Severity::Log},
    {"日志", Severity::Log},
    {"WARNING", Severity::Warning},
    {"WARNUNG", Severity::Warning},
    {"ATTENTION", Severity::Warning},
    {"ATTENZIONE", Severity::Warning},
    {"გაფრთხილება", Severity::Warning},
    {"경고", Severity::Warning},
    {"ПРЕДУПРЕЖДЕНИЕ", Severity::Warning},
    {"PREDUPREZHDENIE", Severity::Warning},
    {"VARNING", Severity::Warning},
    {"ПОПЕРЕДЖЕННЯ", Severity::Warning},
    {"POPEREDZHENNYA", Severity::Warning},
    {"警告", Severity::Warning},
    {"FATAL", Severity::Fatal},
    {"FATALE", Severity::Fatal},
    {"ფატალური", Severity::Fatal},
    {"치명적오류", Severity::Fatal},
    {"ВАЖНО", Severity::Fatal},
    {"VAZHNO", Severity::Fatal},
    {"FATALT", Severity::Fatal},
    {"ФАТАЛЬНО", Severity::Fatal},
    {"FATAL`NO", Severity::Fatal},
    {"致命错误", Severity::Fatal},
    {"PANIC", Severity::Panic},
    {"PANIK", Severity::Panic},
    {"PANICO", Severity::Panic},
    {"პანიკა", Severity::Panic},
    {"손상", Severity::Panic},
    {"ПАНИКА", Severity::Panic},
    {"PANIKA", Severity::Panic},
    {"ПАНІКА", Severity::Panic},
    {"比致命错误还过分的错误", Severity::Panic},
};

struct FieldWord {
  std::string_view word;
  std::string LogEntry::*field;
};

/// What stands before the further lines of an entry.
const FieldWord kFields[] = {
    {"DETAIL", &LogEntry::detail},      {"DETALLE", &LogEntry::detail},    {"DÉTAIL", &LogEntry::detail},
    {"D?TAIL", &LogEntry::detail},      {"DETTAGLI", &LogEntry::detail},   {"詳細", &LogEntry::detail},
    {"დეტალები", &LogEntry::detail},    {"상세정보", &LogEntry::detail},   {"ПОДРОБНОСТИ", &LogEntry::detail},
    {"PODROBNOSTI", &LogEntry::detail}, {"DETALJ", &LogEntry::detail},     {"ВІДОМОСТІ", &LogEntry::detail},
    {"VIDOMOSTI", &LogEntry::detail},   {"详细信息", &LogEntry::detail},   {"HINT", &LogEntry::hint},
    {"TIPP", &LogEntry::hint},          {"SUGERENCIA", &LogEntry::hint},   {"ASTUCE", &LogEntry::hint},
    {"SUGGERIMENTO", &LogEntry::hint},  {"ヒント", &LogEntry::hint},       {"მინიშნება", &LogEntry::hint},
    {"힌트", &LogEntry::hint},          {"ПОДСКАЗКА", &LogEntry::hint},    {"PODSKAZKA", &LogEntry::hint},
    {"TIPS", &LogEntry::hint},          {"УКАЗІВКА", &LogEntry::hint},     {"UKAZIVKA", &LogEntry::hint},
    {"提示", &LogEntry::hint},          {"CONTEXT", &LogEntry::context},   {"ZUSAMMENHANG", &LogEntry::context},
    {"CONTEXTO", &LogEntry::context},   {"CONTEXTE", &LogEntry::context},  {"CONTESTO", &LogEntry::context},
    {"文脈", &LogEntry::context},       {"კონტექსტი", &LogEntry::context}, {"내용", &LogEntry::context},
    {"КОНТЕКСТ", &LogEntry::context},   {"KONTEKST", &LogEntry::context},  {"KONTEXT", &LogEntry::context},
    {"上下文", &LogEntry::context},
};

std::string LogEntry::*field_of(std::string_view word) {
  const auto* const found =
      std::find_if(std::begin(kFields), std::end(kFields), [&](const auto& row) { return row.word == word; });
  return found == std::end(kFields) ? nullptr : found->field;
}

constexpr std::string_view kDigits = "0123456789";

/// The number that a text begins with; 0 if it does not.
int leading_number(std::string_view text) {
  return parse_number<int>(text.substr(0, text.find_first_not_of(kDigits))).value_or(0);
}

/// "2026-11-28 11:14:08.123 UTC [4711] ", or with another log_line_prefix "4711 ".
int process_in(std::string_view prefix) {
  for (auto at = prefix.find('['); at != std::string_view::npos; at = prefix.find('[', at + 1)) {
    if (const int number = leading_number(prefix.substr(at + 1))) return number;
  }
  for (const auto word : words(prefix)) {
    if (const auto number = parse_number<int>(word)) return *number;
  }
  return 0;
}

/// One line of the log as it stands there: prefix, a word for what it is, text.
struct StderrLine {
  std::string_view prefix;
  std::string_view word;
  std::string_view text;
};

std::optional<StderrLine> split_stderr_line(std::string_view line) {
  // In every language two blanks follow; French has one before the colon as well.
  constexpr std::string_view kEndOfWord = ":  ";
  const auto end = line.find(kEndOfWord);
  if (end == std::string_view::npos) return std::nullopt;
  const auto head = trimmed(line.substr(0, end));
  const auto begin = head.find_last_of(" \t]:") + 1;  // 0 where none is found
  return StderrLine{head.substr(0, begin), head.substr(begin), trimmed(line.substr(end + kEndOfWord.size()))};
}

// ---- CSV

/// The fields of each record. Quoted ones may go on in the next line.
std::vector<std::vector<std::string>> read_csv(std::string_view text) {
  std::vector<std::vector<std::string>> records(1, {""});
  bool is_quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    const bool is_doubled = is_quoted && letter == '"' && at + 1 < text.size() && text[at + 1] == '"';
    if (is_doubled) records.back().back() += text[at++];
    else if (letter == '"') is_quoted = !is_quoted;
    else if (letter == ',' && !is_quoted) records.back().emplace_back();
    else if (letter == '\n' && !is_quoted) records.push_back({""});
    else records.back().back() += letter;
  }
  return records;
}

// ---- Choosing

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Whether the SQLSTATE is that of an error, not of success, a warning or nothing found.
bool is_error_state(std::string_view sqlstate) {
  const auto sort = sqlstate.substr(0, 2);
  return !sort.empty() && sort != "00" && sort != "01" && sort != "02";
}

/// The server refuses a client, or ends a process, because it starts or stops itself. Words where there is no better.
bool is_about_another_end(const LogEntry& entry) {
  if (!entry.sqlstate.empty()) return entry.sqlstate.compare(0, 4, "57P0") == 0;
  return entry.message.compare(0, 23, "the database system is ") == 0 ||
         entry.message.compare(0, 12, "terminating ") == 0;
}

/// The process whose end a line of the postmaster tells: "startup process (PID 4711) exited with exit code 1". In every
/// language the number stands so. Background workers, which are named in quotes, come and go; 0 for them, too.
int process_named_in(const LogEntry& entry) {
  constexpr std::string_view kBegin = "(PID ";
  const auto at = entry.message.find(kBegin);
  if (at == std::string::npos || entry.severity == Severity::Fatal) return 0;
  const std::string_view name = std::string_view(entry.message).substr(0, at);
  for (const auto* const quote : {"\"", "»", "«", "“", "”", "„"}) {
    if (has(name, quote)) return 0;
  }
  return leading_number(std::string_view(entry.message).substr(at + kBegin.size()));
}

using Entries = std::vector<LogEntry>;

/// The postmaster names others, and has the last word.
int find_postmaster(const Entries& entries) {
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (entry->backend_type == "postmaster" || process_named_in(*entry) != 0) return entry->process;
  }
  const auto last =
      std::find_if(entries.rbegin(), entries.rend(), [](const auto& entry) { return entry.process != 0; });
  return last == entries.rend() ? 0 : last->process;
}

/// In a language whose words are not known, or cannot be written in the server's encoding, the SQLSTATE tells.
bool is_fatal(const LogEntry& entry) {
  if (is_about_another_end(entry)) return false;
  if (entry.severity == Severity::Other) return is_error_state(entry.sqlstate);
  return entry.severity == Severity::Fatal || entry.severity == Severity::Panic;
}

/// What the postmaster's FATAL follows from, where that tells only that its configuration is wrong, or that it has no
/// address: the line that names parameter, file or address. The entry itself if it tells all.
const LogEntry& sharpest(const Entries& entries, const LogEntry& fatal) {
  std::vector<const LogEntry*> before;
  for (const auto& entry : entries) {
    if (&entry == &fatal) break;
    if (entry.process == fatal.process) before.push_back(&entry);
  }
  if (before.empty()) return fatal;
  const auto first_that = [&](auto tells) {
    const auto found = std::find_if(before.begin(), before.end(), [&](const auto* entry) { return tells(*entry); });
    return found == before.end() ? nullptr : *found;
  };
  if (has(fatal.message, ".conf")) {
    const auto* const line = first_that([](const auto& entry) {
      return entry.sqlstate.compare(0, 2, "00") != 0 && (has(entry.message, ".conf") || has(entry.context, ".conf"));
    });
    // The configuration is read before anything else.
    return line != nullptr ? *line : *before.front();
  }
  const bool names_something = has(fatal.message, "\"") || has(fatal.message, ": ");
  // "could not bind ...", a warning that there is no socket for that, and in the end that there is no socket at all.
  const bool follows_from_warning = before.size() > 1 && (before.back()->severity == Severity::Warning ||
                                                          before.back()->sqlstate.compare(0, 2, "01") == 0);
  return !names_something && follows_from_warning ? *before[before.size() - 2] : fatal;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const auto word : words(text)) line += (line.empty() ? "" : " ") + std::string(word);
  return line;
}

std::string without_full_stop(std::string text) {
  if (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

/// Without what follows on the number of a line in a configuration file: that is a word of the line, and may be a
/// secret.
std::string without_token(const std::string& message) {
  const auto file = message.rfind(".conf");
  if (file == std::string::npos) return message;
  const auto number = message.find_first_of(kDigits, file);
  return message.substr(0, message.find_first_not_of(kDigits, number));
}

/// The message, then what explains it, then what helps if all of that can be read.
std::string told_by(const LogEntry& entry) {
  auto text = without_token(one_line(entry.message));
  if (!entry.detail.empty()) text += ": " + without_full_stop(one_line(entry.detail));
  if (has(entry.context, ".conf")) text += ": " + one_line(entry.context);
  auto with_hint = text + ": " + without_full_stop(one_line(entry.hint));
  if (!entry.hint.empty() && with_hint.size() <= kLongestReason) return with_hint;
  return shortened(text, kLongestReason);
}

/// A postmaster that gives up says why before its last line, "database system is shut down", or in it: also where it
/// was no FATAL, or where the words are not known.
std::string last_words(const Entries& entries, int postmaster) {
  const LogEntry* last = nullptr;
  const LogEntry* before = nullptr;
  const LogEntry* request = nullptr;
  for (const auto& entry : entries) {
    if (entry.process != postmaster) continue;
    before = std::exchange(last, &entry);
    if (has(entry.message, "shutdown request")) request = &entry;
  }
  if (request != nullptr) return told_by(*request);
  for (const auto* const entry : {last, before}) {
    if (entry != nullptr && (has(entry->message, ": ") || has(entry->message, ".conf"))) {
      return told_by(sharpest(entries, *entry));
    }
  }
  return {};
}

/// What the process said last, if the words for how bad it is are not known; else it had said so.
const LogEntry* last_of_unknown_words(const Entries& entries, int process) {
  const auto last =
      std::find_if(entries.rbegin(), entries.rend(), [&](const auto& entry) { return entry.process == process; });
  return last == entries.rend() || last->severity != Severity::Other ? nullptr : &*last;
}

}  // namespace

Severity severity_of(std::string_view word) {
  const auto* const found =
      std::find_if(std::begin(kSeverities), std::end(kSeverities), [&](const auto& row) { return row.word == word; });
  return found == std::end(kSeverities) ? Severity::Other : found->severity;
}

std::vector<LogEntry> read_stderr_log(std::string_view log) {
  Entries entries;
  std::string* text = nullptr;
  for (const auto line : split(log, "\n")) {
    if (!line.empty() && line.front() == '\t' && text != nullptr) {
      *text += "\n" + std::string(trimmed(line));
      continue;
    }
    text = nullptr;
    const auto parts = split_stderr_line(line);
    if (!parts) continue;
    if (const auto field = field_of(parts->word); field != nullptr && !entries.empty()) {
      text = &(entries.back().*field);
    } else {
      LogEntry entry;
      entry.severity = severity_of(parts->word);
      entry.process = process_in(parts->prefix);
      entries.push_back(std::move(entry));
      text = &entries.back().message;
    }
    *text = parts->text;
  }
  return entries;
}

std::vector<LogEntry> read_csv_log(std::string_view log) {
  // Counted from 0, as the documentation of csvlog has them. The last one came with PostgreSQL 13.
  enum Column { kProcess = 3, kSeverity = 11, kState, kMessage, kDetail, kHint, kContext = 18, kBackendType = 23 };
  Entries entries;
  for (auto& record : read_csv(log)) {
    if (record.size() <= kContext) continue;
    entries.push_back({severity_of(record[kSeverity]), record[kState], parse_number<int>(record[kProcess]).value_or(0),
                       record.size() > kBackendType ? record[kBackendType] : "", record[kMessage], record[kDetail],
                       record[kHint], record[kContext]});
  }
  return entries;
}

std::string reason_for_end(const std::vector<LogEntry>& entries) {
  const int postmaster = find_postmaster(entries);
  std::set<int> culprits = {postmaster};
  const LogEntry* last_named = nullptr;
  for (const auto& entry : entries) {
    const int named = entry.process == postmaster ? process_named_in(entry) : 0;
    if (named == 0) continue;
    culprits.insert(named);
    last_named = &entry;
  }
  const auto ends = std::find_if(entries.rbegin(), entries.rend(), [&](const auto& entry) {
    return is_fatal(entry) && (entry.severity == Severity::Panic || culprits.count(entry.process) > 0);
  });
  if (ends != entries.rend()) return told_by(ends->process == postmaster ? sharpest(entries, *ends) : *ends);
  if (last_named == nullptr) return last_words(entries, postmaster);
  const auto* const said = last_of_unknown_words(entries, process_named_in(*last_named));
  // What a process was about when it was killed is a client's affair: without the DETAIL.
  return said != nullptr ? told_by(*said) : shortened(one_line(last_named->message), kLongestReason);
}

std::string shortened(std::string_view text, std::size_t limit) {
  constexpr std::string_view kMore = "...";
  auto line = one_line(text);
  if (line.size() <= limit) return line;
  const auto room = limit - std::min(limit, kMore.size());
  auto end = line.rfind(' ', room);
  if (end == std::string::npos) {
    // A language without blanks: not in the middle of a letter.
    constexpr unsigned char kTailBits = 0xC0;
    constexpr unsigned char kTail = 0x80;
    for (end = room; end > 0 && (static_cast<unsigned char>(line[end]) & kTailBits) == kTail;) --end;
  }
  return line.substr(0, end) + std::string(kMore);
}

}  // namespace pgsqlms::pg
