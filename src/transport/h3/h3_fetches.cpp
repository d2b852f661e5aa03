// Pages over HTTP/3: requests of H3ClientConnection that open no session.
#include <algorithm>
#include <utility>

#include "transport/h3/h3_client_connection.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kFetchesMax = 50;  // at a time; servers allow about 100 streams

std::string why_unsent(h3::SendError error) {
  switch (error) {
    case h3::SendError::field_invalid:
      return "the request cannot be sent: a header field or the path is not allowed";
    case h3::SendError::field_section_too_large:
      return "the request cannot be sent: the server takes no header fields of this size";
    default:
      return "the server takes no more requests";
  }
}

}  // namespace

bool H3ClientConnection::admits_fetch() const {
  return quic_ != nullptr && !h3_.is_closed() && !h3_.is_peer_going_away() && has_settings();
}

void H3ClientConnection::fetch(H3Fetch& fetch) {
  unsent_fetches_.push_back(&fetch);
  send_fetches();
}

// In their order, as far as the server's limit on streams allows, and not all of those, since sessions need some, too.
void H3ClientConnection::send_fetches() {
  while (!unsent_fetches_.empty() && fetches_.size() < kFetchesMax) {
    H3Fetch& fetch = *unsent_fetches_.front();
    const FetchRequest& wanted = fetch.request();
    h3::RequestHead head{
        .method = "GET", .scheme = "https", .authority = wanted.authority, .path = wanted.path, .protocol = {}};
    for (const auto& [name, value] : wanted.headers) head.fields.add(name, value);
    const auto sent = h3_.request(head, true);
    if (!sent && sent.error() == h3::SendError::stream_limit) return;  // on_streams_available
    unsent_fetches_.erase(unsent_fetches_.begin());
    if (sent) {
      fetches_.try_emplace(*sent, &fetch);
    } else {
      fetch.finish(err(Error{why_unsent(sent.error())}));
      close_after_fetch();
    }
  }
}

H3Fetch* H3ClientConnection::find_fetch(h3::StreamId id) const {
  const auto found = fetches_.find(id);
  return found == fetches_.end() ? nullptr : found->second;
}

bool H3ClientConnection::take_fetch_data(h3::StreamId id, ByteView data) {
  H3Fetch* fetch = find_fetch(id);
  if (fetch == nullptr) return false;
  h3_.consume(id, data.size());
  if (!fetch->handle_body(data)) give_up(*fetch, "the response is not wanted any more");
  return true;
}

// The request is over; `result` says how, if nobody was told yet.
void H3ClientConnection::end_fetch(h3::StreamId id, const Result<void, Error>& result) {
  H3Fetch* fetch = find_fetch(id);
  if (fetch == nullptr) return;
  fetches_.erase(id);
  fetch->finish(result);
  send_fetches();
  close_after_fetch();
}

void H3ClientConnection::give_up(H3Fetch& fetch, const std::string& reason) {
  std::erase(unsent_fetches_, &fetch);
  const auto found = std::ranges::find_if(fetches_, [&](const auto& entry) { return entry.second == &fetch; });
  if (found != fetches_.end()) {
    h3_.reset(found->first, h3::code::kRequestCancelled);
    h3_.stop_sending(found->first, h3::code::kRequestCancelled);
    fetches_.erase(found);
  }
  fetch.finish(err(Error{reason}));
  send_fetches();
  close_after_fetch();
}

// Those that the server will not answer: with an ID from `from` on, and those that were not sent.
void H3ClientConnection::end_fetches(std::uint64_t from, const std::string& reason) {
  std::vector<H3Fetch*> ending = std::exchange(unsent_fetches_, {});
  for (const auto& [id, fetch] : fetches_) {
    if (static_cast<std::uint64_t>(id) >= from) ending.push_back(fetch);
  }
  for (H3Fetch* fetch : ending) give_up(*fetch, reason);
}

// The end of a session may still be under way: close_when_idle() comes after it.
void H3ClientConnection::close_after_fetch() {
  if (sessions_.session_count() == 0) return close_when_unused();
  schedule();
}

}  // namespace plait::transport
