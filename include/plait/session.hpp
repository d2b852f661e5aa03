// Session and SessionHandler: one conversation with one peer, the same on every wire.
//
// A handler's functions are called on the session's loop, one at a time, and inside no call of the session's but
// abort(). A session belongs to that loop: call it from inside its handler's functions or from a function posted to it
// (Server::post, Client::post), never from elsewhere.
#pragma once

#include <plait/bytes.hpp>
#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>
#include <plait/stream.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plait {

class Executor;

/// A text must be UTF-8 (RFC 6455 §5.6). What is received is checked; what is sent is not: a peer ends the session for
/// a text that is not.
enum class MessageKind : std::uint8_t { text, binary };

/// One message, as a view. Valid until the handler that got it returns (or, given to send(), until send() returns);
/// share() makes it an owner.
class PLAIT_API Message {
 public:
  /// Where the bytes live; lets send() answer a received message without copying it. Made by the transports only.
  enum class Storage : std::uint8_t { borrowed, receive_buffer, block };

  Message(MessageKind kind, ByteView data) : kind_(kind), data_(data) {}
  static Message text(std::string_view text) { return {MessageKind::text, as_bytes(text)}; }
  static Message binary(ByteView data) { return {MessageKind::binary, data}; }
  /// A message in an owned block: send() keeps a reference instead of copying. `bytes` must outlive the Message.
  static Message shared(MessageKind kind, const Bytes& bytes);
  /// A received message; for transports.
  static Message received(MessageKind kind, ByteView data, Storage storage, Block* block) {
    Message message{kind, data};
    message.storage_ = storage;
    message.block_ = block;
    return message;
  }

  [[nodiscard]] MessageKind kind() const { return kind_; }
  [[nodiscard]] ByteView data() const { return data_; }
  [[nodiscard]] std::string_view text() const { return as_text(data_); }
  [[nodiscard]] std::size_t size() const { return data_.size(); }
  /// An owned slice: shares the block the message was received in, else copies. It may outlive client and server.
  [[nodiscard]] Bytes share() const;

  [[nodiscard]] Storage storage() const { return storage_; }
  [[nodiscard]] Block* block() const { return block_; }

 private:
  MessageKind kind_;
  Storage storage_ = Storage::borrowed;
  ByteView data_;
  Block* block_ = nullptr;
};

/// What became of a message given to send().
enum class SendStatus : std::uint8_t {
  sent,     ///< handed to the kernel, or gathered for the write at the end of this turn of the loop
  queued,   ///< accepted, but the backlog is above the high-water mark: wait for on_writable
  dropped,  ///< not accepted: the backlog would exceed Limits::send_queue_bytes_max (unless nothing waits: then a
            ///< message of any size is accepted), or for a reason that the call names
  closed,   ///< not accepted: the session is closing or closed, or it is paused and its peer gone
};

/// Messages that go together, in this order, to many sessions of one loop: Session::send_burst() makes frames of them
/// once instead of for each session. Used on that loop's thread only; clear() it before the loop ends.
class PLAIT_API MessageBurst {
 public:
  /// The burst shares `payload`.
  void add(MessageKind kind, Bytes payload);
  void clear();
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  [[nodiscard]] std::size_t payload_bytes() const { return payload_bytes_; }
  /// Valid until add() or clear().
  [[nodiscard]] Message operator[](std::size_t index) const {
    return Message::shared(messages_[index].kind, messages_[index].payload);
  }

  /// For transports: what `maker` has made of the messages for its wire, to be kept until they change. Empty at first.
  [[nodiscard]] Bytes& frames(const void* maker) const {
    if (std::exchange(maker_, maker) != maker) frames_ = {};
    return frames_;
  }

 private:
  struct Item {
    MessageKind kind;
    Bytes payload;
  };
  std::vector<Item> messages_;
  std::size_t payload_bytes_ = 0;
  mutable const void* maker_ = nullptr;
  mutable Bytes frames_;
};

