// Connect, opening handshake, echo and close over ws: and wss:, with every system call of both sides failing once.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "fault/fault.hpp"
#include "integration/server/support.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"
#include "tls/context.hpp"
#include "tls/engine.hpp"
#include "transport/tcp/acceptor.hpp"
#include "transport/tcp/http_connection.hpp"
#include "transport/tcp/tcp_connection.hpp"
#include "transport/tcp/ws_connect.hpp"

namespace plait::transport {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLimit = 2s;

enum class Outcome { success, failure, hang };

/// Both sides on one loop of this thread, so that the injection reaches them all.
class Exchange {
 public:
  Exchange(std::shared_ptr<const tls::Context> server_tls, std::shared_ptr<const tls::Context> client_tls,
           std::size_t message_bytes)
      : server_tls_(std::move(server_tls)), client_tls_(std::move(client_tls)), text_(message_bytes, 'e') {
    limits_.handshake_timeout = limits_.close_timeout = kLimit;
    EXPECT_TRUE(router_.add_session("/", plait::handler<test::Echo>()));
  }

  Outcome run() {
    auto loop = net::Loop::make();
    if (!loop) return Outcome::failure;
    auto listener = net::Listener::bind({.host = "127.0.0.1"});
    if (!listener) return Outcome::failure;
    const std::uint16_t port = listener->port();
    LoopContext context{**loop, limits_, 0, count_};
    const Outcome outcome = run_on(context, std::move(*listener), port);
    context.entries.for_each([](LoopEntry& entry) { entry.abort({}); });
    (*loop)->run_once(Duration::zero());
    return count_ == 0 && context.handshakes.empty() ? outcome : Outcome::hang;
  }

 private:
  Outcome run_on(LoopContext& context, net::Listener listener, std::uint16_t port) {
    Acceptor acceptor{context, std::move(listener), server_tls_,
                      [this] { return std::make_unique<HttpConnection>(router_); }};
    if (!acceptor.start()) return Outcome::failure;
    auto socket = net::Socket::connect({.host = "127.0.0.1", .port = port});
    if (!socket) return Outcome::failure;
    test::Calls calls;
    calls.on_open = [this](Session& session) { session.send(Message::text(text_)); };
    calls.on_message = [this](Session& session, const Message& message) {
      echoed_ = message.text() == text_;
      session.close();
    };
    calls.on_close = [this](Session&, const CloseInfo& info) {
      ++closed_;
      clean_ = info.clean;
    };
    WsConnect::Request request;
    request.target = "/";
    request.host = "localhost";
    TcpConnection* client = TcpConnection::start(
        context, std::move(*socket), client_tls_ == nullptr ? nullptr : tls::Engine::connect(*client_tls_, "localhost"),
        std::make_unique<WsConnect>(std::make_unique<test::Called>(calls), std::move(request)), true);
    if (client == nullptr) return Outcome::failure;
    client->set_deadline(std::chrono::steady_clock::now() + kLimit);
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (closed_ == 0 || context.entries.size() > 0) {
      if (std::chrono::steady_clock::now() > give_up) return Outcome::hang;
      context.loop.run_once(10ms);
    }
    EXPECT_EQ(closed_, 1) << "on_close comes once";
    return echoed_ && clean_ ? Outcome::success : Outcome::failure;
  }

  std::shared_ptr<const tls::Context> server_tls_, client_tls_;
  std::string text_;
  Limits limits_;
  Router router_;
  std::atomic<std::size_t> count_{0};
  int closed_ = 0;
  bool echoed_ = false;
  bool clean_ = false;
};

struct Case {
  int system_errno;
  bool secure;
};
void PrintTo(const Case& one, std::ostream* out) { *out << ::strerrorname_np(one.system_errno); }
std::string name_of(const testing::TestParamInfo<Case>& one) {
  return std::string{one.param.secure ? "wss_" : "ws_"} + ::strerrorname_np(one.param.system_errno);
}

bool is_transient(int system_errno) {
  return system_errno == EINTR || system_errno == EAGAIN || system_errno == ECONNABORTED;
}

class FaultServerEcho : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { make_contexts(); }
  void make_contexts() {
    const TlsFiles files = test::write_certificate(folder_);
    server_ = std::make_shared<const tls::Context>(std::move(*tls::Context::server(
        {.certificate_file = files.certificate_file, .private_key_file = files.private_key_file})));
    client_ = std::make_shared<const tls::Context>(std::move(
        *tls::Context::client({.verify = true, .authority_file = files.certificate_file, .alpn = {"http/1.1"}})));
  }
  /// An exchange under `plan`; again where it was to succeed and did not, but was slow: its limits are of real time,
  /// for which a machine that is busy may let this thread wait.
  Outcome exchange(fault::Plan& plan) {
    const fault::Plan fresh = plan;
    const auto& [system_errno, secure] = GetParam();
    for (int tries_left = 3;; --tries_left) {
      plan = fresh;
      const auto begin = std::chrono::steady_clock::now();
      Outcome outcome{};
      {
        const fault::Injection injection{plan};
        outcome = Exchange{secure ? server_ : nullptr, secure ? client_ : nullptr, 5000}.run();
      }
      const bool is_slow = std::chrono::steady_clock::now() - begin > kLimit / 2;
      if (outcome == Outcome::success || !must_succeed(plan) || !is_slow || tries_left == 0) return outcome;
    }
  }
  static bool must_succeed(const fault::Plan& plan) {
    return is_transient(GetParam().system_errno) || plan.fired() == 0;
  }

