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

#include "core/counter.hpp"
#include "crypto/random.hpp"
#include "net/loop.hpp"
#include "transport/broadcast_log.hpp"
#include "transport/connection.hpp"
#include "transport/output_queue.hpp"
#include "transport/rare_warning.hpp"

namespace plait::transport {

class Opening;
class TcpConnection;
class Router;

using core::Counter;

/// Meanings: plait::ServerStats.
struct Counters {
  Counter connections_accepted, connections_refused, connections_open, sessions_open, quic_resumed;
  Counter messages_received, messages_sent, bytes_received, bytes_sent, http_requests;
  Counter handshakes_failed;
  Counter openings_refused_401, openings_refused_403, openings_refused_404, openings_refused_429;
  Counter openings_refused_other;

  [[nodiscard]] Counter& openings_refused(int status);
};

/// Who is connected on this loop: a slab, so that a SessionId of the past resolves to nothing.
class ConnectionTable {
 public:
  ConnectionTable();
  ~ConnectionTable();
  SessionId add(std::unique_ptr<Connection> connection, std::uint32_t loop);
  /// Null when that connection is gone.
  [[nodiscard]] Connection* find(SessionId id) const;
  /// Puts `connection` in the place of another, which it gives back; the id stays valid.
  [[nodiscard]] std::unique_ptr<Connection> replace(SessionId id, std::unique_ptr<Connection> connection);
  /// Takes the connection out; its id becomes stale.
  std::unique_ptr<Connection> remove(SessionId id);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Frees all without a word.
  void clear();
  /// Calls `visit` for each; it may remove any.
  void for_each(const std::function<void(Connection&)>& visit);

 private:
  struct Entry {
    std::unique_ptr<Connection> connection;
    std::uint32_t generation = 1;  ///< never 0: SessionId{} names nobody
  };
  static void retire_id(Entry& entry) {
    if (++entry.generation == 0) entry.generation = 1;
  }
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

struct LoopContext {
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
  std::list<TcpConnection*> handshakes;  ///< connections whose opening handshake is under way, oldest first
  std::list<TcpConnection*> idle;        ///< HTTP/1.1 connections between requests, the longest idle first
  RareWarning accept_warning;            ///< the system has no room for more connections
  RareWarning full_warning;              ///< Limits::connections_max is reached
  RareWarning origin_warning;            ///< a page of an origin that is not allowed asks for a session
  ConnectionTable connections;
  std::unordered_map<std::uint64_t, Opening*> openings;  ///< that were deferred, by OpeningId::number
  std::uint64_t last_opening = 0;
  Counters counters;
  crypto::RandomSource random;          ///< masking keys
  std::vector<std::uint8_t> plaintext;  ///< where TLS decrypts to; made with the first TLS connection
  core::VectorSink compressed;          ///< scratch for one outgoing message

  /// Adds `connection` to the table; with `id` it takes the place of what has that, which is retired.
  SessionId put(std::unique_ptr<Connection> connection, std::optional<SessionId> id = {});
  /// Whether Limits::connections_max allows one more connection. If need be it closes one that is idle here.
  [[nodiscard]] bool admits_connection();
  /// Closes the HTTP/1.1 connection that has been idle longest. False: there is none.
  bool evict_idle();
  /// A client's handshake of TLS or QUIC has failed: counts and logs it.
  void note_failed_handshake(const std::string& peer, std::string_view reason);
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
  std::string date_;
  std::chrono::system_clock::time_point date_time_;
};

}  // namespace plait::transport
