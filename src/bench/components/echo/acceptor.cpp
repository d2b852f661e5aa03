#include "bench/components/echo/acceptor.hpp"

#include <sys/epoll.h>

#include <utility>

namespace plait::bench {

using net::IoStatus;

EchoAcceptor::EchoAcceptor(net::Loop& loop, net::Listener listener, std::function<void(net::Socket)> on_accept)
    : loop_(loop), listener_(std::move(listener)), on_accept_(std::move(on_accept)) {}

Result<void, Error> EchoAcceptor::start() { return loop_.watch(listener_.fd(), EPOLLIN, *this); }

void EchoAcceptor::close() {
  cancel();
  if (listener_.fd() >= 0) loop_.unwatch(listener_.fd(), *this);
  listener_.close();
}

void EchoAcceptor::handle_events(std::uint32_t /*events*/) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    net::Socket socket;
    const auto result = listener_.accept(socket);
    if (result.status == IoStatus::error) return pause();
    if (result.status != IoStatus::ok) return;
    on_accept_(std::move(socket));
  }
}

/// Out of file descriptors or memory: the listener stays readable and would keep the loop busy.
void EchoAcceptor::pause() {
  loop_.unwatch(listener_.fd(), *this);
  loop_.schedule(*this, loop_.now() + kRetry);
}

void EchoAcceptor::on_timer(core::TimePoint /*now*/) {
  if (!start()) pause();
}

}  // namespace plait::bench
