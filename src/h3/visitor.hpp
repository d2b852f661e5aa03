// Visitor: what an h3::Connection reports to the layer above.
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>

#include "h3/error.hpp"
#include "h3/message.hpp"
#include "h3/settings.hpp"
#include "h3/streams.hpp"

namespace plait::h3 {

/// Views are valid until the function returns. Every function may call the connection's functions for sending, but
/// neither its handle_x functions nor its destructor.
///
/// A stream is *announced* by on_request, on_too_many_fields, on_webtransport_stream, or by the call that opened it.
/// What follows about it: data, then at most one of on_fin, on_reset and on_stream_error, and in the end on_closed.
class Visitor {
 public:
  /// The peer's SETTINGS; once, and perhaps after the first requests.
  virtual void on_settings(const Settings& peer) = 0;

  /// Server: a well-formed request. Its content follows as on_data; on CONNECT that is the data stream of the request.
  virtual void on_request(StreamId id, const RequestHead& head) = 0;
  /// Server: a request with more than Options::field_count_max fields, of which nothing else is told. It wants an
  /// answer; its content follows as on_data.
  virtual void on_too_many_fields(StreamId id) = 0;
  /// Client: the head of a response, interim ones (1xx) too, until the final one.
  virtual void on_response(StreamId id, const ResponseHead& head) = 0;

  /// A WebTransport stream of the peer's. `session` is a possible session ID; whether there is such a session, or will
  /// be, the visitor knows. Its bytes follow as on_data, unframed.
  virtual void on_webtransport_stream(StreamId id, StreamId session, Direction direction) = 0;

  /// Some content of a message, or some bytes of a WebTransport stream. Connection::consume() gives the credit back.
  ///
  /// On the stream of an extended CONNECT, a frame whose type is that of a WebTransport capsule is passed on here as it
  /// is, type and length included, as if it had come inside DATA: PyWebTransport up to 0.10 sends capsules so.
  virtual void on_data(StreamId id, ByteView data) = 0;
  /// The peer has ended its sending side, after a whole message. Trailers were checked and dropped.
  virtual void on_fin(StreamId id) = 0;
  /// The peer has reset its sending side.
  virtual void on_reset(StreamId id, std::uint64_t error_code) = 0;
  /// The peer wants no more of our sending side, which is reset.
  virtual void on_stop_sending(StreamId id, std::uint64_t error_code) = 0;
  /// The stream was reset and stopped for a peer's error. It may be one that was never announced.
  virtual void on_stream_error(StreamId id, Error error) = 0;
  /// Both sides of an announced stream are over; its ID names nothing any more.
  virtual void on_closed(StreamId id) = 0;

  /// An HTTP Datagram for the request or session whose stream is `id`, which need not exist (any more, or yet).
  virtual void on_datagram(StreamId id, ByteView payload) = 0;
  /// The peer is going away. Client: requests with this ID or a higher one were not and will not be processed.
  /// Server: `id` is a push ID and means nothing.
  virtual void on_goaway(std::uint64_t id) = 0;
  /// Streams::open would answer again, or nearly. May come when nobody waits.
  virtual void on_streams_available(Direction direction) = 0;
  /// The connection was closed for a peer's error; nothing follows.
  virtual void on_connection_error(Error error) = 0;

 protected:
  ~Visitor() = default;
};

}  // namespace plait::h3
