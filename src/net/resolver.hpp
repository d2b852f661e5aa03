// Resolver: host names to addresses without blocking the loop. getaddrinfo() has no other form than a call that waits,
// so it is called on threads of its own: at most four, made when there is something to look up, gone when there is not.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "net/address.hpp"
#include "net/loop.hpp"

namespace plait::net {

using Addresses = std::vector<SocketAddress>;

class Resolver {
 public:
  /// Called on a thread of the resolver, several at a time.
  using LookUp = std::function<Result<Addresses, Error>(const Address&)>;
  using Done = std::function<void(Result<Addresses, Error>)>;

  /// A lookup under way; once it is destroyed, its `done` is not called.
  class Query {
   public:
    virtual ~Query() = default;
  };

  /// `loop` outlives the resolver.
  explicit Resolver(Loop& loop, LookUp look_up = resolve);
  /// Waits for nobody: what a thread still finds is dropped.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Looks `address` up, and calls `done` on the loop, never inside this call.
  std::unique_ptr<Query> start(const Address& address, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;  // the threads' too, which may outlive the resolver
};

/// RFC 8305 §4: alternating between the families, beginning with that of the first; otherwise in the order given.
[[nodiscard]] Addresses interleave_families(const Addresses& sorted);

}  // namespace plait::net
