#include "client/happy_eyeballs.hpp"

#include <algorithm>
#include <utility>

namespace plait::client {

HappyEyeballs::HappyEyeballs(net::Loop& loop, net::Resolver& resolver, Duration attempt_delay, Callbacks callbacks)
    : loop_(loop), resolver_(resolver), attempt_delay_(attempt_delay), callbacks_(std::move(callbacks)) {}

void HappyEyeballs::stop() {
  cancel();
  query_ = nullptr;
  for (Running& running : std::exchange(attempts_, {})) end(std::move(running.attempt));
}

std::string HappyEyeballs::status() const {
  if (addresses_.empty()) return "the name server did not answer in time";
  return failures_.empty() ? callbacks_.silence : failures_ + "; " + callbacks_.silence;
}

void HappyEyeballs::start(const net::Address& address) {
  if (const auto literal = net::as_literal(address)) return run({*literal});
  query_ = resolver_.start(address, [this](const Result<net::Addresses, Error>& found) {
    if (!found) return callbacks_.lose(found.error().message);
    run(*found);
  });
}

void HappyEyeballs::run(const net::Addresses& addresses) {
  addresses_ = net::interleave_families(addresses);
  if (addresses_.size() > kAddressesMax) addresses_.resize(kAddressesMax);
  begin_next();
}

// An address that cannot even be tried gives way to the next one at once.
void HappyEyeballs::begin_next() {
  while (begun_ < addresses_.size()) {
    const net::SocketAddress& address = addresses_[begun_++];
    auto attempt = callbacks_.begin(address);
    if (attempt) {
      attempts_.push_back({std::move(*attempt), address});
      if (begun_ < addresses_.size()) loop_.schedule(*this, loop_.now() + attempt_delay_);
      return;
    }
    note_failure(address, attempt.error().message);
  }
  if (attempts_.empty()) callbacks_.lose(failures_);
}

// RFC 8305 §5: the others are ended.
void HappyEyeballs::succeed(Attempt& attempt) {
  cancel();
  for (Running& running : std::exchange(attempts_, {})) {
    if (running.attempt.get() == &attempt) {
      loop_.retire(std::move(running.attempt));
    } else {
      end(std::move(running.attempt));
    }
  }
  callbacks_.win(attempt);
}

// RFC 8305 §5: the next attempt begins at once.
void HappyEyeballs::fail(Attempt& attempt, const std::string& reason) {
  const auto found = std::ranges::find(attempts_, &attempt, [](const Running& one) { return one.attempt.get(); });
  note_failure(found->address, reason);
  loop_.retire(std::move(found->attempt));
  attempts_.erase(found);
  cancel();
  begin_next();
}

void HappyEyeballs::end(std::unique_ptr<Attempt> attempt) {
  attempt->end();
  loop_.retire(std::move(attempt));
}

// Whoever gave one address knows it; of several, each has its reason.
void HappyEyeballs::note_failure(const net::SocketAddress& address, const std::string& reason) {
  if (addresses_.size() == 1) {
    failures_ = reason;
  } else {
    failures_ += (failures_.empty() ? "" : "; ") + address.text() + ": " + reason;
  }
}

}  // namespace plait::client
