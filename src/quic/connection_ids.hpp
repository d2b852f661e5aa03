// ConnectionIds: which connection a Destination Connection ID (RFC 9000 §5.1) belongs to. Clients choose the first ones
// themselves, so the hash has a secret seed. The last one found is remembered: packets come in bursts.
#pragma once

#include <plait/bytes.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <unordered_map>

namespace plait::quic {

struct ConnectionId {
  static constexpr std::size_t kBytesMax = 20;
  std::array<std::uint8_t, 24> bytes{};  // the last one is the size, so that all of it is the key
  bool operator==(const ConnectionId&) const = default;

  /// `id` has at most kBytesMax.
  static ConnectionId of(ByteView id) {
    ConnectionId result;
    if (!id.empty()) std::memcpy(result.bytes.data(), id.data(), id.size());
    result.bytes.back() = static_cast<std::uint8_t>(id.size());
    return result;
  }
  [[nodiscard]] bool is(ByteView id) const {
    return bytes.back() == id.size() && std::memcmp(bytes.data(), id.data(), id.size()) == 0;
  }
};

template <class Owner>
class ConnectionIds {
 public:
  explicit ConnectionIds(std::uint64_t seed) : owners_(16, Hash{seed | 1U}) {}

  /// False if it belongs to another already.
  bool add(ByteView id, Owner& owner) {
    const auto [place, added] = owners_.try_emplace(ConnectionId::of(id), &owner);
    return added || place->second == &owner;
  }
  void remove(ByteView id, const Owner& owner) {
    const auto found = owners_.find(ConnectionId::of(id));
    if (found == owners_.end() || found->second != &owner) return;
    if (last_ == found->second) last_ = nullptr;
    owners_.erase(found);
  }
  /// Null if unknown.
  Owner* find(ByteView id) {
    if (last_ != nullptr && last_id_.is(id)) return last_;
    if (id.size() > ConnectionId::kBytesMax) return nullptr;
    const ConnectionId key = ConnectionId::of(id);
    const auto found = owners_.find(key);
    if (found == owners_.end()) return nullptr;
    last_id_ = key;
    return last_ = found->second;
  }
  [[nodiscard]] std::size_t size() const { return owners_.size(); }

 private:
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(const ConnectionId& id) const noexcept {  // so that no hash is kept beside each
      std::uint64_t hash = seed;
      for (std::size_t at = 0; at < id.bytes.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, id.bytes.data() + at, 8);
        hash = (hash ^ word) * (seed * 2 + 0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
      }
      return hash;
    }
  };
  std::unordered_map<ConnectionId, Owner*, Hash> owners_;
  ConnectionId last_id_;
  Owner* last_ = nullptr;
};

}  // namespace plait::quic
