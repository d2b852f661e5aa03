// The chunked transfer coding as a sender writes it (RFC 9112 §7.1).
#pragma once

#include <plait/bytes.hpp>

#include "core/byte_sink.hpp"

namespace plait::http {

/// Appends `data` as one chunk. Nothing for empty data, since an empty chunk would end the body.
void encode_chunk(core::ByteSink& sink, ByteView data);

/// Ends the body, without trailers.
void encode_last_chunk(core::ByteSink& sink);

}  // namespace plait::http
