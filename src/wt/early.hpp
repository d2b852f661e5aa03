// EarlyBuffer: streams and datagrams that overtook the CONNECT request of their session, or its acceptance
// (draft-ietf-webtrans-http3 §4.6). Bounded in number, bytes and, while nobody has asked for the session, in time.
#pragma once

#include <plait/bytes.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/timer.hpp"
#include "h3/streams.hpp"

namespace plait::wt {

using h3::Direction;
using h3::StreamId;

/// For each connection.
inline constexpr std::size_t kEarlyStreamsMax = 64;
inline constexpr std::size_t kEarlyBytesMax = std::size_t{256} * 1024;
inline constexpr std::size_t kEarlyDatagramsMax = 64;
inline constexpr std::chrono::seconds kEarlyTime{5};

struct EarlyStream {
  struct Reset {
    std::uint64_t error_code;
    std::optional<std::uint64_t> payload_bytes;
  };

  StreamId id = 0;
  StreamId session = 0;
  std::optional<core::TimePoint> deadline{};  ///< none once the session was asked for
  std::vector<std::uint8_t> data{};
  bool fin = false;
  bool closed = false;
  std::optional<Reset> reset{};
  std::optional<std::uint64_t> stopped{};
};

struct EarlyDatagram {
  StreamId session = 0;
  std::optional<core::TimePoint> deadline{};
  std::vector<std::uint8_t> payload{};
};

class EarlyBuffer {
 public:
  /// False: it is full.
  [[nodiscard]] bool add_stream(EarlyStream stream);
  [[nodiscard]] bool append(EarlyStream& stream, ByteView data);
  [[nodiscard]] bool add_datagram(EarlyDatagram datagram);
  /// For bytes that are kept elsewhere.
  [[nodiscard]] bool reserve_bytes(std::size_t bytes);
  void release_bytes(std::size_t bytes) { bytes_ -= bytes; }

  [[nodiscard]] EarlyStream* find(StreamId id);
  /// The session was asked for: what waits for it does so without a deadline.
  void keep(StreamId session);

  [[nodiscard]] EarlyStream take_stream(StreamId id);
  [[nodiscard]] std::vector<EarlyStream> take_streams(StreamId session);
  [[nodiscard]] std::vector<EarlyDatagram> take_datagrams(StreamId session);
  /// Streams whose deadline has come; datagrams are dropped.
  [[nodiscard]] std::vector<EarlyStream> take_expired(core::TimePoint now);
  [[nodiscard]] std::optional<core::TimePoint> next_deadline() const;

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::vector<EarlyStream> streams_;
  std::vector<EarlyDatagram> datagrams_;
  std::size_t bytes_ = 0;
};

}  // namespace plait::wt
