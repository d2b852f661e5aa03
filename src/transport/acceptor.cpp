#include "transport/acceptor.hpp"

#include <plait/log.hpp>

#include <sys/epoll.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include "transport/tcp_connection.hpp"

namespace plait::transport {
namespace {

constexpr int kAcceptsPerTurn = 64;  // so that a flood of connections does not starve the ones that are there
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Acceptor::Acceptor(LoopContext& context, net::Listener listener, std::shared_ptr<const tls::Context> tls,
                   MakeProtocol make_protocol)
    : context_(context),
      listener_(std::move(listener)),
      tls_(std::move(tls)),
      make_protocol_(std::move(make_protocol)) {}

Acceptor::~Acceptor() { stop(); }

Result<void, Error> Acceptor::start() {
  auto watched = context_.loop.watch(listener_.fd(), EPOLLIN, *this);
  watching_ = watched.has_value();
  return watched;
}

void Acceptor::stop() {
  cancel();
  if (watching_) context_.loop.unwatch(listener_.fd(), *this);
  watching_ = false;
  listener_.close();
}

void Acceptor::handle_events(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn && watching_; ++i) {
    if (i == 1 && !listener_.has_waiting()) return;  // mostly one comes alone
    net::Socket socket;
    const net::IoResult result = listener_.accept(socket);
    if (result.status == net::IoStatus::would_block) return;
    if (result.status == net::IoStatus::error && make_room(result.system_errno)) continue;
    if (result.status != net::IoStatus::ok) {
      log(LogLevel::warning,
          std::string{"cannot accept connections for a moment: "} + std::strerror(result.system_errno));
      return pause();
    }
    if (context_.connection_count.load(std::memory_order_relaxed) >= context_.limits.connections_max) {
      context_.counters.connections_refused.add();
      socket.reset_on_close();
      continue;
    }
    context_.counters.connections_accepted.add();
    std::unique_ptr<tls::Engine> engine = tls_ == nullptr ? nullptr : tls::Engine::accept(*tls_);
    TcpConnection::start(context_, std::move(socket), std::move(engine), make_protocol_());
  }
}

// When file descriptors are short, a flood of half-open connections must not keep everybody else out.
bool Acceptor::make_room(int system_errno) {
  if ((system_errno != EMFILE && system_errno != ENFILE) || context_.handshakes.empty()) return false;
  context_.counters.connections_refused.add();
  context_.handshakes.front()->abort({.reason = "file descriptors are short"});
  return true;
}

// Out of file descriptors or memory: a level-triggered listener would be reported for ever, so it rests.
void Acceptor::pause() {
  context_.loop.unwatch(listener_.fd(), *this);
  watching_ = false;
  context_.loop.schedule(*this, context_.loop.now() + kPause);
}

void Acceptor::on_timer(core::TimePoint) {
  if (!start()) context_.loop.schedule(*this, context_.loop.now() + kPause);
}

}  // namespace plait::transport
