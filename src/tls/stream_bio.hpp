// The stream that an SSL object reads and writes: the caller's views, for the length of one call.
#pragma once

#include <openssl/bio.h>
#include <plait/bytes.hpp>

#include "core/byte_sink.hpp"

namespace plait::tls {

/// What OpenSSL may read and where it writes during one call; empty between calls.
struct Stream {
  ByteView input;
  core::ByteSink* output = nullptr;
};

/// A BIO over `stream`, which outlives it. Reads copy straight from `input` ("try again" when it is empty), writes
/// append straight to `output`. Null when out of memory.
BIO* make_stream_bio(Stream& stream);

}  // namespace plait::tls
