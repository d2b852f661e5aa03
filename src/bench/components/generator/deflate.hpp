// permessage-deflate without context takeover (RFC 7692 §7.2), whole messages at a time, by zlib itself.
#pragma once

#include <plait/bytes.hpp>

#include <vector>

namespace plait::bench {

/// The payload of a compressed message: a raw DEFLATE stream without its trailing 00 00 FF FF.
[[nodiscard]] std::vector<std::uint8_t> deflate_message(ByteView message);
/// The message, or nothing when `payload` is no such stream or the message is longer than `bytes_max`.
[[nodiscard]] std::vector<std::uint8_t> inflate_message(ByteView payload, std::size_t bytes_max);

}  // namespace plait::bench
