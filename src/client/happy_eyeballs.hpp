// HappyEyeballs: RFC 8305 §5, for whatever a connection is made of. The addresses of a server are tried one after the
// other, each while those before it are still under way; the first that succeeds wins, the others are ended.
#pragma once

#include <plait/limits.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/timer.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"

namespace plait::client {

/// What a server's address stands for and how it is reached; tests have others.
struct DialSettings {
  net::Resolver::LookUp look_up = net::resolve;
  /// RFC 8305 §5 advises 250 ms between the beginnings of two attempts.
  Duration attempt_delay = std::chrono::milliseconds{250};
};

/// One try at one address; it tells how it ends, unless it is ended before. Freed at the end of a turn.
class Attempt : public net::Retirable {
 public:
  /// It was not the first, or nobody needs it any more.
  virtual void end() = 0;
};

class HappyEyeballs final : private core::Timer {
 public:
  struct Callbacks {
    /// Begins one attempt. Errors: it cannot even begin, so the next one is tried.
    std::function<Result<std::unique_ptr<Attempt>, Error>(const net::SocketAddress&)> begin;
    /// The winner, which is freed at the end of the turn. stop() may be called in it, as in `lose`.
    std::function<void(Attempt&)> win;
    /// None succeeded, for these reasons.
    std::function<void(const std::string&)> lose;
    /// What it means that no address answers.
    const char* silence;
  };

  /// Both outlive the object.
  HappyEyeballs(net::Loop& loop, net::Resolver& resolver, Duration attempt_delay, Callbacks callbacks);
  ~HappyEyeballs() override { stop(); }
  /// Looks `address` up, unless it is a number. May call `lose` before it returns.
  void start(const net::Address& address);
  /// Ends all attempts; none of the callbacks is called any more.
  void stop();
  /// Why it is still under way, for who cannot wait any longer.
  [[nodiscard]] std::string status() const;

  // For attempts
  void succeed(Attempt& attempt);
  void fail(Attempt& attempt, const std::string& reason);

 private:
  static constexpr std::size_t kAddressesMax = 8;  // more would take longer than anybody waits

  void run(const net::Addresses& addresses);
  void on_timer(core::TimePoint) override { begin_next(); }
  void begin_next();
  void end(std::unique_ptr<Attempt> attempt);
  void note_failure(const net::SocketAddress& address, const std::string& reason);

  struct Running {
    std::unique_ptr<Attempt> attempt;
    net::SocketAddress address;
  };

  net::Loop& loop_;
  net::Resolver& resolver_;
  const Duration attempt_delay_;
  Callbacks callbacks_;
  std::unique_ptr<net::Resolver::Query> query_;
  net::Addresses addresses_;
  std::size_t begun_ = 0;
  std::vector<Running> attempts_;
  std::string failures_;
};

}  // namespace plait::client
