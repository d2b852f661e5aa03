// H3ClientConnection: the client's side of an HTTP/3 connection: it asks for sessions and for pages, and closes itself
// once nobody needs it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/id_map.hpp"
#include "transport/h3/h3_connection.hpp"
#include "transport/h3/h3_fetch.hpp"

namespace plait::transport {

/// What a client asks for.
struct WtRequest {
  std::string authority;
  std::string path;  ///< with the query
  std::vector<std::string> subprotocols;
  std::vector<std::pair<std::string, std::string>> headers;
};

class H3ClientConnection;

/// Whoever made a connection hears how it goes.
class H3Owner {
 public:
  virtual void on_handshake_completed(H3ClientConnection&) {}
  /// The server's SETTINGS have come: requests can be sent.
  virtual void on_settings(H3ClientConnection&) {}
  /// It is over, and all its sessions have heard of it. It is freed at the end of the turn.
  virtual void on_ended(H3ClientConnection& connection, const std::string& reason) = 0;

 protected:
  ~H3Owner() = default;
};

class H3ClientConnection final : public H3Connection {
 public:
  /// In the context's table until the QUIC connection is closed. `service` outlives it.
  static H3ClientConnection& make(H3Service& service);

  /// None until this is called, and after on_ended.
  void set_owner(H3Owner* owner) { owner_ = owner; }
  [[nodiscard]] bool has_settings() const { return h3_.peer_settings().has_value(); }
  /// Whether one more session may be asked for.
  [[nodiscard]] bool admits_session() const;
  /// Opens a session, in the place that `id` has in the context's table, as soon as the server allows.
  WtSession& connect(WtRequest request, std::unique_ptr<SessionHandler> handler, Wants wants, SessionId id);

  /// Whether a request may be sent.
  [[nodiscard]] bool admits_fetch() const;
  /// Sends the request of `fetch` as soon as the server allows.
  void fetch(H3Fetch& fetch);
  /// Ends it; it is told.
  void give_up(H3Fetch& fetch, const std::string& reason);

  void drain() override;
  [[nodiscard]] std::optional<OpeningTimes> opening_times() const override;
  void give_up(WtSession& session, const std::string& reason) override;

  void on_ready() override;
  void on_handshake_completed() override;

 private:
  // A session from connect() to the server's response.
  struct Asked {
    WtSession* session;
    WtRequest request;
    std::optional<h3::StreamId> id;  // once asked for
    int refused_status = 0;          // once it is refused; the text that explains it is waited for
    std::string explanation{};
  };

  explicit H3ClientConnection(H3Service& service);

  // h3::Visitor
  using H3Connection::on_closed;
  void on_settings(const h3::Settings& peer) override;
  void on_request(h3::StreamId, const h3::RequestHead&) override {}  // a server's
  void on_too_many_fields(h3::StreamId) override {}                  // likewise
  void on_response(h3::StreamId id, const h3::ResponseHead& head) override;
  void on_data(h3::StreamId id, ByteView data) override;
  void on_fin(h3::StreamId id) override;
  void on_reset(h3::StreamId id, std::uint64_t error_code) override;
  void on_stream_error(h3::StreamId id, h3::Error error) override;
  void on_closed(h3::StreamId id) override;
  void on_goaway(std::uint64_t id) override;
  void on_streams_available(h3::Direction direction) override;

  // H3Connection
  void on_turn_end() override;
  void end_sessions(const std::string& reason) override;
  void handle_session_end(bool settled) override;
  void leave() override;
  [[nodiscard]] std::optional<core::TimePoint> idle_deadline() const override;

  // Sessions
  void request_waiting();
  void request_session(Asked& opening, std::vector<WtSession*>& failed);
  void finish_opening(h3::StreamId id, const h3::ResponseHead& head);
  void take_refusal(Asked& opening, const h3::ResponseHead& head);
  bool take_explanation(h3::StreamId id, ByteView data);
  void fail_opening(h3::StreamId id, const std::string& reason);
  void end_openings(std::uint64_t from, const std::string& reason);
  void drop_request(h3::StreamId id, std::uint64_t error_code = h3::code::kRequestCancelled);
  static void tell_refused(const Asked& opening, const std::string& reason);

  // Pages, h3_fetches.cpp
  void send_fetches();
  [[nodiscard]] H3Fetch* find_fetch(h3::StreamId id) const;
  bool take_fetch_data(h3::StreamId id, ByteView data);
  void end_fetch(h3::StreamId id, const Result<void, Error>& result);
  void end_fetches(std::uint64_t from, const std::string& reason);
  void close_after_fetch();

  // The first time, the time since this was made.
  void note(Duration OpeningTimes::*step);
  [[nodiscard]] bool is_unused() const;
  void close_when_idle();
  void close_when_unused();

  H3Owner* owner_ = nullptr;
  std::vector<Asked> openings_;
  std::vector<H3Fetch*> unsent_fetches_;
  core::IdMap<h3::StreamId, H3Fetch*> fetches_;  // sent, by their streams
  OpeningTimes opening_times_{};                 // zero: not yet
  core::TimePoint made_at_;
  std::optional<core::TimePoint> leave_at_;  // what its last session sent has arrived by then, or never will
  bool maybe_unused_ = false;                // to be looked at at the end of the turn
  bool reset_has_to_arrive_ = false;         // of the session that ends: its code says why
};

}  // namespace plait::transport
