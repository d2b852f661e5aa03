// Structured streams and datagrams: objects of registered C++ types instead of bytes (spec/messaging.md §2).
//
// How a type travels is found by argument-dependent lookup. Either the type is a message of Protocol Buffers (it has
// SerializeToString and ParseFromArray), or two functions stand beside it:
//   plait::Value to_value(const Trade& trade);
//   bool from_value(const plait::Value& value, Trade& trade);   // false: that is no Trade
#pragma once

#include <plait/bytes.hpp>
#include <plait/config.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>
#include <plait/stream.hpp>
#include <plait/value.hpp>

#include <climits>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <unordered_map>
#include <utility>

namespace plait::messaging {
class FrameDecoder;
}

namespace plait {

/// Why an object could not be sent or read.
enum class StructuredError : std::uint8_t {
  unregistered,  ///< sending: its type has no id
  unknown_type,  ///< reading: nothing handles its id
  malformed,     ///< it cannot be encoded; it is no such object
  too_large,     ///< more than message_bytes_max. Reading: the stream is closed
  truncated,     ///< the stream (or datagram) ended inside of it
};
/// A few words for a person.
PLAIT_API std::string_view describe(StructuredError error);

/// Reset and stop code of a stream whose peer sends what is too large, as PyWebTransport 0.9.0 has it.
inline constexpr std::uint32_t kStructuredErrorCode = 0xC;

template <class T>
concept ProtobufMessage = requires(const T& sent, T& received, std::string* out, const void* data, int size) {
  { sent.SerializeToString(out) } -> std::convertible_to<bool>;
  { received.ParseFromArray(data, size) } -> std::convertible_to<bool>;
};
template <class T>
concept ValueMapped = requires(const T& sent, T& received, const Value& value) {
  { to_value(sent) } -> std::convertible_to<Value>;
  { from_value(value, received) } -> std::convertible_to<bool>;
};
template <class T>
concept Structured = std::default_initializable<T> &&(ProtobufMessage<T> || ValueMapped<T>);

/// Which types travel, under which ids, in which format. Set up before, then shared by streams, datagrams and loops;
/// outlives them.
class PLAIT_API StructuredTypes {
 public:
  /// `format` is for what is not a Protocol Buffers message.
  explicit StructuredTypes(Format format, std::size_t message_bytes_max = std::size_t{1} << 20);

  /// A programmer's error if the type or the id is registered already.
  template <Structured T>
  StructuredTypes& add(std::uint16_t id) {
    add(id, typeid(T));
    return *this;
  }
  template <Structured T>
  [[nodiscard]] std::optional<std::uint16_t> id_of() const {
    return id_of(typeid(T));
  }
  [[nodiscard]] Format format() const { return format_; }
  [[nodiscard]] std::size_t message_bytes_max() const { return message_bytes_max_; }

  /// Appends the payload of `object`.
  template <Structured T>
  Result<void, StructuredError> encode(const T& object, std::string& out) const {
    if constexpr (ProtobufMessage<T>) {
      std::string payload;
      if (!object.SerializeToString(&payload)) return err(StructuredError::malformed);
      out += payload;
    } else if (!plait::encode(format_, to_value(object), out)) {
      return err(StructuredError::malformed);
    }
    return {};
  }
  /// False: `payload` is no such object.
  template <Structured T>
  [[nodiscard]] bool decode(ByteView payload, T& object) const {
    if constexpr (ProtobufMessage<T>) {
      return payload.size() <= INT_MAX && object.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
    } else {
      const auto value = plait::decode(format_, payload);
      return value && from_value(*value, object);
    }
  }

 private:
  void add(std::uint16_t id, std::type_index type);
  [[nodiscard]] std::optional<std::uint16_t> id_of(std::type_index type) const;

  Format format_;
  std::size_t message_bytes_max_;
  std::unordered_map<std::type_index, std::uint16_t> ids_;
};

/// What is called with the objects that arrive: one function per type.
class PLAIT_API StructuredHandlers {
 public:
  explicit StructuredHandlers(const StructuredTypes& types) : types_(types) {}

  /// Replaces the function of that type, from inside of it, too. A programmer's error if the type is not registered.
  template <Structured T>
  void on(std::function<void(T object)> handler) {
    set(types_.id_of<T>(), [&types = types_, handler = std::move(handler)](ByteView payload) {
      T object{};
      if (!types.decode(payload, object)) return false;
      handler(std::move(object));
      return true;
    });
  }
  /// Objects that could not be read. Without it they are left out silently.
  void on_error(std::function<void(StructuredError error)> handler) {
    on_error_ = std::make_shared<const OnError>(std::move(handler));
  }

