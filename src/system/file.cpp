// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

#include "pgsqlms/ocf/answer.hpp"

namespace pgsqlms::system {
namespace {

[[noreturn]] void refuse(const std::string& path, const char* what) {
  const int error = errno;
  throw ocf::Failure("cannot " + std::string(what) + " \"" + path + "\": " + std::strerror(error));
}

void write_all(int file, const std::string& contents, const std::string& path) {
  std::size_t done = 0;
  while (done < contents.size()) {
    const auto count = write(file, contents.data() + done, contents.size() - done);
    if (count < 0 && errno != EINTR) refuse(path, "write");
    if (count > 0) done += static_cast<std::size_t>(count);
  }
}

/// Closes and, unless told to keep it, removes the half-written file.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)), file_(create(path_)) {}
  ~NewFile() {
    close(file_);
    if (!kept_) unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void fill(const std::string& contents) {
    write_all(file_, contents, path_);
    if (fchmod(file_, S_IRUSR | S_IWUSR) != 0 || fsync(file_) != 0) refuse(path_, "write");
  }
  void rename_to(const std::string& path) {
    if (rename(path_.c_str(), path.c_str()) != 0) refuse(path, "replace");
    kept_ = true;
  }

 private:
  static int create(const std::string& path) {
    unlink(path.c_str());  // left by a run that was killed
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) refuse(path, "create");
    return file;
  }

  std::string path_;
  int file_;
  bool kept_ = false;
};

void sync_directory(const std::string& path) {
  const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) refuse(path, "open");
  const int result = fsync(directory);
  close(directory);
  if (result != 0) refuse(path, "fsync");
}

}  // namespace

bool is_directory(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

std::optional<std::string> read_file(const std::string& path, std::size_t limit) {
  // Not blocking, so that a FIFO in the file's place cannot hold the agent up.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  struct stat status {};
  std::optional<std::string> contents;
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
    const auto size = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
    std::string text(std::min(size, limit), '\0');
    const auto count = pread(file, text.data(), text.size(), static_cast<off_t>(size - text.size()));
    if (count >= 0) contents = text.substr(0, static_cast<std::size_t>(count));
  }
  close(file);
  return contents;
}

std::string target_of_link(const std::string& link) {
  std::array<char, PATH_MAX> target{};
  const auto size = readlink(link.c_str(), target.data(), target.size());
  return {target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

std::vector<std::string> names_in(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
  std::vector<std::string> names;
  while (const dirent* const entry = entries ? readdir(entries.get()) : nullptr) names.emplace_back(entry->d_name);
  return names;
}

std::size_t count_files(const std::string& directory, const std::string& end_of_name) {
  const auto names = names_in(directory);
  const auto size = end_of_name.size();
  return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const auto& name) {
    return name.size() > size && name.compare(name.size() - size, size, end_of_name) == 0;
  }));
}

std::optional<std::chrono::seconds> age_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  const auto age = std::time(nullptr) - status.st_mtime;
  if (age < 0) return std::nullopt;  // the clock was set back: nobody knows
  return std::chrono::seconds(age);
}

void replace_file(const std::string& directory, const std::string& name, const std::string& contents) {
  NewFile file(directory + "/" + name + ".pgsqlms");
  file.fill(contents);
  file.rename_to(directory + "/" + name);
  sync_directory(directory);
}

void remove_file(const std::string& directory, const std::string& name) {
  const auto path = directory + "/" + name;
  if (unlink(path.c_str()) == 0) return sync_directory(directory);
  if (errno != ENOENT) refuse(path, "remove");
}

}  // namespace pgsqlms::system
