#include "transport/tcp/acceptor.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <chrono>

#include "transport/tcp/tcp_connection.hpp"

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
    if (result.status != net::IoStatus::ok) {
      if (!listener_.has_waiting()) return;  // accept() takes a descriptor before it looks whether anybody waits
      context_.warn_of_shortage(result.system_errno);
      const bool no_descriptor = result.system_errno == EMFILE || result.system_errno == ENFILE;
      if (no_descriptor && context_.free_descriptor()) continue;
      return pause();
    }
    if (!context_.admits_connection()) {
      context_.counters.connections_refused.add();
      socket.reset_on_close();
      continue;
    }
    std::unique_ptr<tls::Engine> engine = tls_ == nullptr ? nullptr : tls::Engine::accept(*tls_);
    if (TcpConnection::start(context_, std::move(socket), std::move(engine), make_protocol_()) == nullptr) {
      context_.counters.connections_refused.add();
      return pause();
    }
    context_.counters.connections_accepted.add();
  }
}

// Out of file descriptors, watches or memory: a level-triggered listener would be reported for ever, so it rests.
void Acceptor::pause() {
  context_.loop.unwatch(listener_.fd(), *this);
  watching_ = false;
  context_.loop.schedule(*this, context_.loop.now() + kPause);
}

void Acceptor::on_timer(core::TimePoint) {
  if (!start()) context_.loop.schedule(*this, context_.loop.now() + kPause);
}

}  // namespace plait::transport