struct SendOptions {
  /// Compress where the peer negotiated it and the message is at least Limits::deflate_threshold_bytes.
  bool compress = true;
};

/// What became of a burst given to send_burst(): the first `accepted` messages were, and `status` is what send() would
/// have answered for the last one that was tried. An empty burst is `sent`.
struct BurstStatus {
  SendStatus status = SendStatus::sent;
  std::size_t accepted = 0;
};

/// Close codes (RFC 6455 §7.4.1), used on every wire. WebTransport carries any 32 bits, the others 1000–1003, 1007–1014
/// and 3000–4999.
namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kUnsupportedData = 1003;
/// Never on the wire: the peer closed without a code (of WebTransport: code 0 and no reason, which is the same).
inline constexpr std::uint16_t kNoStatus = 1005;
inline constexpr std::uint16_t kAbnormal = 1006;  ///< never on the wire: the connection ended without a close frame
inline constexpr std::uint16_t kInvalidPayload = 1007;
inline constexpr std::uint16_t kPolicyViolation = 1008;
inline constexpr std::uint16_t kMessageTooBig = 1009;
inline constexpr std::uint16_t kMandatoryExtension = 1010;
inline constexpr std::uint16_t kInternalError = 1011;
inline constexpr std::uint16_t kServiceRestart = 1012;  ///< of IANA's registry
inline constexpr std::uint16_t kTryAgainLater = 1013;
}  // namespace close_code

/// Why and how a session ended.
struct CloseInfo {
  /// Of the peer's close, also where it answers ours; of ours, where the wire has no code in the answer (https:).
  std::uint32_t code = close_code::kAbnormal;
  /// UTF-8, at most 123 bytes on the wires that have RFC 6455's limit. Where the peer's answer says none, our own.
  std::string reason;
  bool clean = false;          ///< both sides finished the closing handshake
  bool started_by_us = false;  ///< close(), abort() or a violated rule; not the peer, nor a session that never opened
  int status = 0;              ///< of a server that refused the opening, as HTTP numbers them on every wire; else 0
};

/// Slab index and generation: valid for ever, resolves to nothing once the session is gone. SessionId{} is nobody's.
/// May be the key of ordered and of hashed containers; the order means nothing.
struct SessionId {
  std::uint32_t loop = 0;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  // clang-tidy 14 takes the 0 in it for a pointer.
  friend auto operator<=>(const SessionId&, const SessionId&) = default;  // NOLINT(modernize-use-nullptr)
};

/// Names a datagram of its session, for SessionHandler::on_datagram_fate: 0, 1, 2 … in the order of the sends that
/// asked for one.
using DatagramId = std::uint64_t;

/// What became of a datagram. `dropped`, or `sent` and then at most one of the other two: nothing more is told once the
/// session or its connection ends.
enum class DatagramFate : std::uint8_t {
  sent,          ///< it has left in a packet
  acknowledged,  ///< the peer's QUIC has it
  lost,     ///< the packet counts as lost (RFC 9002 §6.1); it may have arrived all the same, and is not sent again
  dropped,  ///< never sent: older than Limits::datagram_age_max, pushed out of the queue by newer ones, or too
            ///< large for a path that has changed
};

/// Counters since the session opened. Bytes are payload bytes, before compression and after decompression.
struct SessionStats {
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_sent = 0;
  /// Calls of send() and MessageWriter::write() that answered `dropped`, for whatever reason. A send_burst()
  /// counts at most once, for the send() that ended it.
  std::uint64_t messages_dropped = 0;

  // Of the QUIC connection, which sessions may share; 0 on other wires.
  std::uint64_t packets_sent = 0;  ///< UDP datagrams
  std::uint64_t packets_received = 0;
  std::uint64_t packets_lost = 0;  ///< of those with streams' data or a datagram in them
  std::uint64_t congestion_window_bytes = 0;
  std::uint64_t in_flight_bytes = 0;
};

