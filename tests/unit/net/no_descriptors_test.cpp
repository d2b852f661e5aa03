// A loop that is made while the process may open no file.
#include "support/no_descriptors.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;

TEST(Loop, WithoutDescriptorsTasksAndTimersRunAndItIsOpenedLater) {
  Loop loop;
  {
    const plait::test::NoDescriptors none;
    const auto opened = loop.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().system_errno, EMFILE);
    EXPECT_EQ(Loop::make().error().system_errno, EMFILE);
    bool rang = false;
    bool ran = false;
    CallingTimer timer{[&](core::TimePoint) {
      rang = true;
      loop.stop();
    }};
    loop.schedule(timer, loop.now() + 1ms);
    loop.post([&] { ran = true; });
    loop.run();
    EXPECT_TRUE(rang);
    EXPECT_TRUE(ran);
  }
  ASSERT_TRUE(loop.open());
  ASSERT_TRUE(loop.open());
  auto [client, server] = tcp_pair();
  bool readable = false;
  Handler handler{[&](std::uint32_t) { readable = true; }};
  ASSERT_TRUE(loop.watch(server.fd(), EPOLLIN, handler));
  write_all(client, "late");
  run_until(loop, [&] { return readable; });
  loop.unwatch(server.fd(), handler);
}

}  // namespace
}  // namespace plait::net
