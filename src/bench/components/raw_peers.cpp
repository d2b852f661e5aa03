#include "bench/components/bulk/bulk.hpp"
#include "bench/components/raw_frames.hpp"
#include "bench/components/raw_loop.hpp"

#include <algorithm>
#include <cstring>

namespace plait::bench {

namespace {

class TcpEcho : public RawProtocol {
 public:
  void on_data(RawConnection& connection, MutableByteView data) override { connection.send(data); }
};

/// The opening handshake, then frames.
class WebSocketPeer : public RawProtocol {
 public:
  void on_data(RawConnection& connection, MutableByteView data) final {
    if (connection.is_open) {
      on_frames(connection, data);
      return;
    }
    const std::string_view text = as_text(data);
    const auto end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      connection.partial = text;
      return;
    }
    const auto response = answer_opening_handshake(text.substr(0, end + 4));
    if (!response) {
      connection.kill();
      return;
    }
    connection.is_open = true;
    connection.send(as_bytes(*response));
    on_open(connection);
    if (data.size() > end + 4) on_frames(connection, data.subspan(end + 4));
  }

 protected:
  virtual void on_open(RawConnection& /*connection*/) {}
  virtual void on_frames(RawConnection& connection, MutableByteView data) = 0;
};

class WebSocketEcho : public WebSocketPeer {
  void on_frames(RawConnection& connection, MutableByteView data) override {
    connection.send(answer_frames(connection, data));
  }
};

/// Everything that one connection sends goes to all the others: gathered over the whole turn, then one send each.
class WebSocketFanout : public WebSocketPeer {
  void on_open(RawConnection& connection) override { subscribers_.push_back(&connection); }

  void on_close(RawConnection& connection) override {
    subscribers_.erase(std::remove(subscribers_.begin(), subscribers_.end(), &connection), subscribers_.end());
    if (publisher_ == &connection) publisher_ = nullptr;
  }

  void on_frames(RawConnection& connection, MutableByteView data) override {
    if (publisher_ != &connection) on_turn_end();
    publisher_ = &connection;
    const ByteView frames = answer_frames(connection, data);
    pending_.insert(pending_.end(), frames.begin(), frames.end());
  }

  void on_turn_end() override {
    for (RawConnection* subscriber : subscribers_) {
      if (!pending_.empty() && subscriber != publisher_) subscriber->send(pending_);
    }
    pending_.clear();
  }

  std::vector<RawConnection*> subscribers_;
  RawConnection* publisher_ = nullptr;
  std::vector<std::uint8_t> pending_;
};

}  // namespace

Result<void, Error> run_raw_peer(const std::string& kind, std::uint16_t port, std::size_t packet_bytes, bool spins) {
  TcpEcho tcp;
  WebSocketEcho echo;
  WebSocketFanout fanout;
  if (kind == "tcp") return run_raw_loop(tcp, "tcp", port);
  if (kind == "ws") return run_raw_loop(echo, "ws", port, spins);
  if (kind == "fanout") return run_raw_loop(fanout, "ws", port);
  if (kind == "quic-bulk") return serve_quic_bulk(port, packet_bytes);
  if (kind == "tls-bulk") return serve_tls_bulk(port);
  return err(Error{"bench-raw: '" + kind + "' is none of tcp, ws, fanout, quic-bulk, tls-bulk"});
}

}  // namespace plait::bench
