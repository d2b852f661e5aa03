// The frame decoder: the same stream whole and in chunks must give the same events, and what it reports keeps the
// rules. Input: a byte of options, a byte that seeds the chunk sizes, the stream.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "codec/deflate.hpp"
#include "codec/utf8.hpp"
#include "ws/decoder.hpp"

namespace {

using namespace plait;
using namespace plait::ws;

struct Seen {
  Event::Kind kind;
  MessageKind message_kind;
  bool last;
  plait::ws::Error error;
  std::uint16_t close_code;
  std::string payload;
  bool operator==(const Seen&) const = default;
};

void require(bool condition) {
  if (!condition) std::abort();
}

Limits small_limits() {
  Limits limits;
  limits.message_bytes_max = 20'000;
  limits.message_fragments_max = 8;
  limits.inflate_ratio_max = 20;
  return limits;
}

class Run {
 public:
  explicit Run(std::uint8_t flags) : inflater_({.context_takeover = (flags & 8) != 0, .ratio_max = 20}) {
    Decoder::Options options;
    options.role = (flags & 1) != 0 ? Role::client : Role::server;
    options.parts = (flags & 2) != 0;
    if ((flags & 4) != 0) options.inflater = &inflater_;
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
    for (Event event = decoder_->next(input); event.kind != Event::Kind::need_more; event = decoder_->next(input)) {
      check(event);
      add(event);
    }
    kept_.assign(input.begin(), input.end());
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
      require(event.close_code == close_code::kNoStatus || is_valid_close_code(event.close_code));
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

  Limits limits_ = small_limits();
  core::BufferPool pool_;
  codec::Inflater inflater_;
  std::optional<Decoder> decoder_;
  std::vector<std::uint8_t> kept_;
  std::optional<std::ptrdiff_t> open_part_;
  bool ended_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView stream{data + 2, size - 2};
  Run whole{data[0]};
  whole.feed(stream);
  Run chunked{data[0]};
  std::uint32_t random = data[1] + 1U;
  for (std::size_t at = 0; at < stream.size();) {
    random = random * 1664525 + 1013904223;
    const std::size_t count = std::min<std::size_t>(stream.size() - at, (random >> 24) % 32 + 1);
    chunked.feed(stream.subspan(at, count));
    at += count;
  }
  require(whole.events == chunked.events);
  return 0;
}
