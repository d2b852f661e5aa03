#include "wt/early.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/release_memory.hpp"

namespace plait::wt {
namespace {

// Moves those that match out, in their order.
template <class Item, class Matches>
std::vector<Item> take(std::vector<Item>& items, Matches matches) {
  const auto first =
      std::stable_partition(items.begin(), items.end(), [&matches](const Item& item) { return !matches(item); });
  std::vector<Item> taken{std::make_move_iterator(first), std::make_move_iterator(items.end())};
  items.erase(first, items.end());
  if (items.empty()) core::release_memory(items);
  return taken;
}

}  // namespace

bool EarlyBuffer::reserve_bytes(std::size_t bytes) {
  if (bytes > kEarlyBytesMax - bytes_) return false;
  bytes_ += bytes;
  return true;
}

bool EarlyBuffer::add_stream(EarlyStream stream) {
  if (streams_.size() >= kEarlyStreamsMax) return false;
  streams_.push_back(std::move(stream));
  return true;
}

bool EarlyBuffer::append(EarlyStream& stream, ByteView data) {
  if (!reserve_bytes(data.size())) return false;
  stream.data.insert(stream.data.end(), data.begin(), data.end());
  return true;
}

bool EarlyBuffer::add_datagram(EarlyDatagram datagram) {
  if (datagrams_.size() >= kEarlyDatagramsMax || !reserve_bytes(datagram.payload.size())) return false;
  datagrams_.push_back(std::move(datagram));
  return true;
}

EarlyStream* EarlyBuffer::find(StreamId id) {
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [id](const EarlyStream& stream) { return stream.id == id; });
  return found != streams_.end() ? &*found : nullptr;
}

void EarlyBuffer::keep(StreamId session) {
  for (EarlyStream& stream : streams_) {
    if (stream.session == session) stream.deadline.reset();
  }
  for (EarlyDatagram& datagram : datagrams_) {
    if (datagram.session == session) datagram.deadline.reset();
  }
}

EarlyStream EarlyBuffer::take_stream(StreamId id) {
  auto taken = take(streams_, [id](const EarlyStream& stream) { return stream.id == id; });
  if (taken.empty()) return {};
  bytes_ -= taken.front().data.size();
  return std::move(taken.front());
}

std::vector<EarlyStream> EarlyBuffer::take_streams(StreamId session) {
  auto taken = take(streams_, [session](const EarlyStream& stream) { return stream.session == session; });
  for (const EarlyStream& stream : taken) bytes_ -= stream.data.size();
  return taken;
}

std::vector<EarlyDatagram> EarlyBuffer::take_datagrams(StreamId session) {
  auto taken = take(datagrams_, [session](const EarlyDatagram& datagram) { return datagram.session == session; });
  for (const EarlyDatagram& datagram : taken) bytes_ -= datagram.payload.size();
  return taken;
}

std::vector<EarlyStream> EarlyBuffer::take_expired(core::TimePoint now) {
  const auto expired = [now](const auto& item) { return item.deadline && *item.deadline <= now; };
  for (const EarlyDatagram& datagram : take(datagrams_, expired)) bytes_ -= datagram.payload.size();
  auto taken = take(streams_, expired);
  for (const EarlyStream& stream : taken) bytes_ -= stream.data.size();
  return taken;
}

std::optional<core::TimePoint> EarlyBuffer::next_deadline() const {
  std::optional<core::TimePoint> next;
  const auto consider = [&next](const auto& items) {
    for (const auto& item : items) {
      if (item.deadline && (!next || *item.deadline < *next)) next = item.deadline;
    }
  };
  consider(streams_);
  consider(datagrams_);
  return next;
}

}  // namespace plait::wt
