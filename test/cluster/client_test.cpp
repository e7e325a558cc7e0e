// SPDX-License-Identifier: PostgreSQL
// What cluster_client does with a server that vanishes in the middle of an answer, as one does behind a virtual IP that
// moves away: nothing more arrives, not even the end of the connection.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

#include "processes.hpp"
#include "scratch_folder.hpp"

namespace pgsqlms::test {
namespace {

using std::chrono::milliseconds;

/// A message of PostgreSQL's protocol 3.0: its type, its length and itself.
std::string message(char type, const std::string& body) {
  return std::string{type, '\0', '\0', '\0'} + static_cast<char>(body.size() + 4) + body;
}

const std::string kReadyForQuery = message('Z', "I");
const std::string kAuthenticationOk = message('R', std::string(4, '\0'));
const std::string kReadOnlyError = message('E', std::string("SERROR\0C25006\0Mread-only\0\0", 26));

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_readable_within(milliseconds limit) const {
    pollfd entry{number_, POLLIN, 0};
    return poll(&entry, 1, static_cast<int>(limit.count())) == 1;
  }

 private:
  int number_;
};

int listener(const std::string& path) {
  const int socket_number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (bind(socket_number, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(socket_number, 5) != 0) {
    throw std::runtime_error("cannot listen on \"" + path + '"');
  }
  return socket_number;
}

void expect_message(const Descriptor& client) {
  std::array<char, 1000> buffer{};
  ASSERT_TRUE(client.is_readable_within(5s));
  ASSERT_GT(read(client.number(), buffer.data(), buffer.size()), 0);
}

void send_message(const Descriptor& client, const std::string& text) {
  ASSERT_EQ(write(client.number(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(ClusterClient, LooksForAServerAgainWhereAnErrorArrivesWithoutTheEndOfTheAnswer) {
  const ScratchFolder folder;
  const Descriptor server(listener(folder / ".s.PGSQL.5432"));
  const Child writer({{PGSQLMS_CLUSTER_CLIENT, "write", "--log", folder / "writes", "--conninfo",
                       "host=" + folder.path() + " port=5432 user=postgres dbname=postgres"}});

  ASSERT_TRUE(server.is_readable_within(5s));
  const Descriptor client(accept(server.number(), nullptr, nullptr));
  expect_message(client);
  send_message(client, kAuthenticationOk + kReadyForQuery);
  expect_message(client);
  send_message(client, kReadOnlyError);

  EXPECT_TRUE(server.is_readable_within(5s)) << "the client waits for the end of the answer";
}

}  // namespace
}  // namespace pgsqlms::test