  test::QuietLog log_;
  test::Folder folder_;
  std::shared_ptr<const tls::Context> server_, client_;
};

TEST_P(FaultServerEcho, EveryCallMayFailWithoutCrashLeakOrHang) {
  for (int n = 1;; ++n) {
    const fault::OpenFiles before;
    fault::Plan plan;
    plan.fail_nth(n, GetParam().system_errno);
    const Outcome outcome = exchange(plan);
    const std::string where = "n = " + std::to_string(n) + " (" + plan.last() + ")";
    EXPECT_EQ(fault::OpenFiles{}, before) << where;
    ASSERT_NE(outcome, Outcome::hang) << where;
    EXPECT_TRUE(!must_succeed(plan) || outcome == Outcome::success) << where;
    if (plan.fired() == 0) {
      EXPECT_GT(n, 1) << "no call was made to fail";
      break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Wire, FaultServerEcho,
                         testing::Values(Case{ECONNRESET, false}, Case{EPIPE, false}, Case{EINTR, false},
                                         Case{EAGAIN, false}, Case{EMFILE, false}, Case{ENOSPC, false},
                                         Case{ECONNREFUSED, false}, Case{ECONNABORTED, false}, Case{ECONNRESET, true},
                                         Case{EPIPE, true}, Case{EAGAIN, true}, Case{ENOSPC, true}),
                         name_of);

// The kernel has accepted it: without a word its client would see the connection end, and nobody why.
TEST(FaultAcceptor, AConnectionThatCannotBeWatchedIsRefusedAndSaid) {
  const test::QuietLog log;
  const Limits limits;
  std::atomic<std::size_t> count{0};
  auto loop = net::Loop::make();
  auto listener = net::Listener::bind({.host = "127.0.0.1"});
  ASSERT_TRUE(loop && listener);
  const std::uint16_t port = listener->port();
  LoopContext context{**loop, limits, 0, count};
  const Router router{};
  Acceptor acceptor{context, std::move(*listener), nullptr, [&] { return std::make_unique<HttpConnection>(router); }};
  ASSERT_TRUE(acceptor.start());
  const test::RawClient first{port};
  {
    fault::Plan plan;
    plan.fail_nth(1, ENOSPC);
    const fault::Injection injection{plan};
    EXPECT_TRUE(test::wait_until([&] {
      (*loop)->run_once(1ms);
      return plan.fired() == 1;
    }));
  }
  EXPECT_EQ(context.counters.connections_refused.get(), 1U);
  EXPECT_EQ(context.counters.connections_accepted.get(), 0U);
  EXPECT_EQ(count.load(), 0U);
  EXPECT_NE(log.text().find("no room for more connections: No space left"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("fs.epoll.max_user_watches"), std::string::npos) << log.text();
  const test::RawClient second{port};
  EXPECT_TRUE(test::wait_until([&] {
    (*loop)->run_once(1ms);
    return count == 1;
  })) << "it accepts again after a pause";
  context.entries.for_each([](LoopEntry& entry) { entry.abort({}); });
  (*loop)->run_once(Duration::zero());
}

class FaultServerEchoShort : public FaultServerEcho {};

TEST_P(FaultServerEchoShort, OneByteAtATimeAndEverySecondCallWouldBlock) {
  fault::Plan plan;
  plan.shorten_transfers(1).fail_every(2, GetParam().system_errno);
  EXPECT_EQ(exchange(plan), Outcome::success);
  EXPECT_GT(plan.fired(), 5000);
}

INSTANTIATE_TEST_SUITE_P(Wire, FaultServerEchoShort, testing::Values(Case{EAGAIN, false}, Case{EAGAIN, true}), name_of);

}  // namespace
}  // namespace plait::transport
