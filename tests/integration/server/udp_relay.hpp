// UdpRelay: stands between one QUIC connection's client and its server on loopback, and loses what it is told to.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>

namespace plait::test {

class UdpRelay {
 public:
  /// To the server whose URL this is, with a port of 127.0.0.1.
  explicit UdpRelay(const std::string& url);
  UdpRelay(const UdpRelay&) = delete;
  UdpRelay& operator=(const UdpRelay&) = delete;
  ~UdpRelay();

  /// The same with the relay's port.
  [[nodiscard]] const std::string& url() const { return url_; }
  /// UDP datagrams with a larger payload do not reach the server. From any thread.
  void lose_larger_than(std::size_t bytes) { bytes_max_ = bytes; }
  void lose_nothing() { bytes_max_ = std::numeric_limits<std::size_t>::max(); }

 private:
  void run();
  void forward_to_server();
  void forward_to_client();

  int front_ = -1;
  int back_ = -1;
  int stop_ = -1;
  std::string url_;
  std::array<std::uint8_t, 16> client_{};  // its sockaddr_in, once it is known
  std::array<std::uint8_t, 65536> buffer_{};
  std::atomic<std::size_t> bytes_max_ = std::numeric_limits<std::size_t>::max();
  std::thread thread_;
};

}  // namespace plait::test
