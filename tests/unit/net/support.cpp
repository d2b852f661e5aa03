#include "unit/net/support.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/folder.hpp"

namespace plait::net::test {

bool wait_ready(int fd, short events) {
  pollfd wanted{.fd = fd, .events = events, .revents = 0};
  return ::poll(&wanted, 1, 10'000) == 1;
}

bool is_asleep(pid_t thread) {
  std::ifstream file{"/proc/self/task/" + std::to_string(thread) + "/stat"};
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(") ");  // the state stands behind the thread's name
  return name_end != std::string::npos && line.compare(name_end + 2, 1, "S") == 0;
}

Socket accept_one(const Listener& listener) {
  EXPECT_TRUE(wait_ready(listener.fd(), POLLIN));
  Socket accepted;
  EXPECT_EQ(listener.accept(accepted).status, IoStatus::ok);
  return accepted;
}

Pair tcp_pair(const std::string& host) {
  auto listener = Listener::bind({.host = host, .port = 0});
  EXPECT_TRUE(listener) << (listener ? "" : listener.error().message);
  auto client = Socket::connect({.host = host, .port = listener->port()});
  EXPECT_TRUE(client) << (client ? "" : client.error().message);
  Pair pair{std::move(*client), accept_one(*listener)};
  EXPECT_TRUE(wait_ready(pair.client.fd(), POLLOUT));
  EXPECT_EQ(pair.client.finish_connect(), 0);
  return pair;
}

Pair unix_pair() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {Socket{ends[0]}, Socket{ends[1]}};
}

void write_all(const Socket& socket, std::string_view text) {
  while (!text.empty()) {
    const IoResult result = socket.write(as_bytes(text));
    if (result.status == IoStatus::would_block) {
      ASSERT_TRUE(wait_ready(socket.fd(), POLLOUT));
      continue;
    }
    ASSERT_EQ(result.status, IoStatus::ok) << result.system_errno;
    text.remove_prefix(result.bytes);
  }
}

std::string read_exactly(const Socket& socket, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t have = 0; have < size;) {
    const MutableByteView rest{reinterpret_cast<std::uint8_t*>(text.data()) + have, size - have};
    const IoResult result = socket.read(rest);
    if (result.status == IoStatus::would_block && wait_ready(socket.fd(), POLLIN)) continue;
    EXPECT_EQ(result.status, IoStatus::ok) << result.system_errno;
    if (result.status != IoStatus::ok) return text.substr(0, have);
    have += result.bytes;
  }
  return text;
}

std::string temporary_directory() {
  static const plait::test::Folder root;
  static int count = 0;
  const std::string path = root.file(std::to_string(++count));
  std::filesystem::create_directory(path);
  return path;
}

}  // namespace plait::net::test