 protected:
  [[nodiscard]] const StructuredTypes& types() const { return types_; }
  void dispatch(std::uint16_t id, ByteView payload);
  void report(StructuredError error) const;

 private:
  using Handler = std::function<bool(ByteView payload)>;
  using OnError = std::function<void(StructuredError error)>;
  void set(std::optional<std::uint16_t> id, Handler handler);

  const StructuredTypes& types_;
  // Shared, since one that runs may replace itself.
  std::unordered_map<std::uint16_t, std::shared_ptr<const Handler>> handlers_;
  std::shared_ptr<const OnError> on_error_;
};

/// Objects on one stream. Belongs to its session, as every stream handler, and lives until on_close has returned.
class PLAIT_API StructuredStream final : public StreamHandler, public StructuredHandlers {
 public:
  /// Opens a stream. Errors: as Session::open_stream().
  static Result<StructuredStream*, StreamError> open(Session& session, const StructuredTypes& types,
                                                     StreamDirection direction = StreamDirection::bidirectional);
  /// For the answer of SessionHandler::on_stream().
  StructuredStream(Stream& stream, const StructuredTypes& types);
  ~StructuredStream() override;

  /// Sends one object; what became of it as Stream::write() says. Errors: unregistered, malformed, too_large.
  template <Structured T>
  Result<SendStatus, StructuredError> send(const T& object) {
    const auto id = types().id_of<T>();
    if (!id) return err(StructuredError::unregistered);
    if (const auto encoded = types().encode(object, begin_frame()); !encoded) return err(encoded.error());
    return send_frame(*id);
  }
  /// Ends our direction.
  void finish() { stream_->write(ByteView{}, true); }
  [[nodiscard]] Stream& stream() { return *stream_; }

  /// The peer's direction is over: it finished, or gave up (then with its code).
  void on_end(std::function<void(std::optional<std::uint32_t> code)> handler) { on_end_ = std::move(handler); }
  /// As StreamHandler::on_writable and on_close.
  void on_writable(std::function<void()> handler) {
    on_writable_ = std::make_shared<const std::function<void()>>(std::move(handler));
  }
  void on_close(std::function<void()> handler) { on_close_ = std::move(handler); }

  void on_data(Stream& stream, ByteView data, bool fin) override;
  void on_reset(Stream& stream, std::uint32_t code) override;
  void on_writable(Stream& stream) override;
  void on_close(Stream& stream) override;

 private:
  explicit StructuredStream(const StructuredTypes& types);
  std::string& begin_frame();
  Result<SendStatus, StructuredError> send_frame(std::uint16_t id);

  Stream* stream_ = nullptr;
  std::unique_ptr<messaging::FrameDecoder> decoder_;
  bool over_ = false;  // nothing more is read
  std::string sent_;   // scratch
  std::function<void(std::optional<std::uint32_t>)> on_end_;
  std::shared_ptr<const std::function<void()>> on_writable_;  // one that runs may replace itself
  std::function<void()> on_close_;
};

/// Appends one datagram: id and payload. Errors: unregistered, malformed.
template <Structured T>
Result<void, StructuredError> encode_datagram(const StructuredTypes& types, const T& object, std::string& out) {
  const auto id = types.id_of<T>();
  if (!id) return err(StructuredError::unregistered);
  out += static_cast<char>(*id >> 8);
  out += static_cast<char>(*id & 0xFF);
  return types.encode(object, out);
}

/// Objects in the datagrams of one session. Made by the session's handler, which passes on what on_datagram() gets.
class PLAIT_API StructuredDatagrams final : public StructuredHandlers {
 public:
  /// `session` outlives it.
  StructuredDatagrams(Session& session, const StructuredTypes& types) : StructuredHandlers(types), session_(session) {}

  /// Sends one object; what became of it as Session::send_datagram() says. Errors: unregistered, malformed; too_large
  /// for one datagram.
  template <Structured T>
  Result<SendStatus, StructuredError> send(const T& object) {
    sent_.clear();
    if (const auto encoded = encode_datagram(types(), object, sent_); !encoded) return err(encoded.error());
    return send_datagram();
  }
  void handle_datagram(ByteView datagram);

 private:
  Result<SendStatus, StructuredError> send_datagram();

  Session& session_;
  std::string sent_;  // scratch
};

}  // namespace plait
