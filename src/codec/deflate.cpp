#include "codec/deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "core/assert.hpp"

namespace plait::codec {
namespace {

// What an empty stored block ends with. RFC 7692 §7.2.1 leaves it out at the end of each message.
constexpr std::array<std::uint8_t, 4> kTail{0x00, 0x00, 0xff, 0xff};

// zlib counts in 32 bits.
constexpr std::size_t kStepBytesMax = std::size_t{1} << 30;

// Room asked of a sink at a time. zlib wants more than six bytes, or it repeats its flush.
constexpr std::size_t kRoomBytesMin = 64;
constexpr std::size_t kRoomBytesMax = std::size_t{16} << 10;

uInt step_size(std::size_t size) { return static_cast<uInt>(std::min(size, kStepBytesMax)); }

// zlib never writes through next_in, but its type is not const without ZLIB_CONST.
Bytef* input_pointer(ByteView input) { return const_cast<Bytef*>(input.data()); }  // NOLINT

// Passes bytes on to a sink except the last four it got, which may turn out to be the tail to leave out.
class TailCutter {
 public:
  explicit TailCutter(core::ByteSink& sink) : sink_(sink) {}

  MutableByteView reserve(std::size_t size) {
    MutableByteView room = sink_.reserve(size + held_size_);
    std::copy_n(held_.begin(), held_size_, room.begin());
    return room.subspan(held_size_);
  }

  // `written` is the front of what the last reserve() returned.
  void commit(ByteView written) {
    const ByteView all{written.data() - held_size_, written.size() + held_size_};
    const std::size_t keep = std::min(all.size(), kTail.size());
    std::copy_n(all.end() - static_cast<std::ptrdiff_t>(keep), keep, held_.begin());
    held_size_ = keep;
    sink_.commit(all.size() - keep);
  }

