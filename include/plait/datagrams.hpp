// Above datagrams: one for many sessions, and ones that are repeated until they are acknowledged (spec/messaging.md
// §5).
#pragma once

#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/session.hpp>
#include <plait/structured.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace plait {

/// Sends datagrams to many sessions of one loop. With several loops: one broadcaster for each.
class PLAIT_API DatagramBroadcaster {
 public:
  /// `session` must be removed before it is gone: at the latest in its on_close.
  void add(Session& session);
  void remove(Session& session);
  [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }

  /// To how many sessions it was sent. Those that are closing are removed; those that cannot take it now (queue full,
  /// too large for one datagram, a wire without them) miss it.
  std::size_t broadcast(ByteView data);
  /// An object, encoded once. Errors: unregistered, malformed.
  template <Structured T>
  Result<std::size_t, StructuredError> broadcast(const StructuredTypes& types, const T& object) {
    std::string datagram;
    if (const auto encoded = encode_datagram(types, object, datagram); !encoded) return err(encoded.error());
    return broadcast(as_bytes(datagram));
  }

 private:
  std::vector<Session*> sessions_;
};

struct ReliabilityOptions {
  /// How long to wait for an acknowledgement before sending again.
  Duration acknowledgement_timeout = std::chrono::seconds{2};
  /// How often to send again before giving up.
  unsigned retries_max = 5;
  /// Datagrams without an acknowledgement; beyond, send() answers `dropped`. So it does when 1,024 have been sent since
  /// the oldest of them, acknowledged or not: a receiver might have forgotten it, and take its repetition for new.
  std::size_t pending_max = 1024;
};

/// Datagrams of one session that arrive once, in any order, or are given up. Made by the session's handler, which
/// passes on what on_datagram() gets; both sides need one.
class PLAIT_API ReliableDatagrams {
 public:
  /// `acknowledged` false: given up, and it may have arrived all the same.
  using Done = std::function<void(bool acknowledged)>;

  /// `session` outlives it. Calls no function any more once it is destroyed.
  explicit ReliableDatagrams(Session& session, const ReliabilityOptions& options = {});
  ~ReliableDatagrams();

  /// Largest payload now.
  [[nodiscard]] std::size_t bytes_max() const;
  /// Sends until it is acknowledged. `done` is called once, later, unless the answer is `dropped` (too large, or too
  /// many are pending) or `closed`.
  SendStatus send(ByteView data, Done done = {});
  /// What arrives; a datagram that arrives again is left out, as long as none came that was sent 1,024 or more later.
  void on_datagram(std::function<void(ByteView data)> handler);
  /// False: that was not one of this layer's.
  bool handle_datagram(ByteView datagram);
  [[nodiscard]] std::size_t pending_count() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
