#include "transport/loop_context.hpp"

#include "transport/tcp_connection.hpp"

namespace plait::transport {

SessionId ConnectionTable::add(std::unique_ptr<TcpConnection> connection, std::uint32_t loop) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  entries_[index].connection = std::move(connection);
  ++size_;
  return {.loop = loop, .index = index, .generation = entries_[index].generation};
}

TcpConnection* ConnectionTable::find(SessionId id) const {
  if (id.index >= entries_.size() || entries_[id.index].generation != id.generation) return nullptr;
  return entries_[id.index].connection.get();
}

std::unique_ptr<TcpConnection> ConnectionTable::remove(SessionId id) {
  if (find(id) == nullptr) return nullptr;
  Entry& entry = entries_[id.index];
  ++entry.generation;
  free_.push_back(id.index);
  --size_;
  return std::move(entry.connection);
}

void ConnectionTable::for_each(const std::function<void(TcpConnection&)>& visit) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].connection != nullptr) visit(*entries_[i].connection);
  }
}

}  // namespace plait::transport
