#include "client/tcp_dial.hpp"

#include <utility>

#include "core/assert.hpp"

namespace plait::client {
namespace {

constexpr const char* kTcpSilence = "no answer: is the address right, or does a firewall drop the packets?";

}  // namespace

// A socket until it is connected: then it has won.
class TcpDial::TcpAttempt final : public Attempt, private net::EventHandler {
 public:
  TcpAttempt(net::Loop& loop, HappyEyeballs& happy_eyeballs, net::Socket socket)
      : loop_(loop), happy_eyeballs_(happy_eyeballs), socket_(std::move(socket)) {}

  Result<void, Error> watch() { return loop_.watch(socket_.fd(), kWritable, *this); }
  /// The socket, which stays watched: were that to begin anew, there might be no memory or watch left for it.
  net::Socket release() { return std::move(socket_); }
  void end() override {
    if (!socket_.is_open()) return;
    loop_.unwatch(socket_.fd(), *this);
    socket_.close();
  }

 private:
  void handle_events(std::uint32_t) override {
    const int error = socket_.finish_connect();
    if (error == 0) return happy_eyeballs_.succeed(*this);
    end();
    happy_eyeballs_.fail(*this, transport::Disconnect{.system_errno = error, .reason = "connect failed"}.text());
  }

  net::Loop& loop_;
  HappyEyeballs& happy_eyeballs_;
  net::Socket socket_;
};

TcpDial::TcpDial(transport::LoopContext& context, net::Resolver& resolver, const DialSettings& settings, Load load)
    : Dial(context, resolver, settings, std::move(load.handler), kTcpSilence), load_(std::move(load)) {}

Result<std::unique_ptr<Attempt>, Error> TcpDial::begin(const net::SocketAddress& address) {
  auto socket = net::Socket::connect(address);
  if (!socket) return err(socket.error());
  auto attempt = std::make_unique<TcpAttempt>(context().loop, happy_eyeballs(), std::move(*socket));
  if (auto watched = attempt->watch(); !watched) return err(watched.error());
  return std::unique_ptr<Attempt>{std::move(attempt)};
}

void TcpDial::go_on(Attempt& winner, std::unique_ptr<SessionHandler> handler) {
  auto* connection =
      transport::TcpConnection::start(context(), static_cast<TcpAttempt&>(winner).release(), std::move(load_.tls),
                                      load_.make_protocol(std::move(handler)), true, id());
  PLAIT_ASSERT(connection != nullptr, "what is watched can be watched by another");
  connection->set_deadline(wait_deadline());
}

}  // namespace plait::client
