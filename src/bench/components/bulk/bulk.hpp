// The yardsticks of the bulk rows: one connection that carries one transfer after another and does nothing else, over
// QUIC straight on ngtcp2, and over TCP with TLS 1.3 by OpenSSL.
//
// A transfer is a header of two numbers, how many bytes follow it and how many are to come back, then those bytes; the
// answer begins when all of them were read. So an upload is confirmed by an answer of one byte.
#pragma once

#include "bench/components/generator/loads.hpp"

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace plait::bench {

struct Transfer {
  std::uint64_t request_bytes = 0;
  std::uint64_t answer_bytes = 0;
};
using TransferHeader = std::array<std::uint8_t, 16>;

[[nodiscard]] TransferHeader encode_transfer(const Transfer& transfer);
[[nodiscard]] Transfer decode_transfer(const TransferHeader& header);

/// What is sent, again and again.
inline constexpr std::size_t kBulkChunkBytes = std::size_t{64} << 10;
[[nodiscard]] ByteView bulk_chunk();

/// One connection from a client's side; run() returns when the answer is here.
class BulkClient {
 public:
  virtual ~BulkClient() = default;
  virtual Result<void, Error> run(const Transfer& transfer) = 0;
};

/// The plan's transfer, after a sixteenth of it that is not counted.
Result<void, Error> run_bulk_transfers(BulkClient& client, LoadContext& context);
Result<void, Error> run_quic_bulk_load(LoadContext& context);
Result<void, Error> run_tls_bulk_load(LoadContext& context);

/// That of the TLS yardstick's sockets: QUIC's, which is cubic, or reno where the system allows this user only that.
/// Empty where it allows neither, and the yardstick fails.
[[nodiscard]] std::string tls_congestion_control();

/// QUIC handshakes with any server of HTTP/3 or of raw QUIC, each closed at once, for what they cost it: nothing else
/// is asked of it.
Result<void, Error> run_quic_handshake_load(LoadContext& context);

// Each listens on 127.0.0.1, prints "listening URL" and serves one connection at a time until the process is ended.
// `packet_bytes`: UDP payloads are at most so large.
Result<void, Error> serve_quic_bulk(std::uint16_t port, std::size_t packet_bytes);
Result<void, Error> serve_tls_bulk(std::uint16_t port);

}  // namespace plait::bench