/// How long the opening of a client's https: session took: from connect() to the end of QUIC's handshake (RFC 9001
/// §4.1.1), to the server's SETTINGS (RFC 9114 §7.2.4), and to its response to the extended CONNECT (RFC 9220).
struct OpeningTimes {
  Duration handshake;
  Duration settings;
  Duration response;
};

/// A message that is sent in parts, so that it needs never be whole in memory. Belongs to its session.
class PLAIT_API MessageWriter {
 public:
  virtual ~MessageWriter() = default;
  /// Sends one part. As Session::send; `dropped` leaves the message where it was, and the part may be tried again.
  virtual SendStatus write(ByteView part) = 0;
  /// Ends the message. The writer must not be used afterwards.
  virtual SendStatus finish() = 0;
};

/// One conversation with one peer.
class PLAIT_API Session {
 public:
  virtual ~Session() = default;

  /// Sends one message. Never blocks. Sends of one session arrive in order.
  virtual SendStatus send(const Message& message, SendOptions options = {}) = 0;

  /// Sends messages as so many calls of send() would, until one is not accepted.
  virtual BurstStatus send_burst(const MessageBurst& burst, SendOptions options = {});

  /// Starts a message of unknown length. Until finish(), send() answers `dropped`: a message cannot interrupt another.
  /// Null when a message is under way already, the session is closing, or its handler wants streams.
  virtual MessageWriter* begin_message(MessageKind kind) = 0;

  /// Starts the closing handshake; what was sent before still goes out. `reason` is cut to 123 bytes of whole UTF-8
  /// characters, and left out if it is not UTF-8. on_close follows; a session that is paused hears nothing else before.
  /// Does nothing when already closing. A code that the wire cannot carry (see close_code) is logged and becomes 1011;
  /// 0 and 1005 close without a code.
  virtual void close(std::uint32_t code = close_code::kNormal, std::string_view reason = {}) = 0;
  /// Cuts the connection at once; on_close, with code 1006, is called before this returns.
  virtual void abort() = 0;

  /// Stops and resumes reading messages from the peer (TCP's, or QUIC's, backpressure reaches it). Pairs nest not. What
  /// was left is delivered after resume(), not inside it. The peer's close stands behind its messages and waits with
  /// them, but not on https:, where it ends the pause: what came before it is delivered, then on_close follows; so does
  /// the peer's CONNECTION_CLOSE on quic:. Of streams (wants_streams() on https: and quic:) they say nothing:
  /// StreamHandler::consumes() slows their peer down.
  virtual void pause() = 0;
  virtual void resume() = 0;

  /// Opens a stream. Errors: unsupported (wss:, tcp:), limit, closed. The handler is destroyed if there is an error.
  virtual Result<Stream*, StreamError> open_stream(StreamDirection /*direction*/,
                                                   std::unique_ptr<StreamHandler> /*handler*/) {
    return err(StreamError::unsupported);
  }
  /// Sends one unreliable datagram of at most datagram_bytes_max() bytes and not empty; `dropped` where that is not so,
  /// or the wire has none. `sent` means that it waits for the congestion window, which Limits::datagram_age_max and
  /// newer datagrams may end, and may still be lost. With `id`, which `sent` alone sets,
  /// SessionHandler::on_datagram_fate tells later which of these it was; without one nothing is kept or told.
  virtual SendStatus send_datagram(ByteView /*data*/, DatagramId* /*id*/ = nullptr) { return SendStatus::dropped; }
  /// 0 on wires without datagrams. May grow while path MTU discovery goes on, which begins with the first datagram,
  /// also one that is too large for now, or with as much on a stream as fills a packet.
  [[nodiscard]] virtual std::size_t datagram_bytes_max() const { return 0; }

