// A client's dial whose socket cannot be watched: the handler hears of it, and a socket that is connected stays
// watched.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "client/tcp_dial.hpp"
#include "fault/fault.hpp"
#include "integration/server/support.hpp"
#include "net/socket.hpp"

namespace plait::client {
namespace {

using namespace std::chrono_literals;

// Says that its connection is there.
class Opened final : public transport::Protocol {
 public:
  explicit Opened(bool& opened) : opened_(opened) {}
  void handle_open() override { opened_ = true; }
  void handle_bytes(MutableByteView&) override {}
  void handle_deadline(core::TimePoint) override { connection().abort(); }
  void handle_drain() override { connection().abort(); }
  void handle_closed(const transport::Disconnect&) override {}

 private:
  bool& opened_;
};

class FaultDial : public testing::Test {
 protected:
  ~FaultDial() override { context_.end_connections(); }

  /// Until the connection is there, or the handler has heard why not.
  void dial(fault::Plan& plan) {
    const auto listener = net::Listener::bind({.host = "127.0.0.1"});
    ASSERT_TRUE(listener);
    test::Calls calls{.on_close = [this](Session&, const CloseInfo& info) { closed_ = info; }};
    TcpDial::Load load{.tls = nullptr, .handler = std::make_unique<test::Called>(calls), .make_protocol = [this](auto) {
                         return std::make_unique<Opened>(opened_);
                       }};
    const fault::Injection injection{plan};
    Dial::start(std::make_unique<TcpDial>(context_, resolver_, DialSettings{}, std::move(load)),
                {.host = "127.0.0.1", .port = listener->port()}, std::chrono::steady_clock::now() + 20s);
    EXPECT_TRUE(test::wait_until([this] {
      loop_->run_once(1ms);
      return opened_ || closed_;
    }));
  }

  const Limits limits_;
  const std::unique_ptr<net::Loop> loop_ = *net::Loop::make();
  std::atomic<std::size_t> connection_count_{0};
  transport::LoopContext context_{*loop_, limits_, 0, connection_count_};
  net::Resolver resolver_{*loop_, net::resolve};
  std::optional<CloseInfo> closed_;
  bool opened_ = false;
};

TEST_F(FaultDial, ASocketThatCannotBeWatchedIsToldInOnClose) {
  fault::Plan plan;
  dial(plan.fail_nth(1, ENOSPC));
  EXPECT_EQ(plan.last(), "epoll_add");
  ASSERT_TRUE(closed_);
  EXPECT_NE(closed_->reason.find("cannot watch"), std::string::npos) << closed_->reason;
  EXPECT_EQ(context_.entries.size(), 0U);
}

TEST_F(FaultDial, TheConnectionNeedsNoWatchBesideItsDials) {
  fault::Plan plan;
  dial(plan.fail_nth(2, ENOSPC));
  EXPECT_TRUE(opened_);
  EXPECT_EQ(plan.made(fault::Call::epoll_add), 1);
}

}  // namespace
}  // namespace plait::client
