#include "quic/frame_scan.hpp"

#include <algorithm>
#include <optional>

#include "core/varint.hpp"

namespace plait::quic {
namespace {

/// Takes varints and bytes off the front; once too short, `ok` stays false.
struct Reader {
  ByteView rest;
  bool ok = true;

  [[gnu::always_inline]] std::uint64_t varint() {
    const core::Varint read = core::decode_varint(rest);
    skip(read.size);
    ok = ok && read.size != 0;
    return read.value;
  }
  void skip_varint() { skip(rest.empty() ? 1 : std::uint64_t{1} << (rest[0] >> 6U)); }
  void skip(std::uint64_t count) {
    if (count > rest.size()) ok = false;
    rest = ok ? rest.subspan(static_cast<std::size_t>(count)) : ByteView{};
  }
  void varints(int count) {
    while (count-- > 0) skip_varint();
  }
};

// RFC 9000 §19.3.
void skip_ack(Reader& reader, bool with_ecn) {
  reader.varints(2);
  std::uint64_t range_count = reader.varint();
  reader.varint();
  for (; range_count > 0 && reader.ok; --range_count) reader.varints(2);
  if (with_ecn) reader.varints(3);
}

constexpr std::uint64_t kPing = 0x01;
constexpr std::uint64_t kAck = 0x02;
constexpr std::uint64_t kAckEcn = 0x03;
constexpr std::uint64_t kCrypto = 0x06;

// RFC 9000 §19.8: types 0x08 to 0x0f.
constexpr bool is_stream(std::uint8_t first_byte) { return (first_byte & 0xf8U) == 0x08; }

FrameScan::ShortFrame read_stream(Reader& reader, unsigned type) {
  const auto id = static_cast<StreamId>(reader.varint());
  const std::uint64_t offset = (type & 4U) != 0 ? reader.varint() : 0;
  const std::uint64_t size = (type & 2U) != 0 ? reader.varint() : reader.rest.size();
  reader.skip(size);
  return {id, offset, offset + size};
}

void skip_new_connection_id(Reader& reader) {
  reader.varints(2);
  const std::uint8_t size = reader.rest.empty() ? 0 : reader.rest[0];
  reader.skip(std::uint64_t{1} + size + 16);
}

// How many varints a frame consists of that has nothing else; none for the others.
std::optional<int> varint_count(std::uint64_t type) {
  switch (type) {
    case kPing:
    case 0x1e:  // HANDSHAKE_DONE
      return 0;
    case 0x10:  // MAX_DATA
    case 0x12:  // MAX_STREAMS
    case 0x13:
    case 0x14:  // DATA_BLOCKED
    case 0x16:  // STREAMS_BLOCKED
    case 0x17:
    case 0x19:  // RETIRE_CONNECTION_ID
      return 1;
    case 0x05:  // STOP_SENDING
    case 0x11:  // MAX_STREAM_DATA
    case 0x15:  // STREAM_DATA_BLOCKED
      return 2;
    case 0x04:  // RESET_STREAM
      return 3;
    default:
      return std::nullopt;
  }
}

// Of the frames with other fields than varints. False for CONNECTION_CLOSE, which is the last one, and unknown types.
bool skip_fields(Reader& reader, std::uint64_t type) {
  switch (type) {
    case kAck:
    case kAckEcn:
      skip_ack(reader, type == kAckEcn);
      return true;
    case kCrypto:
      reader.varint();
      reader.skip(reader.varint());
      return true;
    case 0x07:  // NEW_TOKEN
    case 0x31:  // DATAGRAM with length
      reader.skip(reader.varint());
      return true;
    case 0x18:
      skip_new_connection_id(reader);
      return true;
    case 0x1a:  // PATH_CHALLENGE
    case 0x1b:  // PATH_RESPONSE
      reader.skip(8);
      return true;
    case 0x30:  // DATAGRAM up to the end
      reader.skip(reader.rest.size());
      return true;
    default:
      return false;
  }
}

bool is_cancel(std::uint64_t type) { return type == 0x04 || type == 0x05; }
bool is_odd(std::uint64_t type) { return type == kCrypto || type == 0x07 || (type >= 0x18 && type <= 0x1b); }

}  // namespace

void FrameScan::on_packet(std::uint64_t number, ByteView payload) {
  if (numbers_.add(number)) on_payload(payload);
}

void FrameScan::on_payload(ByteView payload) {
  heard_ = true;
  if (scan_frames<&FrameScan::scan_frame>(payload) >= kLargePacketBytes) heard_large_ = true;
}

void FrameScan::on_initial_packet(ByteView payload) { scan_frames<&FrameScan::scan_handshake_frame>(payload); }

void FrameScan::on_handshake_packet(ByteView payload) {
  heard_handshake_ = true;
  scan_frames<&FrameScan::scan_handshake_frame>(payload);
}

template <auto scan>
std::size_t FrameScan::scan_frames(ByteView payload) {
  std::size_t frame_bytes = 0;
  while (!payload.empty()) {
    if (payload[0] == 0) {  // PADDING, thousands of it in a probe of the path's MTU
      const auto end = std::find_if(payload.begin(), payload.end(), [](std::uint8_t byte) { return byte != 0; });
      payload = payload.subspan(static_cast<std::size_t>(end - payload.begin()));
      continue;
    }
    const std::size_t size = (this->*scan)(payload);
    if (size == 0) break;
    frame_bytes += size;
    payload = payload.subspan(size);
  }
  return frame_bytes;
}

// Nearly all frames are of this kind.
std::size_t FrameScan::scan_stream_frame(ByteView payload) {
  Reader reader{payload.subspan(1)};
  const ShortFrame frame = read_stream(reader, payload[0]);
  if (!reader.ok) return 0;
  heard_eliciting_ = true;
  note_stream(frame, (payload[0] & 1U) != 0);
  return payload.size() - reader.rest.size();
}

std::size_t FrameScan::scan_frame(ByteView payload) {
  if (is_stream(payload[0])) return scan_stream_frame(payload);
  Reader reader{payload};
  const std::uint64_t type = reader.varint();
  if (const auto count = varint_count(type)) {
    const Reader fields = reader;
    reader.varints(*count);
    if (type == 0x05 && reader.ok) note_stop_sending(fields.rest);
  } else {
    const Reader fields = reader;
    if (!skip_fields(reader, type)) return 0;
    if (type == kCrypto && reader.ok) note_crypto(fields.rest);
  }
  if (type != kAck && type != kAckEcn) heard_eliciting_ = true;
  if (is_odd(type)) ++odd_count_;
  if (is_cancel(type)) ++cancel_count_;
  return reader.ok ? payload.size() - reader.rest.size() : 0;
}

std::size_t FrameScan::scan_handshake_frame(ByteView payload) {
  Reader reader{payload};
  const std::uint64_t type = reader.varint();
  const Reader fields = reader;
  const bool known = type == kPing || type == kAck || type == kAckEcn || type == kCrypto;
  if (!known || (type != kPing && !skip_fields(reader, type)) || !reader.ok) return 0;
  if (type == kCrypto) note_crypto(fields.rest);
  return payload.size() - reader.rest.size();
}

void FrameScan::note_crypto(ByteView fields) {
  Reader reader{fields};
  const std::uint64_t offset = reader.varint();
  const std::uint64_t size = reader.varint();
  if (size == 0) return;  // nor does it stand before another
  const bool follows = offset == 0 || offset == crypto_end_;
  crypto_end_ = offset + size;
  if (!follows && size < kShortFrameBytes) ++crypto_gap_count_;
}

void FrameScan::note_stream(const ShortFrame& frame, bool fin) {
  if (fin) ends_.push_back({frame.id, frame.end});
  if (frame.end == frame.offset) return;  // nor does it stand before another
  const bool follows = frame.offset == 0 || (frame.id == last_id_ && frame.offset == last_end_);
  last_id_ = frame.id;
  last_end_ = frame.end;
  if (!follows && !fin && frame.end - frame.offset < kShortFrameBytes) short_frames_.push_back(frame);
}

void FrameScan::note_stop_sending(ByteView fields) {
  Reader reader{fields};
  const auto id = static_cast<StreamId>(reader.varint());
  if (stop_sending_.size() < kStopSendingMax) stop_sending_.push_back({id, reader.varint()});
}

bool FrameScan::within_rate(TimePoint now) {
  if (odd_count_ == 0 && cancel_count_ == 0) return true;
  const bool odd_within = odd_.try_take(now, static_cast<double>(std::exchange(odd_count_, 0)));
  return cancels_.try_take(now, static_cast<double>(std::exchange(cancel_count_, 0))) && odd_within;
}

}  // namespace plait::quic
