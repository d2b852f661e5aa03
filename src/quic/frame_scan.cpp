#include "quic/frame_scan.hpp"

#include <algorithm>
#include <chrono>

#include "core/varint.hpp"

namespace plait::quic {
namespace {

/// Takes varints and bytes off the front; once too short, `ok` stays false.
struct Reader {
  ByteView rest;
  bool ok = true;

  std::uint64_t varint() {
    const core::Varint read = core::decode_varint(rest);
    skip(read.size);
    ok = ok && read.size != 0;
    return read.value;
  }
  void skip(std::uint64_t count) {
    if (count > rest.size()) ok = false;
    rest = ok ? rest.subspan(static_cast<std::size_t>(count)) : ByteView{};
  }
  void varints(int count) {
    while (count-- > 0) varint();
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

// RFC 9000 §19.8.
void skip_stream(Reader& reader, std::uint64_t type) {
  reader.varint();
  if ((type & 4U) != 0) reader.varint();
  reader.skip((type & 2U) != 0 ? reader.varint() : reader.rest.size());
}

void skip_new_connection_id(Reader& reader) {
  reader.varints(2);
  const std::uint8_t size = reader.rest.empty() ? 0 : reader.rest[0];
  reader.skip(std::uint64_t{1} + size + 16);
}

}  // namespace

void FrameScan::on_payload(ByteView payload) {
  while (!payload.empty()) {
    const std::size_t size = scan_frame(payload);
    if (size == 0) return;
    payload = payload.subspan(size);
  }
}

std::size_t FrameScan::scan_frame(ByteView payload) {
  Reader reader{payload};
  const std::uint64_t type = reader.varint();
  if (type >= 0x08 && type <= 0x0f) {
    skip_stream(reader, type);
    return reader.ok ? payload.size() - reader.rest.size() : 0;
  }
  switch (type) {
    case 0x00:  // PADDING
    case 0x01:  // PING
    case 0x1e:  // HANDSHAKE_DONE
      break;
    case 0x02:
    case 0x03:
      skip_ack(reader, type == 0x03);
      break;
    case 0x04:  // RESET_STREAM
      reader.varints(3);
      ++odd_frame_count_;
      break;
    case 0x05: {
      const std::uint64_t id = reader.varint();
      const std::uint64_t code = reader.varint();
      if (reader.ok && stop_sending_.size() < kStopSendingMax) stop_sending_.push_back({id, code});
      ++odd_frame_count_;
      break;
    }
    case 0x06:  // CRYPTO
      reader.varint();
      reader.skip(reader.varint());
      ++odd_frame_count_;
      break;
    case 0x07:  // NEW_TOKEN
      reader.skip(reader.varint());
      ++odd_frame_count_;
      break;
    case 0x10:  // MAX_DATA
    case 0x12:  // MAX_STREAMS
    case 0x13:
    case 0x14:  // DATA_BLOCKED
    case 0x16:  // STREAMS_BLOCKED
    case 0x17:
      reader.varint();
      break;
    case 0x11:  // MAX_STREAM_DATA
    case 0x15:  // STREAM_DATA_BLOCKED
      reader.varints(2);
      break;
    case 0x18:
      skip_new_connection_id(reader);
      ++odd_frame_count_;
      break;
    case 0x19:  // RETIRE_CONNECTION_ID
      reader.varint();
      ++odd_frame_count_;
      break;
    case 0x1a:  // PATH_CHALLENGE
    case 0x1b:  // PATH_RESPONSE
      reader.skip(8);
      ++odd_frame_count_;
      break;
    case 0x30:
      return payload.size();  // DATAGRAM up to the end
    case 0x31:
      reader.skip(reader.varint());
      break;
    default:  // CONNECTION_CLOSE, or unknown
      return 0;
  }
  return reader.ok ? payload.size() - reader.rest.size() : 0;
}

bool FrameScan::within_rate(TimePoint now) {
  if (odd_frame_count_ == 0) return true;
  const std::chrono::duration<double> elapsed = now - refilled_;
  refilled_ = now;
  tokens_ = std::min<double>(burst_, tokens_ + elapsed.count() * per_second_);
  tokens_ -= static_cast<double>(odd_frame_count_);
  odd_frame_count_ = 0;
  return tokens_ >= 0;
}

}  // namespace plait::quic
