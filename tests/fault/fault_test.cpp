// The injector itself: a wrapper that never fires would make every fault test pass.
#include "fault/fault.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

namespace plait::fault {
namespace {

class FaultPlan : public testing::Test {
 protected:
  FaultPlan() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
  ~FaultPlan() override {
    for (const int fd : ends_) ::close(fd);
  }
  ssize_t send(std::size_t size) { return ::send(ends_[0], text_.data(), size, 0); }
  ssize_t recv(std::size_t size) { return ::recv(ends_[1], text_.data(), size, 0); }

  std::array<int, 2> ends_{};
  std::array<char, 64> text_{};
};

TEST_F(FaultPlan, FailsTheNthCallThatCanFailSo) {
  Plan plan;
  plan.fail_nth(2, EPIPE);
  const Injection injection{plan};
  EXPECT_EQ(send(1), 1);
  EXPECT_EQ(recv(1), 1) << "a read cannot fail with EPIPE and is not counted";
  EXPECT_EQ(send(1), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(send(1), 1);
  EXPECT_EQ(plan.fired(), 1);
  EXPECT_EQ(plan.last(), "send");
}

TEST_F(FaultPlan, CountsTheCallsOfEachKind) {
  Plan plan;
  plan.fail_nth(2, EPIPE);
  const Injection injection{plan};
  send(1);
  send(1);
  recv(1);
  EXPECT_EQ(plan.made(Call::send), 2);
  EXPECT_EQ(plan.made(Call::recv), 1);
  EXPECT_EQ(plan.made(Call::sendmsg), 0);
}

TEST_F(FaultPlan, FailsPeriodically) {
  Plan plan;
  plan.fail_every(2, EINTR);
  const Injection injection{plan};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(send(1), 1);
    EXPECT_EQ(send(1), -1);
    EXPECT_EQ(errno, EINTR);
  }
  EXPECT_EQ(plan.fired(), 3);
}

TEST_F(FaultPlan, ShortensTransfersOfEachKind) {
  Plan plan;
  plan.shorten_transfers(3);
  const Injection injection{plan};
  iovec parts[3] = {{text_.data(), 0}, {text_.data(), 5}, {text_.data(), 5}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 3;
  EXPECT_EQ(send(10), 3);
  EXPECT_EQ(::sendmsg(ends_[0], &message, 0), 3);
  EXPECT_EQ(recv(10), 3);
  EXPECT_EQ(::readv(ends_[1], parts, 3), 3);
}

TEST_F(FaultPlan, IsOverWithTheInjectionAndLeavesOtherThreadsAlone) {
  Plan plan;
  plan.fail_every(2, EINTR);
  {
    const Injection injection{plan};
    std::thread{[&] {
      for (int i = 0; i < 4; ++i) EXPECT_EQ(send(1), 1);
    }}.join();
  }
  for (int i = 0; i < 4; ++i) EXPECT_EQ(send(1), 1);
  EXPECT_EQ(plan.fired(), 0);
}

TEST_F(FaultPlan, ReachesEveryWrappedCall) {
  iovec part{text_.data(), 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  epoll_event event{};
  const int fd = ends_[0];
  const auto expect_fails = [](int system_errno, const char* name, auto call) {
    Plan plan;
    plan.fail_nth(1, system_errno);
    const Injection injection{plan};
    EXPECT_EQ(call(), -1) << name;
    EXPECT_EQ(plan.last(), name);
  };
  expect_fails(EAGAIN, "recv", [&] { return recv(1); });
  expect_fails(EAGAIN, "readv", [&] { return ::readv(fd, &part, 1); });
  expect_fails(EAGAIN, "read", [&] { return ::read(fd, text_.data(), 1); });
  expect_fails(EAGAIN, "send", [&] { return send(1); });
  expect_fails(EAGAIN, "sendmsg", [&] { return ::sendmsg(fd, &message, 0); });
  expect_fails(EINTR, "write", [&] { return ::write(fd, text_.data(), 1); });
  expect_fails(EMFILE, "accept4", [&] { return ::accept4(fd, nullptr, nullptr, 0); });
  expect_fails(ECONNREFUSED, "connect", [&] { return ::connect(fd, nullptr, 0); });
  expect_fails(EMFILE, "socket", [&] { return ::socket(AF_UNIX, SOCK_STREAM, 0); });
  expect_fails(EMFILE, "epoll_create1", [&] { return ::epoll_create1(0); });
  expect_fails(ENOSPC, "epoll_add", [&] { return ::epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event); });
  expect_fails(EINTR, "epoll_wait", [&] { return ::epoll_wait(fd, &event, 1, 0); });
  expect_fails(EMFILE, "eventfd", [&] { return ::eventfd(0, 0); });
  expect_fails(EMFILE, "timerfd_create", [&] { return ::timerfd_create(CLOCK_MONOTONIC, 0); });
}

TEST(FaultOpenFiles, DifferByALeakedDescriptor) {
  const OpenFiles before;
  EXPECT_EQ(OpenFiles{}, before);
  const int leaked = ::eventfd(0, EFD_CLOEXEC);
  EXPECT_FALSE(OpenFiles{} == before);
  ::close(leaked);
  EXPECT_EQ(OpenFiles{}, before);
}

}  // namespace
}  // namespace plait::fault
