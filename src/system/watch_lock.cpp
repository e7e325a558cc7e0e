// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/watch_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/system/file.hpp"

namespace pgsqlms::system {
namespace {

constexpr const char* kFolder = "/run/pgsqlms";

/// A name that no other directory has.
std::string file_name(const std::string& directory) {
  std::string name;
  for (const char letter : directory) {
    if (letter == '/') name += "%2F";
    else if (letter == '%') name += "%25";
    else name += letter;
  }
  return name + ".watch";
}

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

[[noreturn]] void refuse(const std::string& path) {
  throw ocf::Failure("cannot lock \"" + path + "\": " + std::strerror(errno));
}

}  // namespace

WatchLock::WatchLock(const std::string& data_directory)
    : path_(std::string(kFolder) + "/" + file_name(data_directory)) {}

std::optional<WatchLock::Holder> WatchLock::holder() const {
  const Descriptor file(open(path_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  auto lock = whole_file();
  if (!file.is_open() || fcntl(file.number(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  if (lock.l_pid <= 0) return std::nullopt;  // somebody in another container: out of reach
  return Holder{lock.l_pid, read_file(path_).value_or("")};
}

bool WatchLock::take(const std::string& order) {
  mkdir(kFolder, S_IRWXU);  // an error shows when the file is opened
  Descriptor file(open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.is_open()) refuse(path_);
  auto lock = whole_file();
  if (fcntl(file.number(), F_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return false;
    refuse(path_);
  }
  const auto size = static_cast<ssize_t>(order.size());
  if (ftruncate(file.number(), 0) != 0 || pwrite(file.number(), order.data(), order.size(), 0) != size) refuse(path_);
  file_ = std::move(file);
  return true;
}

}  // namespace pgsqlms::system