  /// Bytes accepted by send() that the kernel has not taken yet; what is written to streams is not among them, but
  /// in Stream::buffered_bytes(). A handler that calls send() until this or `queued` stops it reads nothing meanwhile:
  /// a fast peer keeps it there, so give the loop its turn now and then (Server::post).
  [[nodiscard]] virtual std::size_t buffered_bytes() const = 0;
  /// Round trip of the newest answered ping; none before the first. On https: and quic: QUIC's smoothed estimate (RFC
  /// 9002 §5.3).
  [[nodiscard]] virtual std::optional<Duration> rtt() const = 0;
  [[nodiscard]] virtual SessionStats stats() const = 0;
  /// From on_open on, a client's over https: alone; of the first session that its connection carries.
  [[nodiscard]] virtual std::optional<OpeningTimes> opening_times() const { return std::nullopt; }
  [[nodiscard]] virtual SessionId id() const = 0;
  /// The session's loop (plait/executor.hpp): time, timers, tasks. It outlives the session.
  [[nodiscard]] virtual Executor& executor() = 0;
  /// The peer's address as text: "127.0.0.1:5000", "[::1]:5000", "unix".
  [[nodiscard]] virtual std::string peer() const = 0;
  /// The subprotocol that was agreed on, or empty.
  [[nodiscard]] virtual std::string_view subprotocol() const = 0;
};

/// What a client's certificate says of its owner. An authority of ServerOptions::client_authority_file has signed it,
/// and it is valid now.
struct ClientCertificate {
  std::string subject;             ///< RFC 4514: "CN=worker-7,O=Example"
  std::vector<std::string> names;  ///< subject alternative names: "DNS:…", "IP:…", "URI:…", "email:…"
};

/// What reaches a server before there is a session: an opening on any wire, or an HTTP request. Views last as long as
/// the object.
class PLAIT_API IncomingRequest {
 public:
  virtual ~IncomingRequest() = default;
  [[nodiscard]] virtual bool opens_session() const = 0;
  /// Of HTTP: "GET", "CONNECT"; empty on wires without it.
  [[nodiscard]] virtual std::string_view method() const = 0;
  [[nodiscard]] virtual std::string_view path() const = 0;   ///< without the query, not decoded
  [[nodiscard]] virtual std::string_view query() const = 0;  ///< after "?", not decoded
  /// What stood in the path where the route (Server::listen, Server::http) has {name}, percent-decoded once: any bytes,
  /// "/" and NUL among them, and no more than the path has. Empty if the route has no such name.
  [[nodiscard]] virtual std::string_view parameter(std::string_view name) const = 0;
  /// The value of a header field, or empty; the name is compared without case. On wires without HTTP: "authorization"
  /// and "host" only.
  [[nodiscard]] virtual std::string_view header(std::string_view name) const = 0;
  [[nodiscard]] virtual const std::vector<std::string_view>& subprotocols() const = 0;  ///< offered, in order
  [[nodiscard]] virtual std::string peer() const = 0;                                   ///< as Session::peer()
  /// True on wires that encrypt (tls:, wss:, https:, quic:).
  [[nodiscard]] virtual bool secure() const = 0;
  /// The client's certificate, verified; null if it showed none (ServerOptions::client_certificates).
  [[nodiscard]] virtual const ClientCertificate* certificate() const = 0;
  /// Who asks, once a handler or middleware has said so, or empty.
  [[nodiscard]] virtual std::string_view user() const { return {}; }
  /// Says who asks, for those that see the request afterwards, such as access_log(). Any text.
  virtual void set_user(std::string_view /*user*/) {}
  /// Whether the page that asks may open sessions: it is none, or of this server's origin or one of
  /// ServerOptions::allowed_origins. An opening for which this is false is refused.
  [[nodiscard]] virtual bool is_origin_allowed() const = 0;
};

/// Names an opening that was deferred: valid for ever, resolves to nothing once it is answered or gone.
struct OpeningId {
  std::uint32_t loop = 0;
  std::uint64_t number = 0;
  friend bool operator==(const OpeningId&, const OpeningId&) = default;
};

