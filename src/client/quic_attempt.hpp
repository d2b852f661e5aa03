// QuicAttempt: a QUIC connection until its handshake is completed: then its address has won.
#pragma once

#include <string>
#include <utility>

#include "client/happy_eyeballs.hpp"
#include "transport/loop_entry.hpp"

namespace plait::client {

inline constexpr const char* kQuicSilence = "no answer: does the peer speak QUIC on this UDP port?";

/// `Wire` is what runs above the connection, in the loop's table; its `Owner` hears how it goes.
template <class Wire, class Owner>
class QuicAttempt final : public Attempt, public Owner {
 public:
  explicit QuicAttempt(HappyEyeballs& happy_eyeballs) : happy_eyeballs_(happy_eyeballs) {}

  /// `begin` starts a connection that has this owner.
  template <class Begin>
  Result<void, Error> start(const Begin& begin, const net::SocketAddress& address) {
    const Result<Wire*, Error> begun = begin(address, *this);
    if (!begun) return err(begun.error());
    wire_ = *begun;
    return {};
  }
  /// The winner's, for its next owner.
  Wire& release() { return *std::exchange(wire_, nullptr); }
  void end() override {
    if (wire_ == nullptr) return;
    wire_->set_owner(nullptr);
    release().abort({.reason = "not needed any more"});
  }

  void on_handshake_completed(Wire&) override { happy_eyeballs_.succeed(*this); }
  void on_ended(Wire&, const std::string& reason) override {
    wire_ = nullptr;
    happy_eyeballs_.fail(*this, reason);
  }

 private:
  HappyEyeballs& happy_eyeballs_;
  Wire* wire_ = nullptr;
};

}  // namespace plait::client
