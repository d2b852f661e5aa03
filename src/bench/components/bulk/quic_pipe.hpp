// QuicPipe: one QUIC connection straight on ngtcp2, with one stream at a time: the floor under plait's own, which has
// the same library, packet protection, congestion control, credit and packet sizes, and everything else beside them.
//
// No connection IDs to look up, no timer heap, no queue of what was written (it is one chunk again and again), no
// events: what remains is ngtcp2, the cipher and two system calls.
#pragma once

#include "bench/components/bulk/bulk.hpp"
#include "bench/components/bulk/udp_pipe.hpp"
#include "quic/protection.hpp"
#include "quic/tls_state.hpp"

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <memory>
#include <string>
#include <vector>

namespace plait::bench {

class QuicPipe {
 public:
  static std::unique_ptr<QuicPipe> connect(UdpPipe& udp, const sockaddr_in& to, const quic::ClientTls& tls,
                                           std::size_t packet_bytes);
  /// Of a client whose first packet has this header.
  static std::unique_ptr<QuicPipe> accept(UdpPipe& udp, const sockaddr_in& from, const quic::ServerTls& tls,
                                          const ngtcp2_pkt_hd& header, std::size_t packet_bytes);
  QuicPipe(const QuicPipe&) = delete;
  QuicPipe& operator=(const QuicPipe&) = delete;
  ~QuicPipe() = default;

  /// Client: starts a transfer on a stream of its own. The connection is ready and the last one is over.
  void start(const Transfer& transfer);
  [[nodiscard]] bool is_ready() const { return ngtcp2_conn_get_handshake_completed(conn_.get()) != 0; }
  /// Client: the answer is here.
  [[nodiscard]] bool is_answered() const { return ended_; }
  [[nodiscard]] std::uint64_t received_bytes() const { return received_bytes_; }
  [[nodiscard]] const sockaddr_in& remote() const { return remote_; }
  /// Why it is over; empty while it lives.
  [[nodiscard]] const std::string& failure() const { return failure_; }

  void handle_batch(const UdpPipe::Batch& batch, ngtcp2_tstamp now);
  /// Sends CONNECTION_CLOSE with the application's code.
  void close(std::uint64_t code, ngtcp2_tstamp now);
  /// Its timers, and everything that can be sent now. Returns when it has to be called again at the latest.
  ngtcp2_tstamp drive(ngtcp2_tstamp now);

 private:
  struct FreeConnection {
    void operator()(ngtcp2_conn* conn) const { ngtcp2_conn_del(conn); }
  };
  struct Callbacks;

  QuicPipe(UdpPipe& udp, const sockaddr_in& remote, std::size_t packet_bytes);
  [[nodiscard]] ngtcp2_path path() const;
  [[nodiscard]] ngtcp2_settings settings() const;
  bool attach(ngtcp2_conn* conn, int status, quic::Session session);
  bool install_initial(const ngtcp2_cid& destination);
  bool install(ngtcp2_encryption_level level, ByteView rx_secret, ByteView tx_secret);
  void take(ByteView data, bool fin);
  bool send_batch(ngtcp2_tstamp now);
  ngtcp2_ssize write_packet(MutableByteView out, ngtcp2_tstamp now);
  void fail(const char* what, int code);

  UdpPipe& udp_;
  sockaddr_in remote_;
  ngtcp2_crypto_conn_ref reference_{};
  quic::Session session_;
  std::unique_ptr<ngtcp2_conn, FreeConnection> conn_;
  std::vector<std::uint16_t> probes_;
  std::vector<std::uint8_t> buffer_;
  std::string failure_;

  // The stream.
  std::int64_t stream_ = -1;
  TransferHeader header_{};
  std::size_t header_left_ = 0;         // to send, or of a server to read
  std::uint64_t chunk_bytes_left_ = 0;  // to send
  std::size_t chunk_place_ = 0;         // of the next byte to send: as any sender's, they are not in the cache
  bool sending_ = false;                // until the FIN is sent
  std::uint64_t received_bytes_ = 0;
  bool ended_ = false;
};

}  // namespace plait::bench
