#include "client/race.hpp"

#include <algorithm>
#include <utility>

namespace plait::client {

Race::Race(net::Loop& loop, net::Resolver& resolver, Duration attempt_delay, Course course)
    : loop_(loop), resolver_(resolver), attempt_delay_(attempt_delay), course_(std::move(course)) {}

void Race::stop() {
  cancel();
  query_ = nullptr;
  for (Runner& runner : std::exchange(runners_, {})) end(std::move(runner.attempt));
}

std::string Race::standing() const {
  if (addresses_.empty()) return "the name server did not answer in time";
  return failures_.empty() ? course_.silence : failures_ + "; " + course_.silence;
}

void Race::start(const net::Address& address) {
  if (const auto literal = net::as_literal(address)) return run({*literal});
  query_ = resolver_.start(address, [this](const Result<net::Addresses, Error>& found) {
    if (!found) return course_.lose(found.error().message);
    run(*found);
  });
}

void Race::run(const net::Addresses& addresses) {
  addresses_ = net::interleave_families(addresses);
  if (addresses_.size() > kAddressesMax) addresses_.resize(kAddressesMax);
  begin_next();
}

// An address that cannot even be tried gives way to the next one at once.
void Race::begin_next() {
  while (begun_ < addresses_.size()) {
    const net::SocketAddress& address = addresses_[begun_++];
    auto attempt = course_.begin(address);
    if (attempt) {
      runners_.push_back({std::move(*attempt), address});
      if (begun_ < addresses_.size()) loop_.schedule(*this, loop_.now() + attempt_delay_);
      return;
    }
    note_failure(address, attempt.error().message);
  }
  if (runners_.empty()) course_.lose(failures_);
}

// RFC 8305 §5: the others are ended.
void Race::succeed(Attempt& attempt) {
  cancel();
  for (Runner& runner : std::exchange(runners_, {})) {
    if (runner.attempt.get() == &attempt) {
      loop_.retire(std::move(runner.attempt));
    } else {
      end(std::move(runner.attempt));
    }
  }
  course_.win(attempt);
}

// RFC 8305 §5: the next attempt begins at once.
void Race::fail(Attempt& attempt, const std::string& reason) {
  const auto found = std::ranges::find(runners_, &attempt, [](const Runner& runner) { return runner.attempt.get(); });
  note_failure(found->address, reason);
  loop_.retire(std::move(found->attempt));
  runners_.erase(found);
  cancel();
  begin_next();
}

void Race::end(std::unique_ptr<Attempt> attempt) {
  attempt->end();
  loop_.retire(std::move(attempt));
}

// Whoever gave one address knows it; of several, each has its reason.
void Race::note_failure(const net::SocketAddress& address, const std::string& reason) {
  if (addresses_.size() == 1) {
    failures_ = reason;
  } else {
    failures_ += (failures_.empty() ? "" : "; ") + address.text() + ": " + reason;
  }
}

}  // namespace plait::client
