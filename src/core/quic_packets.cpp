#include "core/quic_packets.hpp"

#include <atomic>

namespace plait::core {
namespace {

std::atomic<bool> small_packets{false};

}  // namespace

void keep_quic_packets_small() { small_packets.store(true, std::memory_order_relaxed); }
bool are_quic_packets_small() { return small_packets.load(std::memory_order_relaxed); }

}  // namespace plait::core
