// Builds frames, right or wrong, and drives a Decoder as a transport does.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "ws/decoder.hpp"
#include "ws/mask.hpp"

namespace plait::ws {

inline constexpr Decoder::Options kClient{.role = Role::client};

using Buffer = std::vector<std::uint8_t>;

inline Buffer bytes_of(std::initializer_list<int> values) {
  Buffer bytes;
  for (int value : values) bytes.push_back(static_cast<std::uint8_t>(value));
  return bytes;
}

inline Buffer operator+(Buffer left, const Buffer& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// The options of one frame; what is not set is right.
struct Frame {
  Opcode opcode = Opcode::text;
  std::string payload{};
  bool fin = true;
  bool rsv1 = false;
  std::optional<std::uint32_t> key = 0x9ACB0442;  ///< none: not masked

  [[nodiscard]] Buffer bytes() const {
    Buffer out(kFrameHeaderBytesMax);
    out.resize(encode_frame_header(out.data(), opcode, fin, rsv1, payload.size(), key ? &*key : nullptr));
    const std::size_t header_bytes = out.size();
    out.insert(out.end(), payload.begin(), payload.end());
    mask(MutableByteView{out}.subspan(header_bytes), key.value_or(0));
    return out;
  }
};

/// One event with its payload copied.
struct Seen {
  Event::Kind kind = Event::Kind::need_more;
  MessageKind message_kind = MessageKind::text;
  std::string payload{};
  bool last = true;
  Error error{};
  std::uint16_t close_code = 0;
  friend bool operator==(const Seen&, const Seen&) = default;
};

inline Seen text(std::string payload) { return {.kind = Event::Kind::message, .payload = std::move(payload)}; }
inline Seen binary(std::string payload) {
  return {.kind = Event::Kind::message, .message_kind = MessageKind::binary, .payload = std::move(payload)};
}
inline Seen part(std::string payload, bool last, MessageKind kind = MessageKind::text) {
  return {.kind = Event::Kind::part, .message_kind = kind, .payload = std::move(payload), .last = last};
}
inline Seen ping(std::string payload) { return {.kind = Event::Kind::ping, .payload = std::move(payload)}; }
inline Seen pong(std::string payload) { return {.kind = Event::Kind::pong, .payload = std::move(payload)}; }
inline Seen closed(std::uint16_t code, std::string reason = {}) {
  return {.kind = Event::Kind::close, .payload = std::move(reason), .close_code = code};
}
inline Seen failed(Error error) { return {.kind = Event::Kind::failed, .error = error}; }

inline void PrintTo(const Seen& seen, std::ostream* out) {
  *out << "{kind " << static_cast<int>(seen.kind) << ", message kind " << static_cast<int>(seen.message_kind) << ", "
       << seen.payload.size() << " bytes '" << seen.payload.substr(0, 40) << "', last " << seen.last << ", close code "
       << seen.close_code << ", error '" << describe(seen.error) << "'}";
}

inline void PrintTo(const Decoder::Options& options, std::ostream* out) {
  *out << (options.role == Role::server ? "server" : "client") << (options.parts ? ", parts" : ", messages");
}

inline Seen record(const Event& event) {
  return {event.kind, event.message_kind, std::string{as_text(event.payload)},
          event.last, event.error,        event.close_code};
}

/// A transport in miniature: keeps what next() leaves, and reads into direct_buffer() when there is one.
class Driver {
 public:
  explicit Driver(const Decoder::Options& options = {}, const Limits& limits = {})
      : limits_(limits), decoder_(options, limits_, pool_) {}

  void feed(ByteView data) {
    while (!data.empty()) {
      const MutableByteView direct = kept_.empty() ? decoder_.direct_buffer() : MutableByteView{};
      const std::size_t count = direct.empty() ? data.size() : std::min(direct.size(), data.size());
      if (direct.empty()) {
        kept_.insert(kept_.end(), data.begin(), data.end());
      } else {
        std::memcpy(direct.data(), data.data(), count);
        decoder_.commit_direct(count);
        ++direct_reads;
      }
      data = data.subspan(count);
      take_events();
    }
  }

  std::vector<Seen> seen;
  std::size_t direct_reads = 0;

  [[nodiscard]] core::BufferPool& pool() { return pool_; }
  [[nodiscard]] Decoder& decoder() { return decoder_; }
  [[nodiscard]] std::size_t kept_bytes() const { return kept_.size(); }

 private:
  void take_events() {
    Buffer exact = kept_;  // an allocation of exactly this size, so that ASan sees a read beyond it
    MutableByteView input{exact};
    placed_end_ = nullptr;
    for (Event event = next(input); event.kind != Event::Kind::need_more; event = next(input)) {
      seen.push_back(record(event));
    }
    kept_.assign(input.begin(), input.end());
  }

  /// As a session does that echoes: short messages first, each behind the one before it with room for an unmasked
  /// header, then one event.
  Event next(MutableByteView& input) {
    const auto place = [this](MutableByteView payload) {
      std::uint8_t* const begin =
          placed_end_ == nullptr ? payload.data() : placed_end_ + (payload.size() < kLength16 ? 2 : 4);
      placed_end_ = begin + payload.size();
      return begin;
    };
    decoder_.take_short_messages(input, place, [this](MessageKind kind, ByteView payload) {
      Event event;
      event.kind = Event::Kind::message;
      event.message_kind = kind;
      event.payload = payload;
      seen.push_back(record(event));
      return true;
    });
    return decoder_.next(input);
  }

  Limits limits_;
  core::BufferPool pool_;
  Decoder decoder_;
  Buffer kept_;
  std::uint8_t* placed_end_ = nullptr;
};

inline std::vector<Seen> decode(const Buffer& stream, const Decoder::Options& options = {}, const Limits& limits = {}) {
  Driver driver{options, limits};
  driver.feed(stream);
  return driver.seen;
}

inline std::vector<Seen> decode_cut(const Buffer& stream, std::size_t cut, const Decoder::Options& options = {},
                                    const Limits& limits = {}) {
  Driver driver{options, limits};
  driver.feed(ByteView{stream}.first(cut));
  driver.feed(ByteView{stream}.subspan(cut));
  return driver.seen;
}

/// The parts of one message as one part, and none of a message that failed: how a message is cut into parts, and how
/// much of a bad one is reported, depends on how it arrived.
inline std::vector<Seen> join_parts(const std::vector<Seen>& events) {
  std::vector<Seen> joined;
  std::optional<std::size_t> open;  // index of the part that may be continued
  for (const Seen& seen : events) {
    if (seen.kind == Event::Kind::failed && open) joined.erase(joined.begin() + static_cast<std::ptrdiff_t>(*open));
    if (seen.kind != Event::Kind::part) {
      joined.push_back(seen);
      continue;
    }
    if (!open) {
      open = joined.size();
      joined.push_back(seen);
    } else {
      joined[*open].payload += seen.payload;
      joined[*open].last = seen.last;
    }
    if (seen.last) open.reset();
  }
  return joined;
}

}  // namespace plait::ws
