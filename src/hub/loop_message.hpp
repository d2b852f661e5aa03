// LoopMessage: what travels between loops. A loop sends requests to a topic's home; a home sends answers and
// publications to loops. Both stand in the one ring of that pair of loops, so what a home does in some order arrives
// in that order.
#pragma once

#include <plait/broker.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "hub/ring.hpp"

namespace plait::hub {

/// A connection of one loop; resolves to nothing once it is gone.
struct ConnectionRef {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // never 0 for a connection
};

/// Who waits for an answer: one request of one connection.
struct Ticket {
  ConnectionRef connection;
  std::uint32_t request = 0;
};

// --- From a loop to a home; each but unsubscribe and unwatch is answered exactly once -------------------------------

struct Subscribe {
  Bytes topic;
  Ticket ticket;
  std::optional<Position> since;
};
/// The loop's last subscriber has left.
struct Unsubscribe {
  Bytes topic;
};
struct Watch {
  Bytes pattern;
};
struct Unwatch {
  Bytes pattern;
};
struct Publish {
  Bytes topic;
  Bytes payload;
  PublishOptions options;
  Ticket ticket;
};

// --- From a home to a loop ------------------------------------------------------------------------------------------

/// Publications that follow in the ring come after `history`. Null: the broker is unavailable.
struct Subscribed {
  Bytes topic;
  Ticket ticket;
  std::unique_ptr<History> history;
  /// The topic's gap up to here, of those that were subscribed before.
  Position missed_until;
  std::uint64_t missed = 0;
};
struct Published {
  Ticket ticket;
  Position position;
  std::optional<BrokerError> error;
};
/// The ring was full: `missed` publications up to `position` were left out; what follows comes after it.
struct Gap {
  Bytes topic;
  Position position;
  std::uint64_t missed = 0;
};
/// Publications of matching topics follow from here on. The gaps are those of before, of all topics: not the pattern's.
struct Watching {
  Bytes pattern;
  std::vector<Gap> gaps;
};

using LoopMessage =
    std::variant<Publication, Publish, Published, Subscribe, Subscribed, Unsubscribe, Watch, Watching, Unwatch, Gap>;

/// What a message keeps alive beside its place in a ring. An answer's history is the broker's to bound.
struct PayloadBytes {
  std::size_t operator()(const LoopMessage& message) const {
    if (const auto* publication = std::get_if<Publication>(&message)) return publication->payload.size();
    if (const auto* publish = std::get_if<Publish>(&message)) return publish->payload.size();
    return 0;
  }
};
using LoopRing = Ring<LoopMessage, PayloadBytes>;

}  // namespace plait::hub
