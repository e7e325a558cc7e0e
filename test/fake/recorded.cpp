// SPDX-License-Identifier: PostgreSQL
#include "fake/recorded.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "pgsqlms/text.hpp"

namespace pgsqlms::fake {
namespace {

const std::string kData = PGSQLMS_TEST_DATA;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

void add_files(const std::string& root, const std::string& below, std::vector<std::string>& files) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir((root + below).c_str()));
  if (directory == nullptr) throw std::runtime_error("no directory " + root + below);
  while (const auto* const entry = readdir(directory.get())) {
    const std::string name(static_cast<const char*>(entry->d_name));
    if (name == "." || name == "..") continue;
    struct stat status {};
    if (stat((root + below + "/" + name).c_str(), &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) add_files(root, below + "/" + name, files);
    if (S_ISREG(status.st_mode)) files.push_back((below + "/" + name).substr(1));
  }
}

}  // namespace

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + path);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

std::vector<std::string> files_below(const std::string& directory) {
  std::vector<std::string> files;
  add_files(directory, "", files);
  std::sort(files.begin(), files.end());
  return files;
}

std::string recorded(const std::string& name) { return contents_of(kData + "/" + name); }

ocf::Environment recorded_environment(const std::string& call) {
  const auto text = recorded("ocf-env/" + call);
  std::vector<std::string> lines;
  for (const auto line : split(text, "\n")) lines.emplace_back(line);
  std::vector<const char*> variables;
  for (const auto& line : lines) variables.push_back(line.c_str());
  variables.push_back(nullptr);
  return ocf::Environment::from(variables.data());
}

std::vector<std::string> recorded_calls(const std::string& transition) {
  auto calls = files_below(kData + "/ocf-env/" + transition);
  for (auto& call : calls) call = transition + "/" + call;
  return calls;
}

}  // namespace pgsqlms::fake
