// The frame decoder: the same stream whole and in chunks must give the same events, those that a second reading of the
// RFC gives (without permessage-deflate), and what it reports keeps the rules. What the frame encoder sends, masked,
// fragmented and deflated, must arrive as one message. Input: a byte of options, a byte that seeds the chunk sizes, the
// stream.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "codec/deflate.hpp"
#include "codec/utf8.hpp"
#include "core/byte_sink.hpp"
#include "core/close_code.hpp"
#include "ws/decoder.hpp"
#include "ws/mask.hpp"
#include "ws_reference.hpp"

namespace {

using namespace plait;
using namespace plait::ws;
using fuzz::require;
using fuzz::Seen;

// Bits of the first byte.
constexpr unsigned kClient = 1, kParts = 2, kDeflate = 4, kContextTakeover = 8, kRoundTrip = 16;

Limits small_limits() {
  Limits limits;
  limits.message_bytes_max = 20'000;
  limits.message_fragments_max = 8;
  limits.inflate_ratio_max = 20;
  return limits;
}

class Run {
 public:
  explicit Run(std::uint8_t flags) : inflater_({.context_takeover = (flags & kContextTakeover) != 0, .ratio_max = 20}) {
    Decoder::Options options;
    options.role = (flags & kClient) != 0 ? Role::client : Role::server;
    options.parts = (flags & kParts) != 0;
    if ((flags & kDeflate) != 0) options.inflater = &inflater_;
    decoder_.emplace(options, limits_, pool_);
  }

  void feed(ByteView chunk) {
    while (!chunk.empty()) {
      const MutableByteView direct = kept_.empty() ? decoder_->direct_buffer() : MutableByteView{};
      const std::size_t count = direct.empty() ? chunk.size() : std::min(direct.size(), chunk.size());
      if (direct.empty()) {
        kept_.insert(kept_.end(), chunk.begin(), chunk.end());
      } else {
        std::memcpy(direct.data(), chunk.data(), count);
        decoder_->commit_direct(count);
      }
      chunk = chunk.subspan(count);
      take_events();
    }
  }

  std::vector<Seen> events;

 private:
  void take_events() {
    std::vector<std::uint8_t> exact = kept_;
    MutableByteView input{exact};
    placed_end_ = nullptr;
    for (Event event = next(input); event.kind != Event::Kind::need_more; event = next(input)) {
      check(event);
      add(event);
    }
    kept_.assign(input.begin(), input.end());
  }

  // As a session does that echoes: short messages first, each behind the one before it with room for an unmasked
  // header, then one event.
  Event next(MutableByteView& input) {
    const auto place = [this](MutableByteView payload) {
      std::uint8_t* const begin =
          placed_end_ == nullptr ? payload.data() : placed_end_ + (payload.size() < ws::kLength16 ? 2 : 4);
      placed_end_ = begin + payload.size();
      return begin;
    };
    decoder_->take_short_messages(input, place, [this](MessageKind kind, ByteView payload) {
      Event event;
      event.kind = Event::Kind::message;
      event.message_kind = kind;
      event.payload = payload;
      check(event);
      add(event);
      return true;
    });
    return decoder_->next(input);
  }

  void check(const Event& event) {
    require(!ended_);
    ended_ = event.kind == Event::Kind::close || event.kind == Event::Kind::failed;
    if (event.kind == Event::Kind::message) {
      require(event.payload.size() <= limits_.message_bytes_max);
      require(event.message_kind != MessageKind::text || codec::is_utf8(event.payload));
    }
    if (event.kind == Event::Kind::ping || event.kind == Event::Kind::pong) require(event.payload.size() <= 125);
    if (event.kind == Event::Kind::close) {
      require(event.payload.size() <= 123 && codec::is_utf8(event.payload));
      require(event.close_code == close_code::kNoStatus || core::is_valid_close_code(event.close_code));
    }
  }

  // Joins the parts of a message and forgets those of one that failed: their cuts depend on the chunks.
  void add(const Event& event) {
    if (event.kind == Event::Kind::failed && open_part_) events.erase(events.begin() + *open_part_);
    Seen seen{event.kind,  event.message_kind, event.last,
              event.error, event.close_code,   std::string{as_text(event.payload)}};
    if (event.kind == Event::Kind::part && open_part_) {
      Seen& open = events[static_cast<std::size_t>(*open_part_)];
      open.payload += seen.payload;
      open.last = seen.last;
    } else {
      if (event.kind == Event::Kind::part) open_part_ = static_cast<std::ptrdiff_t>(events.size());
      events.push_back(std::move(seen));
    }
    if (event.kind == Event::Kind::part && event.last) open_part_.reset();
  }

