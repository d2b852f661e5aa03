// LoopContext: what the connections of one loop share. Used on that loop's thread only, but for the counters.
#pragma once

#include <plait/limits.hpp>
#include <plait/server.hpp>
#include <plait/session.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/random.hpp"
#include "net/loop.hpp"
#include "transport/broadcast_log.hpp"
#include "transport/counters.hpp"
#include "transport/loop_entry.hpp"
#include "transport/loop_table.hpp"
#include "transport/rare_warning.hpp"
#include "transport/tcp/output_queue.hpp"

namespace plait::transport {

class Opening;

struct LoopContext {
  /// A connection that could make room for another.
  struct Waiting {
    LoopEntry* connection;
    core::TimePoint since;
  };
  using Waiters = std::list<Waiting>;  ///< who has waited longest comes first
  static constexpr std::size_t kGatherBytesMax = std::size_t{256} << 10;

  LoopContext(net::Loop& own_loop, const Limits& server_limits, std::uint32_t loop_index,
              std::atomic<std::size_t>& server_connection_count)
      : loop(own_loop),
        limits(server_limits),
        index(loop_index),
        connection_count(server_connection_count),
        gather_bytes_max(
            std::min({kGatherBytesMax, server_limits.send_high_water_bytes, server_limits.send_queue_bytes_max})),
        queues(own_loop.buffers()),
        broadcast(own_loop.buffers()) {}

  net::Loop& loop;
  const Limits& limits;
  const std::uint32_t index;                   ///< the loop's number, in SessionIds
  std::atomic<std::size_t>& connection_count;  ///< of all loops together, for Limits::connections_max
  /// Output of one read is written early once it is this large: more in one write gains nothing.
  const std::size_t gather_bytes_max;
  OutputQueues queues;
  BroadcastLog broadcast;
  Waiters handshakes;            ///< connections over TCP whose opening handshake is under way
  Waiters idle;                  ///< HTTP/1.1 connections between requests
  Waiters quic_handshakes;       ///< QUIC connections that have neither a session yet nor had a request
  Waiters quic_idle;             ///< HTTP/3 connections without a request or a session, after the first one
  RareWarning accept_warning;    ///< the system has no room for more connections
  RareWarning full_warning;      ///< Limits::connections_max is reached
  RareWarning unproven_failure;  ///< a handshake failed whose client may not be at the address that it named
  RareWarning origin_warning;    ///< a page of an origin that is not allowed asks for a session
  LoopTable entries;
  std::unordered_map<std::uint64_t, Opening*> openings;  ///< that were deferred, by OpeningId::number
  std::uint64_t last_opening = 0;
  Counters counters;
  crypto::RandomSource random;          ///< masking keys
  std::vector<std::uint8_t> plaintext;  ///< where TLS decrypts to; made with the first TLS connection
  core::VectorSink compressed;          ///< scratch for one outgoing message

  /// Adds `entry` to the table; with `id` it takes the place of what has that, which is retired.
  SessionId put(std::unique_ptr<LoopEntry> entry, std::optional<SessionId> id = {});
  /// Whether Limits::connections_max allows one more connection. If need be it makes room.
  [[nodiscard]] bool admits_connection();
  /// Closes a connection over TCP, whose file descriptor another one needs: that which has been idle longest, or if
  /// there is none, the one whose opening handshake has been under way longest, if that is so long that it hardly goes
  /// on. False: there is none of these.
  bool free_descriptor();
  /// A connection could not be taken, with this errno: logs it with the fix, seldom.
  void warn_of_shortage(int system_errno);
  /// A client's handshake of TLS or QUIC has failed: counts and logs it, seldom unless its address is `proven`.
  void note_failed_handshake(const std::string& peer, std::string_view reason, bool proven = true);
  /// A request that the middleware does not hear of, because it was not read to its end, is answered with `status`:
  /// logs it.
  void note_refused_request(const std::string& peer, int status);
  /// The same for the opening of a session, which is counted, too.
  void note_refused_opening(const std::string& peer, std::string_view method, int status);
  /// A connection is there, or gone: for the counters and Limits::connections_max.
  void count_connection() {
    counters.connections_open.add();
    connection_count.fetch_add(1, std::memory_order_relaxed);
  }
  void uncount_connection() {
    counters.connections_open.subtract();
    connection_count.fetch_sub(1, std::memory_order_relaxed);
  }
  /// Runs the user's `task` with that session, if it is there. An exception out of it closes the session with 1011.
  void run(SessionId id, const std::function<void(Session&)>& task);
  /// Ends all connections, with a word to those whose wire has one. Turns the loop for as long as that takes, at most a
  /// second.
  void end_connections();
  /// The Date field's value now, made once a second.
  std::string_view http_date();

 private:
  /// The same of any wire.
  bool make_room();
  bool evict_idle(Waiters& waiters);
  bool evict_handshake(const Waiters& waiters);

  std::string date_;
  std::chrono::system_clock::time_point date_time_;
};

}  // namespace plait::transport
