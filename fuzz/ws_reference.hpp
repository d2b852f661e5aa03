// A second reading of RFC 6455 §5 for the fuzzer to compare the decoder with: plain, slow, without permessage-deflate,
// and over a stream that is there as a whole.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "codec/utf8.hpp"
#include "ws/decoder.hpp"
#include "ws/frame.hpp"

namespace plait::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

struct Seen {
  ws::Event::Kind kind;
  MessageKind message_kind;
  bool last;
  ws::Error error;
  std::uint16_t close_code;
  std::string payload;
  bool operator==(const Seen&) const = default;
};

class Reference {
 public:
  Reference(ws::Role role, bool parts, const Limits& limits, ByteView stream)
      : role_(role), parts_(parts), limits_(limits), rest_(stream) {
    while (take_frame()) {
    }
    if (failed_) forget_part();
  }

  /// What the decoder saw is what stands here; beyond it there may be only the front of a frame that was cut off.
  void require_agrees(const std::vector<Seen>& seen) {
    const bool seen_failed = !seen.empty() && seen.back().kind == ws::Event::Kind::failed;
    require(seen_failed || !failed_);
    if (seen_failed) forget_part();
    const std::size_t count = events_.size();
    require(seen.size() == count + (failed_ ? 1U : 0U) || (!failed_ && !closed_ && seen.size() == count + 1));
    for (std::size_t i = 0; i < count; ++i) require_same(events_[i], seen[i]);
    if (seen.size() == count) return;
    require(seen_failed || (seen.back().kind == ws::Event::Kind::part && !seen.back().last));
  }

 private:
  static void require_same(const Seen& expected, const Seen& seen) {
    require(expected.kind == seen.kind && expected.close_code == seen.close_code);
    require(expected.message_kind == seen.message_kind);
    if (expected.last) require(seen.last && seen.payload == expected.payload);
    require(seen.payload.starts_with(expected.payload));
  }

  bool fail() {
    failed_ = true;
    return false;
  }

  // A part without its end tells nothing once the message has failed.
  void forget_part() {
    if (open_part_) events_.erase(events_.begin() + *open_part_);
    open_part_.reset();
  }

  bool take_frame() {
    if (rest_.size() < 2) return false;
    const unsigned first = rest_[0], second = rest_[1];
    const bool masked = second >= 128;
    const std::size_t length_bytes = second % 128 < 126 ? 0 : second % 128 == 126 ? 2 : 8;
    const std::size_t head_bytes = 2 + length_bytes + (masked ? 4 : 0);
    if (rest_.size() < head_bytes) return false;
    std::uint64_t length = length_bytes > 0 ? 0 : second % 128;
    for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8 | rest_[2 + i];
    if (masked != (role_ == ws::Role::server) || !is_shortest(length, length_bytes)) return fail();
    if (!is_allowed(first, length)) return fail();
    require_encoder_agrees(rest_.first(head_bytes), length, masked);
    if (length > rest_.size() - head_bytes) return false;
    std::string payload{as_text(rest_.subspan(head_bytes, static_cast<std::size_t>(length)))};
    for (std::size_t i = 0; masked && i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ static_cast<char>(rest_[head_bytes - 4 + i % 4]));
    }
    rest_ = rest_.subspan(head_bytes + payload.size());
    return first % 16 >= 8 ? take_control(first % 16, payload) : take_data(first, payload);
  }

  static bool is_shortest(std::uint64_t length, std::size_t length_bytes) {
    if (length_bytes == 2) return length >= 126;
    return length_bytes == 0 || (length > 0xFFFF && length < std::uint64_t{1} << 63);
  }

  [[nodiscard]] bool is_allowed(unsigned first, std::uint64_t length) const {
    const unsigned opcode = first % 16;
    if ((first & 0x70) != 0 || (opcode > 2 && opcode < 8) || opcode > 10) return false;
    if (opcode >= 8) return first >= 128 && length <= 125;
    if ((opcode == 0) != under_way_) return false;
    if (parts_) return true;
    return fragment_count_ < limits_.message_fragments_max && length <= limits_.message_bytes_max - message_.size();
  }

  // The shortest length makes a header unique.
  static void require_encoder_agrees(ByteView head, std::uint64_t length, bool masked) {
    std::uint32_t key = 0;
    if (masked) std::memcpy(&key, head.data() + head.size() - 4, 4);
    std::array<std::uint8_t, ws::kFrameHeaderBytesMax> out{};
    const std::size_t size = ws::encode_frame_header(out.data(), static_cast<ws::Opcode>(head[0] % 16), head[0] >= 128,
                                                     false, length, masked ? &key : nullptr);
    require(std::ranges::equal(ByteView{out}.first(size), head));
  }

  bool take_control(unsigned opcode, const std::string& payload) {
    if (opcode == 8) return take_close(payload);
    const auto kind = opcode == 9 ? ws::Event::Kind::ping : ws::Event::Kind::pong;
    events_.push_back({kind, MessageKind::text, true, {}, 0, payload});
    return true;
  }

  bool take_close(const std::string& payload) {
    if (payload.size() == 1) return fail();
    unsigned code = 1005;
    std::string reason;
    if (!payload.empty()) {
      code = static_cast<std::uint8_t>(payload[0]) * 256U + static_cast<std::uint8_t>(payload[1]);
      reason = payload.substr(2);
      const bool registered = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
      if ((!registered && (code < 3000 || code > 4999)) || !codec::is_utf8(as_bytes(reason))) return fail();
    }
    const auto close_code = static_cast<std::uint16_t>(code);
    std::array<std::uint8_t, ws::kControlPayloadBytesMax> out{};
    require(as_text(ByteView{out}.first(ws::encode_close_payload(close_code, reason, out.data()))) == payload);
    events_.push_back({ws::Event::Kind::close, MessageKind::text, true, {}, close_code, reason});
    closed_ = true;
    return false;
  }

  bool take_data(unsigned first, const std::string& payload) {
    const bool fin = first >= 128;
    if (!under_way_) {
      under_way_ = true;
      kind_ = first % 16 == 1 ? MessageKind::text : MessageKind::binary;
    }
    ++fragment_count_;
    message_ += payload;
    if (kind_ == MessageKind::text && !is_good_text(fin)) return fail();
    report(fin);
    if (!fin) return true;
    under_way_ = false;
    fragment_count_ = 0;
    message_.clear();
    open_part_.reset();
    return true;
  }

  [[nodiscard]] bool is_good_text(bool whole) const {
    codec::Utf8Validator validator;
    return validator.add(as_bytes(message_)) && (!whole || validator.finish());
  }

  void report(bool fin) {
    if (!parts_) {
      if (fin) events_.push_back({ws::Event::Kind::message, kind_, true, {}, 0, message_});
      return;
    }
    if (!open_part_) {
      if (message_.empty() && !fin) return;
      open_part_ = static_cast<std::ptrdiff_t>(events_.size());
      events_.push_back({ws::Event::Kind::part, kind_, fin, {}, 0, {}});
    }
    Seen& open = events_[static_cast<std::size_t>(*open_part_)];
    open.payload = message_;
    open.last = fin;
  }

  ws::Role role_;
  bool parts_;
  const Limits& limits_;
  ByteView rest_;
  std::vector<Seen> events_;
  std::optional<std::ptrdiff_t> open_part_;
  std::string message_;
  MessageKind kind_ = MessageKind::text;
  std::size_t fragment_count_ = 0;
  bool under_way_ = false;
  bool failed_ = false;
  bool closed_ = false;
};

}  // namespace plait::fuzz
