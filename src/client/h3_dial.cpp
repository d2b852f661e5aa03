#include "client/h3_dial.hpp"

#include <utility>

#include "client/quic_attempt.hpp"

namespace plait::client {

using transport::H3ClientConnection;

namespace {

using H3Attempt = QuicAttempt<H3ClientConnection, transport::H3Owner>;

}  // namespace

H3Dial::H3Dial(net::Loop& loop, net::Resolver& resolver, Duration attempt_delay)
    : happy_eyeballs_(loop, resolver, attempt_delay,
                      {.begin = [this](const net::SocketAddress& address) { return begin(address); },
                       .win = [this](Attempt& winner) { take(static_cast<H3Attempt&>(winner).release()); },
                       .lose = [this](const std::string& reason) { fail(reason); },
                       .silence = kQuicSilence}) {}

void H3Dial::stop() {
  happy_eyeballs_.stop();
  if (connection_ == nullptr) return;
  connection_->set_owner(nullptr);
  std::exchange(connection_, nullptr)->abort({.reason = "not needed any more"});
}

Result<std::unique_ptr<Attempt>, Error> H3Dial::begin(const net::SocketAddress& address) {
  auto attempt = std::make_unique<H3Attempt>(happy_eyeballs_);
  if (auto started = attempt->start(callbacks_.begin, address); !started) return err(started.error());
  return std::unique_ptr<Attempt>{std::move(attempt)};
}

void H3Dial::take(H3ClientConnection& connection) {
  connection_ = &connection;
  connection.set_owner(this);
  if (connection.has_settings()) finish();
}

std::string H3Dial::status() const {
  return connection_ != nullptr ? "the server's SETTINGS did not come in time" : happy_eyeballs_.status();
}

void H3Dial::add(H3Waiter& waiter) {
  waiters_.push_back(&waiter);
  waiter.set_dial(this);
}

void H3Dial::remove(H3Waiter& waiter) {
  std::erase(waiters_, &waiter);
  if (waiters_.empty()) callbacks_.give_up();
}

// Who is told may do anything, even end others that wait: each leaves before it hears of it.
void H3Dial::fail(const std::string& reason) {
  callbacks_.give_up();
  while (!waiters_.empty()) {
    H3Waiter& waiter = *waiters_.front();
    waiters_.erase(waiters_.begin());
    waiter.set_dial(nullptr);
    waiter.fail(reason);
  }
}

void H3Dial::finish() {
  H3ClientConnection& connection = *std::exchange(connection_, nullptr);
  connection.set_owner(nullptr);
  std::vector<SessionId> waiting;
  for (H3Waiter* waiter : std::exchange(waiters_, {})) {
    waiter->set_dial(nullptr);
    waiting.push_back(waiter->id());
  }
  callbacks_.finish(connection, waiting);
}

void H3Dial::on_ended(H3ClientConnection&, const std::string& reason) {
  connection_ = nullptr;
  fail(reason);
}

}  // namespace plait::client
