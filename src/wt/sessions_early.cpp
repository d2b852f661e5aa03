// What waits for a session that is not there yet: how it gets there, or is refused.
#include <algorithm>
#include <utility>

#include "wt/sessions.hpp"

namespace plait::wt {

bool Sessions::handle_stream(StreamId id, StreamId session, Direction direction, core::TimePoint now,
                             std::optional<std::uint64_t> stopped) {
  if (context_.connection_lost) return false;
  Entry* entry = find_entry(session);
  if (entry != nullptr && entry->live && entry->session->is_open()) {
    entry->session->handle_stream(id, direction, stopped);
    return false;
  }
  context_.streams[id] = Stream{};
  if (is_gone(session)) {
    refuse(id, code::kSessionGone);
    return false;
  }
  EarlyStream early{.id = id, .session = session};
  early.stopped = stopped;
  if (entry == nullptr) early.deadline = now + kEarlyTime;
  if (early_.add_stream(std::move(early))) return entry == nullptr;
  note_refused(id, session, 0);
  refuse(id, code::kBufferedStreamRejected);
  return false;
}

bool Sessions::handle_datagram(StreamId session, ByteView payload, core::TimePoint now) {
  if (context_.connection_lost) return false;
  Entry* entry = find_entry(session);
  if (entry != nullptr && entry->live) {
    entry->session->handle_datagram(payload);
    return false;
  }
  if (is_gone(session) || payload.size() > kEarlyBytesMax) return false;
  EarlyDatagram early{.session = session, .payload = {payload.begin(), payload.end()}};
  if (entry == nullptr) early.deadline = now + kEarlyTime;
  return early_.add_datagram(std::move(early)) && entry == nullptr;  // or dropped, as any datagram may be
}

// Sessions that have ended, whether their CONNECT stream has or not.
bool Sessions::is_gone(StreamId session) {
  const Entry* entry = find_entry(session);
  if (entry != nullptr) return entry->ended || entry->live;
  return std::find(gone_.begin(), gone_.end(), session) != gone_.end();
}

void Sessions::append_early(EarlyStream& early, ByteView data) {
  if (early_.append(early, data)) return;
  context_.connection.consume(early.id, data.size());
  const EarlyStream refused = early_.take_stream(early.id);
  note_refused(refused.id, refused.session, refused.data.size() + data.size());
  drop(refused, code::kBufferedStreamRejected);
}

// --- The session is there -------------------------------------------------------------------------------------------

void Sessions::deliver_early(StreamId id) {
  Entry* entry = find_entry(id);
  if (entry == nullptr || !entry->session || std::exchange(entry->live, true)) return;
  Session& session = *entry->session;
  if (entry->ended) return session.handle_lost();
  deliver_refused(id, *entry);
  for (const EarlyStream& stream : early_.take_streams(id)) deliver(session, stream);
  for (const EarlyDatagram& datagram : early_.take_datagrams(id)) session.handle_datagram(datagram.payload);
  const std::vector<std::uint8_t> capsules = std::exchange(entry->capsules, {});
  early_.release_bytes(capsules.size());
  if (!capsules.empty()) session.handle_connect_data(capsules);
  if (context_.connection.is_peer_going_away()) session.handle_goaway();
  if (entry->fin) session.handle_connect_fin();
}

// As it would have come one by one. The session may end at each step; what follows then is swallowed.
void Sessions::deliver(Session& session, const EarlyStream& early) {
  if (!session.is_open()) return drop(early, code::kSessionGone);
  session.handle_stream(early.id, h3::direction_of(early.id), early.stopped);
  if (!early.data.empty()) handle_data(early.id, early.data);
  if (early.fin) handle_fin(early.id);
  if (early.reset) session.handle_stream_reset(early.id, early.reset->error_code, early.reset->payload_bytes);
  if (early.closed) handle_closed(early.id);
}

// Before those that waited, so that the peer has its credit back when the user hears of them.
void Sessions::deliver_refused(StreamId id, const Entry& entry) {
  for (const Direction direction : {Direction::bidirectional, Direction::unidirectional}) {
    const auto index = static_cast<std::size_t>(direction);
    entry.session->handle_refused_ends(direction, entry.refused_streams[index], entry.refused_bytes[index]);
  }
  std::vector<StreamId> streams;
  for (const auto& [stream, refused] : refused_) {
    if (refused.session == id) streams.push_back(stream);
  }
  for (const StreamId stream : streams) {
    const auto refused = refused_.extract(stream);
    if (refused) entry.session->handle_refused_stream(stream, refused->entry.second.received_bytes);
  }
}

// --- It will not be -------------------------------------------------------------------------------------------------

void Sessions::refuse(StreamId id, std::uint64_t error_code) {
  if (h3::direction_of(id) == Direction::bidirectional) context_.connection.reset(id, error_code);
  context_.connection.stop_sending(id, error_code);
}

// Its session may still come, and then has to give back what the peer has used for it.
void Sessions::note_refused(StreamId id, StreamId session, std::uint64_t received_bytes) {
  refused_[id] = {session, received_bytes};
  context_.streams[id].dropped = true;
}

// One whose session nobody has asked for is forgotten, since it could be of any.
void Sessions::end_refused(StreamId id) {
  const auto refused = refused_.find(id);
  if (refused == refused_.end()) return;
  if (Entry* entry = find_entry(refused->second.session); entry != nullptr) {
    const auto index = static_cast<std::size_t>(h3::direction_of(id));
    ++entry->refused_streams[index];
    entry->refused_bytes[index] += refused->second.received_bytes;
  }
  refused_.erase(refused);
}

// Of a stream that was kept; its entry in the table stays until h3 reports the end.
void Sessions::drop(const EarlyStream& early, std::uint64_t error_code) {
  if (!early.data.empty()) context_.connection.consume(early.id, early.data.size());
  if (early.closed) {
    context_.streams.erase(early.id);
  } else {
    refuse(early.id, error_code);
  }
}

void Sessions::drop_early(StreamId session) {
  for (const EarlyStream& stream : early_.take_streams(session)) drop(stream, code::kSessionGone);
  (void)early_.take_datagrams(session);
}

void Sessions::handle_timeout(core::TimePoint now) {
  for (const EarlyStream& stream : early_.take_expired(now)) {
    const auto final_bytes = stream.reset ? stream.reset->payload_bytes.value_or(0) : 0;
    if (!stream.closed) note_refused(stream.id, stream.session, std::max(final_bytes, stream.data.size()));
    drop(stream, code::kBufferedStreamRejected);
  }
}

}  // namespace plait::wt
