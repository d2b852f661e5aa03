// The raw WebSocket peers' parsing: frames of one read, answered in place.
#pragma once

#include "bench/components/raw_loop.hpp"

#include <plait/bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plait::bench {

/// The 101 response to the opening handshake in `head`, or nothing when it holds no Sec-WebSocket-Key.
[[nodiscard]] std::optional<std::string> answer_opening_handshake(std::string_view head);

/// XORs `count` bytes with the key (as it lies in the frame's bytes) and moves them down to `to` <= `from`.
void unmask_down(std::uint8_t* to, const std::uint8_t* from, std::size_t count, std::uint32_t key);

/// Turns the client frames at the front of `data` into server frames, unmasked and moved together, in place: a server's
/// header is four bytes shorter, so what is written never overtakes what is read. A frame that is not all here passes
/// through piece by piece (connection.payload_left), so no message needs memory of its own. A header cut by the end of
/// the read is kept in connection.partial. A Ping becomes its Pong, a Close its answer.
/// The result is the front part of `data`, ready to send.
[[nodiscard]] ByteView answer_frames(RawConnection& connection, MutableByteView data);

}  // namespace plait::bench
