// Dial: a session whose server's addresses are tried (RFC 8305), until one connection is there to take its place.
#pragma once

#include <plait/session.hpp>

#include <memory>
#include <string>

#include "client/happy_eyeballs.hpp"
#include "core/timer.hpp"
#include "transport/loop_context.hpp"
#include "transport/loop_entry.hpp"

namespace plait::client {

class Dial : public transport::LoopEntry, private core::Timer {
 public:
  /// In its context's table until the connection is there, which gets the same ID; the deadline is both's. What fails
  /// is told to the session's handler, not inside this call.
  static SessionId start(std::unique_ptr<Dial> dial, const net::Address& address, core::TimePoint deadline);
  /// The same, of what has failed already.
  static SessionId fail_soon(std::unique_ptr<Dial> dial, const std::string& reason);

  // LoopEntry
  [[nodiscard]] Session* session() override { return nullptr; }
  void drain() override { abort({}); }
  void abort(const transport::Disconnect& why) override { fail(why.text()); }

 protected:
  /// `silence`: what it means that no address answers.
  Dial(transport::LoopContext& context, net::Resolver& resolver, const DialSettings& settings,
       std::unique_ptr<SessionHandler> handler, const char* silence);

  [[nodiscard]] transport::LoopContext& context() const { return context_; }
  [[nodiscard]] SessionId id() const { return id_; }
  [[nodiscard]] core::TimePoint wait_deadline() const { return wait_deadline_; }
  /// For attempts, which do not outlive it.
  [[nodiscard]] HappyEyeballs& happy_eyeballs() { return happy_eyeballs_; }

 private:
  virtual Result<std::unique_ptr<Attempt>, Error> begin(const net::SocketAddress& address) = 0;
  /// Puts what the winner has reached in the place of this dial.
  virtual void go_on(Attempt& winner, std::unique_ptr<SessionHandler> handler) = 0;

  static SessionId put(std::unique_ptr<Dial> dial);
  void on_timer(core::TimePoint) override { fail(happy_eyeballs_.status()); }
  void fail(const std::string& reason);

  transport::LoopContext& context_;
  std::unique_ptr<SessionHandler> handler_;
  SessionId id_;
  core::TimePoint wait_deadline_;
  HappyEyeballs happy_eyeballs_;
};

}  // namespace plait::client
