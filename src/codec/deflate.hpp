// permessage-deflate's compression (RFC 7692 §7.2): raw DEFLATE (RFC 1951) of whole messages or pieces of them, with or
// without context takeover. Nothing is allocated before the first message.
//
// Memory per direction once used, measured with zlib 1.2.13:
//   Deflater: 2^(window_bits+2) + 134 KiB: 262 KiB for 15, 142 KiB for 11, 136 KiB for 9.
//   Inflater: 2^window_bits + 7 KiB: 39 KiB for 15, 9 KiB for 11, 7.5 KiB for 9.
#pragma once

#include <plait/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/byte_sink.hpp"

namespace plait::codec {

class Deflater {
 public:
  struct Options {
    int level = 1;         ///< 1 to 9; 6 halves large messages' size at 4 times the CPU
    int window_bits = 15;  ///< 9 to 15: zlib has no raw 8-bit window
    bool context_takeover = true;
  };

  explicit Deflater(const Options& options);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// Appends a piece of a message that is not its end. What came so far can be inflated at the other side.
  void add(ByteView piece, core::ByteSink& sink);
  /// Appends the last piece of a message, or a whole one, without the final 00 00 ff ff (RFC 7692 §7.2.1). Without
  /// context takeover the next message begins with an empty window; one Deflater can then serve several connections.
  void finish(ByteView piece, core::ByteSink& sink);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;  // null before the first message
  Options options_;
};

/// One Inflater belongs to one connection: a message may be under way.
class Inflater {
 public:
  /// A message may inflate to ratio_max times its compressed size; up to kRatioFreeBytes it always may. DEFLATE itself
  /// reaches 1032, and honest messages of repeated characters do; so the ratio guards only what is large besides.
  static constexpr std::size_t kRatioFreeBytes = std::size_t{1} << 20;
  /// The ratio is looked at after every so many compressed bytes of a message, and at its end. So the verdict does not
  /// depend on how the input was cut, and between two looks at most 1032 times as many bytes come out.
  static constexpr std::size_t kRatioStepBytes = 1024;

  struct Options {
    /// 8 to 15, at least what the peer deflates with. A peer that goes beyond is found out only where zlib no longer
    /// holds what it refers to, which depends on how the output was cut; what comes out is right either way.
    int window_bits = 15;
    bool context_takeover = true;
    std::size_t ratio_max = 200;
  };

  enum class Status : std::uint8_t {
    needs_input,   ///< all input was used up, and the message goes on
    needs_output,  ///< the output is full
    message_end,   ///< the message is whole; the next call begins another
    corrupt,       ///< not a DEFLATE stream
    truncated,     ///< the message ended inside a DEFLATE block
    bomb,          ///< more than ratio_max
  };

  struct Progress {
    Status status = Status::needs_input;
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };

  explicit Inflater(const Options& options);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Inflates from the front of `input` into `output`, which must not be empty; both may end anywhere in a message.
  /// `last`: the message ends with `input`. What was not consumed must be given again. `produced` counts with every
  /// status. After corrupt, truncated or bomb the Inflater must not be used again.
  Progress inflate(ByteView input, MutableByteView output, bool last);
  /// More output may come without further input.
  [[nodiscard]] bool output_pending() const { return output_pending_; }

 private:
  struct Stream;
  void prepare();
  Progress run(ByteView input, MutableByteView output);
  void end_message(MutableByteView output, Progress& total);
  [[nodiscard]] bool exceeds_ratio() const;
  [[nodiscard]] Status verdict() const;

  std::unique_ptr<Stream> stream_;  // null before the first message
  Options options_;
  std::uint64_t message_consumed_ = 0;
  std::uint64_t message_produced_ = 0;
  std::uint8_t tail_consumed_ = 0;  // of the 00 00 ff ff that the sender left out
  bool output_pending_ = false;     // zlib may hold more output than there was room for
  bool at_final_block_end_ = false;
};

}  // namespace plait::codec
