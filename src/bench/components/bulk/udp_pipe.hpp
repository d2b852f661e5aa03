// UdpPipe: a UDP socket on loopback with as few system calls as the kernel needs: UDP_SEGMENT out, UDP_GRO in.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace plait::bench {

class UdpPipe {
 public:
  /// Received datagrams of one sender: equal segments, of which the last may be shorter.
  struct Batch {
    sockaddr_in from{};
    ByteView bytes;
    std::size_t segment_bytes = 0;
  };

  /// Binds 127.0.0.1:`port`, 0 for any.
  static Result<UdpPipe, Error> open(std::uint16_t port);
  UdpPipe(UdpPipe&& other) noexcept;
  UdpPipe& operator=(UdpPipe&&) = delete;
  ~UdpPipe();

  [[nodiscard]] const sockaddr_in& name() const { return name_; }
  /// What waits, or nothing. Valid until the next call.
  std::optional<Batch> receive();
  /// Blocks while the socket has no room.
  void send(ByteView bytes, std::size_t segment_bytes, const sockaddr_in& to) const;
  /// Until something came, at most so many nanoseconds.
  void wait(std::uint64_t nanoseconds) const;

 private:
  UdpPipe() : buffer_(65536) {}
  int fd_ = -1;
  sockaddr_in name_{};
  std::vector<std::uint8_t> buffer_;
};

}  // namespace plait::bench
