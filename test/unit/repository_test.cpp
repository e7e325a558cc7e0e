// SPDX-License-Identifier: PostgreSQL
// What the design promises about the source as a whole.
#include <gtest/gtest.h>
#include <regex.h>

#include <map>
#include <set>
#include <stdexcept>

#include "fake/recorded.hpp"
#include "pgsqlms/text.hpp"

namespace pgsqlms {
namespace {

struct Line {
  std::string file;    ///< below src or include/pgsqlms
  std::string folder;  ///< the layer: "ocf", "action", ...; empty for files that are in none
  std::string text;
};

/// An extended regular expression of POSIX.
class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    if (regcomp(&compiled_, text.c_str(), REG_EXTENDED) != 0) throw std::invalid_argument(text);
  }
  ~Pattern() { regfree(&compiled_); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  [[nodiscard]] bool matches(const Line& line) const {
    return regexec(&compiled_, line.text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
};

std::string without_comment(std::string_view line) { return std::string(line.substr(0, line.find("//"))); }

void add_lines(const std::string& root, std::vector<Line>& lines) {
  for (const auto& file : fake::files_below(root)) {
    const auto ends_with = [&](std::string_view end) {
      return file.size() > end.size() && file.compare(file.size() - end.size(), end.size(), end) == 0;
    };
    if (!ends_with(".cpp") && !ends_with(".hpp")) continue;
    const auto slash = file.find('/');
    const auto text = fake::contents_of(root + "/" + file);
    for (const auto line : split(text, "\n")) {
      lines.push_back({file, slash == std::string::npos ? "" : file.substr(0, slash), without_comment(line)});
    }
  }
}

/// Every line of the agent's source, without comments.
const std::vector<Line>& source() {
  static const auto lines = [] {
    std::vector<Line> all;
    add_lines(PGSQLMS_SOURCE "/src", all);
    add_lines(PGSQLMS_SOURCE "/include/pgsqlms", all);
    return all;
  }();
  return lines;
}

/// How many lines of each file match.
std::map<std::string, int> matches(const std::string& text) {
  const Pattern pattern(text);
  std::map<std::string, int> found;
  for (const auto& line : source()) {
    if (pattern.matches(line)) ++found[line.file];
  }
  return found;
}

std::set<std::string> files_matching(const std::string& text) {
  std::set<std::string> files;
  for (const auto& [file, count] : matches(text)) files.insert(file);
  return files;
}

/// The layers that the files of a layer include.
std::set<std::string> layers_included_by(const std::string& layer) {
  constexpr std::string_view kInclude = "#include \"pgsqlms/";
  std::set<std::string> layers;
  for (const auto& line : source()) {
    if (line.folder != layer || line.text.compare(0, kInclude.size(), kInclude) != 0) continue;
    const auto included = line.text.substr(kInclude.size());
    const auto slash = included.find('/');
    if (slash != std::string::npos) layers.insert(included.substr(0, slash));
  }
  return layers;
}

bool is_core(const std::string& folder) {
  const std::set<std::string> layers = {"", "ocf", "pg", "cluster", "decision"};
  return layers.count(folder) > 0;
}

TEST(Source, IsFound) {
  EXPECT_GT(source().size(), 1000U);
  EXPECT_EQ(layers_included_by("action").count("decision"), 1U);
}

TEST(Source, LeavesTheProgramThroughMainOnly) {
  EXPECT_EQ(files_matching("(^|[^_])(exit|_Exit|terminate)\\("), std::set<std::string>{});
  // A child between fork and exec is another program already.
  EXPECT_EQ(files_matching("_exit\\("), std::set<std::string>{"system/subprocess.cpp"});
  // Who cannot give back another user's rights must not go on with them.
  EXPECT_EQ(files_matching("abort\\("), std::set<std::string>{"system/user.cpp"});
}

TEST(Source, CatchesAFailureOnlyWhereTheDesignSays) {
  const std::map<std::string, int> expected = {{"main.cpp", 1},
                                               {"action/scoring.cpp", 1},
                                               {"action/shutdown.cpp", 1},
                                               {"action/notifications.cpp", 1},
                                               {"action/standby_start.cpp", 2},
                                               {"action/verbs.cpp", 8},
                                               {"action/voting.cpp", 3},
                                               {"action/watching.cpp", 3}};
  EXPECT_EQ(matches("catch \\(const ocf::Failure&"), expected);
}

TEST(Source, CatchesOtherExceptionsOnlyWhereALibraryThrowsThem) {
  auto files = files_matching("catch *\\(");
  for (const auto* file :
       {"action/scoring.cpp", "action/notifications.cpp", "action/shutdown.cpp", "action/standby_start.cpp",
        "action/verbs.cpp", "action/voting.cpp", "action/watching.cpp"}) {
    files.erase(file);
  }
  const std::set<std::string> expected = {
      "main.cpp",           "system/command_line.cpp",      "system/local_instance.cpp",
      "system/logging.cpp", "system/pacemaker_cluster.cpp", "system/server_log.cpp"};
  EXPECT_EQ(files, expected);
  EXPECT_EQ(matches("catch *\\(\\.\\.\\."), (std::map<std::string, int>{}));
}

TEST(Source, RunsNoShell) {
  EXPECT_EQ(files_matching("popen\\(|(^|[^a-z_])system\\(|/bin/sh|bash"), std::set<std::string>{});
}

TEST(Source, WaitsThroughTheClockOnly) {
  EXPECT_EQ(files_matching("sleep_for|sleep_until|usleep\\(|nanosleep\\("),
            std::set<std::string>{"system/steady_clock.hpp"});
}

TEST(Source, NeverAnswersThatTheResourceIsWronglyConfigured) {
  EXPECT_EQ(matches("ErrConfigured"), (std::map<std::string, int>{{"ocf/answer.hpp", 1}}));
}

TEST(Layers, IncludeOnlyWhatLiesBelowThem) {
  struct Row {
    const char* layer;
    std::set<std::string> below;
  };
  const Row rows[] = {
      {"ocf", {"ocf"}},
      {"pg", {"pg", "ocf"}},
      {"cluster", {"cluster", "ocf"}},
      {"decision", {"decision", "pg", "cluster", "ocf"}},
      {"action", {"action", "decision", "pg", "cluster", "ocf"}},
      {"system", {"system", "pg", "cluster", "ocf"}},
  };
  for (const auto& row : rows) {
    for (const auto& layer : layers_included_by(row.layer)) {
      EXPECT_EQ(row.below.count(layer), 1U) << row.layer << " includes " << layer;
    }
  }
}

TEST(Core, IncludesNothingButTheStandardLibrary) {
  // Only the standard library's headers have names without a dot and a slash.
  const Pattern other("#include <.*[./].*>");
  for (const auto& line : source()) {
    if (!is_core(line.folder) || line.file == "main.cpp") continue;
    EXPECT_FALSE(other.matches(line)) << line.file << ": " << line.text;
  }
}

TEST(Action, ReachesTheMachineThroughItsDoorsOnly) {
  for (const auto& line : source()) {
    if (line.folder != "action") continue;
    const bool is_logging = line.text == "#include <spdlog/spdlog.h>";
    EXPECT_TRUE(is_logging || !Pattern("#include <.*[./].*>").matches(line)) << line.file << ": " << line.text;
  }
}

}  // namespace
}  // namespace pgsqlms
