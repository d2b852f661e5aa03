// SessionVisitor: what a wt::Session reports to the layer above.
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>

#include "h3/streams.hpp"
#include "wt/error_code.hpp"

namespace plait::wt {

using h3::Direction;
using h3::StreamId;

/// How a session ended.
struct CloseInfo {
  std::uint32_t code = 0;        ///< of WT_CLOSE_SESSION, whoever sent it; 0 without one
  std::string reason{};          ///< UTF-8, at most 1024 bytes
  bool clean = false;            ///< by WT_CLOSE_SESSION or FIN; not by a reset, an error, or the connection's end
  std::optional<Error> error{};  ///< the rule that the peer broke, and that we reset the session for
};

/// Views are valid until the function returns. Every function may call the session's operations, but neither a
/// handle_x function nor a destructor.
///
/// Of a stream: on_stream or open_stream() first; then data, until `fin` or on_stream_reset; on_stream_closed last,
/// unless the session ends before. Nothing follows on_closed, and it ends all streams.
class SessionVisitor {
 public:
  /// The peer opened a stream.
  virtual void on_stream(StreamId id, Direction direction) = 0;
  /// Bytes of a stream; empty only with `fin`. Session::consume() gives the credit for them back.
  virtual void on_stream_data(StreamId id, ByteView data, bool fin) = 0;
  /// The peer has reset its sending side. None: not with an application's code. All that was reported counts as
  /// consumed.
  virtual void on_stream_reset(StreamId id, std::optional<std::uint32_t> application_code) = 0;
  /// The peer wants no more of our sending side, which is reset.
  virtual void on_stop_sending(StreamId id, std::optional<std::uint32_t> application_code) = 0;
  /// Both sides are over. Session::consume() may still be called for what was reported.
  virtual void on_stream_closed(StreamId id) = 0;
  /// All that write() had queued in the session for want of the peer's credit has left it.
  virtual void on_stream_writable(StreamId id) = 0;
  /// Session::open_stream() is worth another try. May come when nobody waits.
  virtual void on_streams_available(Direction direction) = 0;
  virtual void on_datagram(ByteView payload) = 0;
  /// WT_DRAIN_SESSION, or GOAWAY of the connection: the peer asks to finish soon. Once.
  virtual void on_draining() = 0;
  /// The session is over. After a close() of ours it comes when the peer has ended its side, too.
  virtual void on_closed(const CloseInfo& info) = 0;

 protected:
  ~SessionVisitor() = default;
};

}  // namespace plait::wt