 private:
  core::ByteSink& sink_;
  std::array<std::uint8_t, kTail.size()> held_{};
  std::size_t held_size_ = 0;
};

}  // namespace

struct Deflater::Stream : z_stream {
  explicit Stream(const Options& options) : z_stream{} {
    constexpr int kMemoryLevel = 8;  // zlib's own default
    const int result =
        deflateInit2(this, options.level, Z_DEFLATED, -options.window_bits, kMemoryLevel, Z_DEFAULT_STRATEGY);
    PLAIT_ASSERT(result == Z_OK, "deflateInit2: out of memory, or options out of range");
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { deflateEnd(this); }

  // Compresses and flushes to a byte boundary. Output is anything with ByteSink's reserve and commit of a view.
  template <class Output>
  std::size_t run(ByteView piece, Output& output) {
    std::size_t produced = 0;
    do {
      next_in = input_pointer(piece);
      avail_in = step_size(piece.size());
      const uInt given = avail_in;
      do {
        const MutableByteView room =
            output.reserve(std::clamp<std::size_t>(avail_in / 2, kRoomBytesMin, kRoomBytesMax));
        next_out = room.data();
        avail_out = step_size(room.size());
        ::deflate(this, Z_SYNC_FLUSH);
        const auto written = static_cast<std::size_t>(next_out - room.data());
        output.commit(room.first(written));
        produced += written;
      } while (avail_out == 0);
      piece = piece.subspan(given);
    } while (!piece.empty());
    return produced;
  }
};

Deflater::Deflater(const Options& options) : options_(options) {}
Deflater::~Deflater() = default;

void Deflater::add(ByteView piece, core::ByteSink& sink) {
  struct {
    core::ByteSink& sink;
    MutableByteView reserve(std::size_t size) { return sink.reserve(size); }
    void commit(ByteView written) { sink.commit(written.size()); }
  } whole{sink};
  if (!stream_) stream_ = std::make_unique<Stream>(options_);
  stream_->run(piece, whole);
}

void Deflater::finish(ByteView piece, core::ByteSink& sink) {
  if (!stream_) stream_ = std::make_unique<Stream>(options_);
  TailCutter cutter{sink};
  // zlib does not flush twice in a row: an empty end is an empty stored block, of which only the header is sent.
  if (stream_->run(piece, cutter) == 0) sink.append(ByteView{kTail}.first(1));
  if (!options_.context_takeover) deflateReset(stream_.get());
}

struct Inflater::Stream : z_stream {
  explicit Stream(const Options& options) : z_stream{} {
    const int result = inflateInit2(this, -options.window_bits);
    PLAIT_ASSERT(result == Z_OK, "inflateInit2: out of memory, or options out of range");
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { inflateEnd(this); }

  // Whether a block has just ended, on a byte boundary: zlib's description of data_type.
  [[nodiscard]] bool at_block_boundary() const { return (data_type & 128) != 0 && (data_type & 63) == 0; }
};

Inflater::Inflater(const Options& options) : options_(options) {}
Inflater::~Inflater() = default;

// A final block (RFC 7692 §7.2.3.4) ends zlib's stream but not the message: go on with the same window.
void Inflater::prepare() {
  if (!stream_) stream_ = std::make_unique<Stream>(options_);
  if (at_final_block_end_) inflateResetKeep(stream_.get());
  at_final_block_end_ = false;
}

Inflater::Progress Inflater::run(ByteView input, MutableByteView output) {
  prepare();
  stream_->next_in = input_pointer(input);
  stream_->avail_in = step_size(input.size());
  stream_->next_out = output.data();
  stream_->avail_out = step_size(output.size());
  const int result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
  PLAIT_ASSERT(result != Z_MEM_ERROR, "inflate: out of memory");
  Progress progress;
  progress.consumed = static_cast<std::size_t>(stream_->next_in - input.data());
  progress.produced = static_cast<std::size_t>(stream_->next_out - output.data());
  message_produced_ += progress.produced;
  at_final_block_end_ = result == Z_STREAM_END;
  output_pending_ = stream_->avail_out == 0 && !at_final_block_end_;
  if (stream_->avail_out == 0) progress.status = Status::needs_output;
  // Z_BUF_ERROR only says that nothing more could be done with what was given.
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) progress.status = Status::corrupt;
  return progress;
}

bool Inflater::exceeds_ratio() const {
  return message_produced_ > kRatioFreeBytes && message_produced_ > message_consumed_ * options_.ratio_max;
}

Inflater::Progress Inflater::inflate(ByteView input, MutableByteView output, bool last) {
  Progress total;
  while (output_pending_ || total.consumed < input.size()) {
    // What zlib still holds comes out before more goes in, so that the ratio's two sides belong together.
    const std::size_t step = output_pending_ ? 0 : kRatioStepBytes - message_consumed_ % kRatioStepBytes;
    const ByteView rest = input.subspan(total.consumed);
    const Progress progress = run(rest.first(std::min(rest.size(), step)), output.subspan(total.produced));
    total.consumed += progress.consumed;
    total.produced += progress.produced;
    message_consumed_ += progress.consumed;
    total.status = progress.status;
    if (total.status != Status::needs_input) return total;
    if (message_consumed_ % kRatioStepBytes == 0 && exceeds_ratio()) {
      total.status = Status::bomb;
      return total;
    }
  }
  if (last) end_message(output, total);
  return total;
}

// Appends the tail that the sender left out (RFC 7692 §7.2.2). The message must then end between two blocks.
void Inflater::end_message(MutableByteView output, Progress& total) {
  while (!at_final_block_end_ && tail_consumed_ < kTail.size()) {
    const Progress progress = run(ByteView{kTail}.subspan(tail_consumed_), output.subspan(total.produced));
    tail_consumed_ = static_cast<std::uint8_t>(tail_consumed_ + progress.consumed);
    total.produced += progress.produced;
    total.status = progress.status;
    if (total.status != Status::needs_input) return;
  }
  total.status = verdict();
  message_consumed_ = 0;
  message_produced_ = 0;
  tail_consumed_ = 0;
  if (options_.context_takeover) return;
  inflateReset(stream_.get());
  at_final_block_end_ = false;
}

Inflater::Status Inflater::verdict() const {
  if (!at_final_block_end_ && !stream_->at_block_boundary()) return Status::truncated;
  return exceeds_ratio() ? Status::bomb : Status::message_end;
}

}  // namespace plait::codec
