#include "net/reader.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using test::is_asleep;

// Hangs if the wait does not end.
void expect_end_with(std::array<int, 2> ends) {
  std::atomic<pid_t> thread{0};
  std::atomic<bool> ended{false};
  std::thread waiting{[&] {
    thread = ::gettid();
    wait_until_unread(ends[1]);
    ended = true;
  }};
  while (!ended && (thread == 0 || !is_asleep(thread))) std::this_thread::yield();
  EXPECT_FALSE(ended) << "the reader is there";
  ::close(ends[0]);
  waiting.join();
  wait_until_unread(ends[1]);  // also when it was gone before
  ::close(ends[1]);
}

TEST(Reader, ThatIsGoneEndsTheWaitOfAPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  expect_end_with(ends);
}

TEST(Reader, ThatIsGoneEndsTheWaitOfASocket) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  expect_end_with(ends);
}

}  // namespace
}  // namespace plait::net