/// The opening handshake as the server sees it, before there is a session.
class PLAIT_API OpeningRequest : public IncomingRequest {
 public:
  [[nodiscard]] bool opens_session() const final { return true; }

  /// Accepts, with one of the offered subprotocols or none.
  virtual void accept(std::string_view subprotocol = {}) = 0;
  /// Refuses with an HTTP status (400–599, else it becomes 500) and a reason for the body.
  virtual void reject(int status, std::string_view reason) = 0;
  /// The answer comes later: by Server::post(id, …), from any thread, within Limits::handshake_timeout from now; 503
  /// then. Until it does the peer is not read. The request itself may not be used after on_request, but in that post.
  virtual OpeningId defer() = 0;
};

/// What the user implements. One object per session, made by the factory that was given to listen() or connect(), and
/// destroyed after on_close. An exception out of any function closes the session with 1011 and is logged; out of
/// wants_parts() and wants_streams(), which are asked once, it refuses the opening.
class PLAIT_API SessionHandler {
 public:
  virtual ~SessionHandler() = default;
  /// Server only. The default accepts without a subprotocol. Who neither accepts, rejects nor defers before it returns
  /// has refused (403).
  virtual void on_request(OpeningRequest& request) { request.accept(); }
  virtual void on_open(Session&) {}
  virtual void on_message(Session&, const Message&) {}
  /// True: on_message_part is called instead of on_message, and no message is assembled in memory.
  [[nodiscard]] virtual bool wants_parts() const { return false; }
  /// One part of a message; `last` ends it. A part may be empty.
  virtual void on_message_part(Session&, const Message& /*part*/, bool /*last*/) {}
  /// On the wires that have streams (https:, quic:): true makes every stream of the peer an on_stream(), and there are
  /// no messages: send() answers `dropped`. False: the first bidirectional stream that the client opens carries the
  /// session's messages (spec/frames.md), and others are refused.
  [[nodiscard]] virtual bool wants_streams() const { return false; }
  /// The peer opened a stream. The answer handles it; null refuses it.
  virtual std::unique_ptr<StreamHandler> on_stream(Session&, Stream&) { return nullptr; }
  /// open_stream() may be tried again after `limit`.
  virtual void on_streams_available(Session&, StreamDirection) {}
  /// One unreliable datagram.
  virtual void on_datagram(Session&, ByteView) {}
  /// What became of a datagram that was sent with an ID. Never called from inside send_datagram().
  virtual void on_datagram_fate(Session&, DatagramId, DatagramFate) {}
  /// The backlog has drained to the low-water mark after send(), or a message's write(), had answered `queued` or
  /// `dropped`. Does not follow what was `dropped` for another reason than the backlog: a send() while a message is
  /// written in parts or in a session that wants streams, and send_datagram().
  virtual void on_writable(Session&) {}
  /// On https: the peer asks for the session's end, which may follow (WT_DRAIN_SESSION, or GOAWAY of HTTP/3): finish
  /// what is under way, and begin new work on another session. At most once.
  virtual void on_draining(Session&) {}
  /// The last call; `session` may not be sent to any more.
  virtual void on_close(Session&, const CloseInfo&) {}
};

/// Makes the handler of one new session. Called on that session's loop; must be callable from every loop at once.
using HandlerFactory = std::function<std::unique_ptr<SessionHandler>()>;

/// A factory for handlers of one type with a default constructor.
template <class Handler>
HandlerFactory handler() {
  return [] { return std::make_unique<Handler>(); };
}

}  // namespace plait

template <>
struct std::hash<plait::SessionId> {
  std::size_t operator()(const plait::SessionId& id) const noexcept {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // spreads neighbours: 2^64 / the golden ratio
    const std::uint64_t place = std::uint64_t{id.loop} << 32 | id.index;
    return static_cast<std::size_t>((place * kOdd ^ id.generation) * kOdd);
  }
};
