#include "client/h3_dial.hpp"

#include <utility>

namespace plait::client {

using transport::H3Connection;

namespace {

constexpr std::string_view kNotNeeded = "not needed any more";

}  // namespace

// A QUIC connection until its handshake is completed: then it has won.
class H3Dial::QuicAttempt final : public Attempt, public transport::H3Owner {
 public:
  explicit QuicAttempt(H3Dial& dial) : dial_(dial) {}

  Result<void, Error> start(const net::SocketAddress& address) {
    const auto begun = dial_.course_.begin(address, *this);
    if (!begun) return err(begun.error());
    connection_ = *begun;
    return {};
  }
  H3Connection& release() { return *std::exchange(connection_, nullptr); }
  void end() override {
    if (connection_ == nullptr) return;
    connection_->set_owner(nullptr);
    std::exchange(connection_, nullptr)->abort({.reason = kNotNeeded});
  }

  void on_handshake_completed(H3Connection&) override { dial_.race_.succeed(*this); }
  void on_ended(H3Connection&, const std::string& reason) override {
    connection_ = nullptr;
    dial_.race_.fail(*this, reason);
  }

 private:
  H3Dial& dial_;
  H3Connection* connection_ = nullptr;
};

H3Dial::H3Dial(net::Loop& loop, net::Resolver& resolver, Duration attempt_delay)
    : race_(loop, resolver, attempt_delay,
            {.begin = [this](const net::SocketAddress& address) { return begin(address); },
             .win = [this](Attempt& winner) { take(static_cast<QuicAttempt&>(winner).release()); },
             .lose = [this](const std::string& reason) { fail(reason); }}) {}

void H3Dial::stop() {
  race_.stop();
  if (connection_ == nullptr) return;
  connection_->set_owner(nullptr);
  std::exchange(connection_, nullptr)->abort({.reason = kNotNeeded});
}

Result<std::unique_ptr<Attempt>, Error> H3Dial::begin(const net::SocketAddress& address) {
  auto attempt = std::make_unique<QuicAttempt>(*this);
  if (auto started = attempt->start(address); !started) return err(started.error());
  return std::unique_ptr<Attempt>{std::move(attempt)};
}

void H3Dial::take(H3Connection& connection) {
  connection_ = &connection;
  connection.set_owner(this);
  if (connection.has_settings()) finish();
}

void H3Dial::add(H3Waiter& waiter) {
  waiters_.push_back(&waiter);
  waiter.set_dial(this);
}

void H3Dial::remove(H3Waiter& waiter) {
  std::erase(waiters_, &waiter);
  if (waiters_.empty()) course_.give_up();
}

// Who is told may do anything, even end others that wait: each leaves before it hears of it.
void H3Dial::fail(const std::string& reason) {
  course_.give_up();
  while (!waiters_.empty()) {
    H3Waiter& waiter = *waiters_.front();
    waiters_.erase(waiters_.begin());
    waiter.set_dial(nullptr);
    waiter.fail(reason);
  }
}

void H3Dial::finish() {
  H3Connection& connection = *std::exchange(connection_, nullptr);
  connection.set_owner(nullptr);
  std::vector<SessionId> waiting;
  for (H3Waiter* waiter : std::exchange(waiters_, {})) {
    waiter->set_dial(nullptr);
    waiting.push_back(waiter->id());
  }
  course_.finish(connection, waiting);
}

void H3Dial::on_ended(H3Connection&, const std::string& reason) {
  connection_ = nullptr;
  fail(reason);
}

}  // namespace plait::client
