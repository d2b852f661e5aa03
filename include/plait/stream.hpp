// Stream and StreamHandler: byte streams inside a session, on the wires that have them (https:, quic:).
//
// As with sessions: everything on the session's loop, one call at a time.
#pragma once

#include <plait/bytes.hpp>
#include <plait/config.hpp>

#include <cstdint>

namespace plait {

class Session;
enum class SendStatus : std::uint8_t;

enum class StreamDirection : std::uint8_t { bidirectional, unidirectional };

/// Why open_stream() opened none.
enum class StreamError : std::uint8_t {
  unsupported,  ///< this wire has no streams
  limit,        ///< the peer allows no more at the moment: on_streams_available follows
  closed,       ///< the session is closing or closed
};

/// One stream. Lives until StreamHandler::on_close has returned; may be used until then.
class PLAIT_API Stream {
 public:
  virtual ~Stream() = default;

  /// Queues `data`, in order; `fin` ends our direction. Never blocks. `queued` when more than
  /// Limits::send_high_water_bytes wait unsent in this stream (on_writable follows); `dropped`, and nothing taken, when
  /// that would exceed Limits::send_queue_bytes_max, which an end without data never does, nor any `data` when nothing
  /// waits; `closed` when our direction is over, or there is none, or the session is closing.
  virtual SendStatus write(ByteView data, bool fin = false) = 0;
  /// The same without a copy: keeps a reference until the peer has acknowledged.
  virtual SendStatus write(Bytes data, bool fin = false) = 0;
  /// Gives our direction up at once; what was queued is dropped. The peer is told `code`.
  virtual void reset(std::uint32_t code) = 0;
  /// Asks the peer to give its direction up; nothing more is delivered.
  virtual void stop(std::uint32_t code) = 0;
  /// `size` bytes that on_data delivered are done with: the peer may send as many more. Without, it stops once its
  /// credit is used up (StreamHandler::consumes). What is beyond all that it delivered is ignored.
  virtual void consume(std::size_t size) = 0;

  /// Bytes written that were never sent: the backlog that the marks of Limits speak of.
  [[nodiscard]] virtual std::size_t buffered_bytes() const = 0;
  [[nodiscard]] virtual StreamDirection direction() const = 0;
  [[nodiscard]] virtual bool opened_by_peer() const = 0;
  /// RFC 9000 §2.1; unique in its connection.
  [[nodiscard]] virtual std::uint64_t id() const = 0;
  [[nodiscard]] virtual Session& session() = 0;

  /// What waits in this stream leaves before what waits in streams of the same `group` with a lower `order`, strictly.
  /// Groups share the connection in turns, as do streams of equal order; all streams that were given none are one more
  /// group. A group is one session's. May be changed at any time, also from inside a handler; costs nothing where no
  /// stream of the connection has a priority. On https: what waits for the peer's credit of the session is beyond it.
  virtual void set_priority(std::uint32_t group, std::int64_t order) = 0;
};

/// What the user implements for the streams of a session; one object per stream, destroyed after on_close. An exception
/// out of any function closes the session with 1011 and is logged.
class PLAIT_API StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  /// False (the default): what on_data delivered counts as consumed when it returns. True: only what consume() names,
  /// so that a slow reader slows its peer down. What is left at on_close counts as consumed then.
  [[nodiscard]] virtual bool consumes() const { return false; }
  /// The next bytes, in order; `fin` when they are the last (`data` may be empty then).
  virtual void on_data(Stream&, ByteView /*data*/, bool /*fin*/) {}
  /// The peer gave its direction up. `code` is 0 when it named none.
  virtual void on_reset(Stream&, std::uint32_t /*code*/) {}
  /// The peer wants no more of our direction, which is reset.
  virtual void on_stop(Stream&, std::uint32_t /*code*/) {}
  /// The backlog has fallen to Limits::send_low_water_bytes after write() had answered `queued` or `dropped`.
  virtual void on_writable(Stream&) {}
  /// Both directions are over, or the session is. The last call. Our own is over when the peer has acknowledged its
  /// end, perhaps a while after it has answered: begin what follows an answer in on_data.
  virtual void on_close(Stream&) {}
};

}  // namespace plait