  std::uint8_t* placed_end_ = nullptr;
  Limits limits_ = small_limits();
  core::BufferPool pool_;
  codec::Inflater inflater_;
  std::optional<Decoder> decoder_;
  std::vector<std::uint8_t> kept_;
  std::optional<std::ptrdiff_t> open_part_;
  bool ended_ = false;
};

std::vector<Seen> events_in_chunks(std::uint8_t flags, std::uint32_t random, ByteView stream) {
  Run run{flags};
  while (!stream.empty()) {
    random = random * 1664525 + 1013904223;
    const std::size_t count = std::min<std::size_t>(stream.size(), (random >> 24) % 32 + 1);
    run.feed(stream.first(count));
    stream = stream.subspan(count);
  }
  return run.events;
}

void append_frame(core::VectorSink& sink, unsigned flags, Opcode opcode, bool fin, bool rsv1, ByteView payload) {
  const std::uint32_t key = 0x9E3779B9U * static_cast<std::uint32_t>(payload.size() + 1);
  const bool masked = (flags & kClient) == 0;  // what the decoder is not sends it
  std::array<std::uint8_t, kFrameHeaderBytesMax> head{};
  sink.append(ByteView{head}.first(
      encode_frame_header(head.data(), opcode, fin, rsv1, payload.size(), masked ? &key : nullptr)));
  std::vector<std::uint8_t> bytes(payload.begin(), payload.end());
  if (masked) mask(bytes, key);
  sink.append(bytes);
}

// `message` in up to four frames of `step` bytes before deflate, with a ping after the first.
void append_message(core::VectorSink& sink, std::uint8_t flags, codec::Deflater& deflater, ByteView message,
                    std::size_t step) {
  const bool deflate = (flags & kDeflate) != 0;
  for (unsigned frame = 0, fin = 0; fin == 0; ++frame) {
    const std::size_t size = frame == 3 ? message.size() : std::min(step, message.size());
    fin = size == message.size() ? 1 : 0;
    core::VectorSink payload;
    if (!deflate) payload.append(message.first(size));
    if (deflate && fin == 0) deflater.add(message.first(size), payload);
    if (deflate && fin != 0) deflater.finish(message.first(size), payload);
    const Opcode opcode = frame == 0 ? Opcode::binary : Opcode::continuation;
    append_frame(sink, flags, opcode, fin != 0, deflate && frame == 0, payload.bytes);
    if (frame == 0) append_frame(sink, flags, Opcode::ping, true, false, message.first(std::min(size, step % 126)));
    message = message.subspan(size);
  }
}

// Twice the same message, so that with context takeover the second refers to the first.
void round_trip(std::uint8_t flags, std::uint8_t seed, ByteView message) {
  if (message.size() > small_limits().message_bytes_max) return;
  codec::Deflater deflater{{.context_takeover = (flags & kContextTakeover) != 0}};
  core::VectorSink sink;
  for (int i = 0; i < 2; ++i) append_message(sink, flags, deflater, message, seed + 1U);
  std::size_t messages = 0, pings = 0;
  for (const Seen& seen : events_in_chunks(flags, seed, sink.bytes)) {
    if (seen.kind == Event::Kind::ping) {
      ++pings;
    } else {
      require(seen.kind == ((flags & kParts) != 0 ? Event::Kind::part : Event::Kind::message) && seen.last);
      require(seen.message_kind == MessageKind::binary && seen.payload == as_text(message));
      ++messages;
    }
  }
  require(messages == 2 && pings == 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t flags = data[0];
  const ByteView stream{data + 2, size - 2};
  if ((flags & kRoundTrip) != 0) return round_trip(flags, data[1], stream), 0;
  Run whole{flags};
  whole.feed(stream);
  require(events_in_chunks(flags, data[1] + 1U, stream) == whole.events);
  if ((flags & kDeflate) != 0) return 0;
  const Limits limits = small_limits();
  const Role role = (flags & kClient) != 0 ? Role::client : Role::server;
  fuzz::Reference{role, (flags & kParts) != 0, limits, stream}.require_agrees(whole.events);
  return 0;
}
