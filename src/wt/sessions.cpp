// Which session an event belongs to, and what waits for a session that is not there yet.
#include "wt/sessions.hpp"

#include <algorithm>
#include <utility>

#include "core/release_memory.hpp"
#include "core/varint.hpp"
#include "wt/negotiation.hpp"

namespace plait::wt {
namespace {

// Of a stream of the peer's: its signal or type, two bytes, and the session ID. A longer encoding is not accounted for.
std::uint64_t header_bytes(StreamId session) { return 2 + core::varint_size(static_cast<std::uint64_t>(session)); }

}  // namespace

Sessions::Sessions(const SessionsOptions& options, h3::Connection& connection)
    : options_(options), context_{.connection = connection, .local = options.settings.webtransport} {}

Sessions::~Sessions() = default;

// --- CONNECT --------------------------------------------------------------------------------------------------------

bool Sessions::begin(StreamId id) {
  if (context_.connection_lost || sessions_.size() >= options_.sessions_max) return false;
  if (!sessions_.try_emplace(id).second) return false;
  early_.keep(id);
  return true;
}

Result<Session*, AcceptError> Sessions::accept(StreamId id, SessionVisitor& visitor) {
  Entry* entry = find_entry(id);
  if (entry == nullptr || entry->ended || entry->session) return err(AcceptError::gone);
  if (!context_.connection.peer_settings()) return err(AcceptError::settings_missing);
  context_.flow_control = uses_flow_control(context_.local, context_.peer());
  context_.strict_limits = context_.local.draft15 != 0 && context_.peer().draft15 != 0;
  if (!may_accept_another()) return err(AcceptError::too_many_sessions);
  entry->session = std::make_unique<Session>(id, context_, visitor);
  return entry->session.get();
}

bool Sessions::may_accept_another() const {
  const bool needs_flow_control = context_.peer().sessions_max_draft13 != 0 || context_.peer().draft15 != 0;
  if (context_.flow_control || !needs_flow_control) return true;
  return std::none_of(sessions_.begin(), sessions_.end(),
                      [](const auto& entry) { return entry.second.session && entry.second.session->is_open(); });
}

void Sessions::reject(StreamId id) {
  Entry* entry = find_entry(id);
  if (entry == nullptr || entry->session) return;
  drop_capsules(id, *entry);
  end_session(id);
  sessions_.erase(id);
}

Session* Sessions::find(StreamId id) {
  Entry* entry = find_entry(id);
  return entry != nullptr && entry->session && entry->session->is_open() ? entry->session.get() : nullptr;
}

Sessions::Entry* Sessions::find_entry(StreamId id) {
  const auto found = sessions_.find(id);
  return found != sessions_.end() ? &found->second : nullptr;
}

// --- The CONNECT stream ---------------------------------------------------------------------------------------------

bool Sessions::handle_connect_data(StreamId id, ByteView data) {
  Entry* entry = find_entry(id);
  if (entry == nullptr) return false;
  if (entry->live) {
    entry->session->handle_connect_data(data);
  } else if (entry->ended) {
    context_.connection.consume(id, data.size());
  } else if (!early_.reserve_bytes(data.size())) {
    context_.connection.consume(id, data.size());
    end_early_connect(id, *entry, h3::code::kExcessiveLoad);
  } else {
    entry->capsules.insert(entry->capsules.end(), data.begin(), data.end());
  }
  return true;
}

// Of a session that is not live: it will not be.
void Sessions::end_pending(StreamId id, Entry& entry) {
  if (std::exchange(entry.ended, true)) return;
  drop_capsules(id, entry);
  end_session(id);
}

void Sessions::drop_capsules(StreamId id, Entry& entry) {
  if (!entry.capsules.empty()) context_.connection.consume(id, entry.capsules.size());
  early_.release_bytes(entry.capsules.size());
  core::release_memory(entry.capsules);
}

void Sessions::end_session(StreamId id) {
  drop_early(id);
  if (std::find(gone_.begin(), gone_.end(), id) != gone_.end()) return;
  if (gone_.size() == kGoneMax) gone_.erase(gone_.begin());
  gone_.push_back(id);
}

bool Sessions::handle_connect_closed(StreamId id) {
  Entry* entry = find_entry(id);
  if (entry == nullptr) return false;
  if (entry->live) {
    entry->session->handle_connect_reset();
    end_session(id);
  } else {
    end_pending(id, *entry);
    if (entry->session) entry->session->handle_lost();
  }
  sessions_.erase(id);
  return true;
}

// --- Events ---------------------------------------------------------------------------------------------------------

bool Sessions::handle_data(StreamId id, ByteView data) {
  const auto found = context_.streams.find(id);
  if (found == context_.streams.end()) return handle_connect_data(id, data);
  if (Session* session = found->second.session; session != nullptr) {
    session->handle_stream_data(id, found->second, data, false);
  } else if (EarlyStream* early = early_.find(id); early != nullptr) {
    append_early(*early, data);
  } else {
    const auto refused = refused_.find(id);
    if (refused != refused_.end()) refused->second.received_bytes += data.size();
    context_.connection.consume(id, data.size());
  }
  return true;
}

bool Sessions::handle_fin(StreamId id) {
  if (const auto found = context_.streams.find(id); found != context_.streams.end()) {
    if (Session* session = found->second.session; session != nullptr) {
      session->handle_stream_data(id, found->second, {}, true);
    } else if (EarlyStream* early = early_.find(id); early != nullptr) {
      early->fin = true;
    }
    return true;
  }
  Entry* entry = find_entry(id);
  if (entry == nullptr) return false;
  if (entry->live) {
    entry->session->handle_connect_fin();
  } else {
    entry->fin = true;
  }
  return true;
}

bool Sessions::handle_reset(StreamId id, std::uint64_t error_code, std::optional<std::uint64_t> final_size) {
  if (const auto found = context_.streams.find(id); found != context_.streams.end()) {
    const Stream& stream = found->second;
    if (stream.session != nullptr) {
      const std::uint64_t header = stream.local ? 0 : header_bytes(stream.session->id());
      if (final_size) *final_size -= std::min(*final_size, header);
      stream.session->handle_stream_reset(id, error_code, final_size);
    } else if (EarlyStream* early = early_.find(id); early != nullptr) {
      if (final_size) *final_size -= std::min(*final_size, header_bytes(early->session));
      early->reset = EarlyStream::Reset{error_code, final_size};
    } else if (const auto refused = refused_.find(id); refused != refused_.end() && final_size) {
      std::uint64_t& received = refused->second.received_bytes;
      received = std::max(received, *final_size - std::min(*final_size, header_bytes(refused->second.session)));
    }
    return true;
  }
  Entry* entry = find_entry(id);
  if (entry == nullptr) return false;
  if (entry->live) {
    entry->session->handle_connect_reset();
  } else {
    end_early_connect(id, *entry, h3::code::kRequestCancelled);
  }
  return true;
}

// As if it had been reset: the session, which has stopped it, is told of neither.
void Sessions::handle_stopped_end(StreamId id, std::uint64_t final_size) {
  const auto found = context_.streams.find(id);
  if (found != context_.streams.end() && found->second.dropped) handle_reset(id, 0, final_size);
}

bool Sessions::handle_stop_sending(StreamId id, std::uint64_t error_code) {
  if (const auto found = context_.streams.find(id); found != context_.streams.end()) {
    if (Session* session = found->second.session; session != nullptr) {
      session->handle_stop_sending(id, error_code);
    } else if (EarlyStream* early = early_.find(id); early != nullptr) {
      early->stopped = error_code;
    }
    return true;
  }
  Entry* entry = find_entry(id);
  if (entry == nullptr) return false;
  if (context_.wants_no_more_of_request(error_code)) return true;
  if (entry->live) {
    entry->session->handle_connect_stop_sending(error_code);
  } else {
    end_early_connect(id, *entry, h3::code::kRequestCancelled);
  }
  return true;
}

bool Sessions::handle_stream_error(StreamId id) {
  Entry* entry = find_entry(id);
  if (entry == nullptr) return false;
  if (entry->live) {
    entry->session->handle_lost();
  } else {
    end_early_connect(id, *entry, h3::code::kRequestCancelled);
  }
  return true;
}

// The CONNECT stream broke off before anything was reported of the session.
void Sessions::end_early_connect(StreamId id, Entry& entry, std::uint64_t error_code) {
  context_.connection.reset(id, error_code);
  context_.connection.stop_sending(id, error_code);
  end_pending(id, entry);
}

bool Sessions::handle_closed(StreamId id) {
  const auto found = context_.streams.find(id);
  if (found == context_.streams.end()) return handle_connect_closed(id);
  if (Session* session = found->second.session; session != nullptr) {
    session->handle_stream_closed(id);
  } else if (EarlyStream* early = early_.find(id); early != nullptr) {
    early->closed = true;
  } else {
    end_refused(id);
    context_.streams.erase(found);
  }
  return true;
}

std::vector<Session*> Sessions::live_sessions() {
  std::vector<Session*> live;
  for (auto& [id, entry] : sessions_) {
    if (entry.live) live.push_back(entry.session.get());
  }
  return live;
}

void Sessions::handle_streams_available(Direction direction) {
  for (Session* session : live_sessions()) session->handle_streams_available(direction);
}

void Sessions::handle_goaway() {
  for (Session* session : live_sessions()) session->handle_goaway();
}

void Sessions::handle_connection_closed() {
  context_.connection_lost = true;
  for (auto& [id, entry] : sessions_) {
    if (entry.session && !entry.live) entry.live = true;  // whoever has the pointer learns of the end
  }
  for (Session* session : live_sessions()) session->handle_lost();
}

void Sessions::handle_unsent(StreamId id, std::uint64_t bytes) {
  const auto found = context_.streams.find(id);
  if (found != context_.streams.end() && found->second.session != nullptr) {
    found->second.session->handle_unsent(id, bytes);
  }
}

}  // namespace plait::wt
