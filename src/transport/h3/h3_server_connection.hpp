// H3ServerConnection: the server's side of an HTTP/3 connection: it answers requests for pages and takes sessions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/id_map.hpp"
#include "transport/h3/h3_connection.hpp"
#include "transport/h3/http_exchange.hpp"
#include "transport/h3/wt_accept.hpp"
#include "transport/handshake_slot.hpp"

namespace plait::transport {

class H3ServerConnection final : public H3Connection, public Opening::Owner {
 public:
  /// In the context's table until the QUIC connection is closed. `service` outlives it.
  static H3ServerConnection& make(H3Service& service);

  void drain() override;
  [[nodiscard]] bool is_quiet() const override;
  void on_stream_acked(quic::StreamId id, std::uint64_t offset) override;
  void on_stream_sent(quic::StreamId id) override;

 private:
  // An opening of the peer's whose handler answers later.
  struct Deferred {
    std::unique_ptr<WtAccept> opening;
    core::TimePoint deadline;
  };

  explicit H3ServerConnection(H3Service& service);

  // h3::Visitor
  using H3Connection::on_closed;
  void on_settings(const h3::Settings& peer) override;
  void on_request(h3::StreamId id, const h3::RequestHead& head) override;
  void on_too_many_fields(h3::StreamId id) override;
  void on_response(h3::StreamId, const h3::ResponseHead&) override {}  // a client's
  void on_data(h3::StreamId id, ByteView data) override;
  void on_fin(h3::StreamId id) override;
  void on_reset(h3::StreamId id, std::uint64_t error_code) override;
  void on_stream_error(h3::StreamId id, h3::Error error) override;
  void on_closed(h3::StreamId id) override;

  // H3Connection
  void end_sessions(const std::string& reason) override;
  void handle_session_end(bool settled) override;
  [[nodiscard]] std::optional<core::TimePoint> idle_deadline() const override;
  [[nodiscard]] std::optional<core::TimePoint> next_deadline() const override;
  void handle_timeout(core::TimePoint now) override;

  // Pages, h3_pages.cpp
  void end_exchange(h3::StreamId id);
  void expire_requests(core::TimePoint now);
  void take_content(h3::StreamId id, ByteView data);
  void answer(h3::StreamId id);
  void answer_waiting();
  /// More of the answers was never sent than the high-water mark allows.
  [[nodiscard]] bool has_answers_backlog() const;
  void refuse(h3::StreamId id, int status, const std::string& reason);
  void respond(h3::StreamId id, const HttpResponse& response, bool head_only);
  bool send_head(h3::StreamId id, int status, const std::vector<http::Field>& fields, bool fin);

  // Sessions
  void begin_session(h3::StreamId id);
  void accept_session(h3::StreamId id);
  void accept_waiting_sessions();
  void refuse_unasked(h3::StreamId id, const HttpResponse& refusal);
  void refuse_session(h3::StreamId id, const HttpResponse& refusal);
  void finish_opening(Opening& opening) override;
  void answer_session(WtAccept& opening);
  void expire_deferred(core::TimePoint now);
  void refuse_deferred(std::string_view reason);
  void drop_deferred(h3::StreamId id);
  [[nodiscard]] bool is_deferred(h3::StreamId id) const;

  void note_activity();
  void note_idle();
  void close_if_drained();

  core::IdMap<h3::StreamId, HttpExchange> exchanges_;  // requests whose response has not arrived yet
  std::size_t content_bytes_ = 0;                      // of all of them
  std::vector<h3::StreamId> waiting_;                  // whole requests that are not answered yet, in their order
  std::optional<core::TimePoint> request_deadline_;    // not after that of any request that is not whole
  std::vector<Deferred> deferred_;                     // the oldest first
  core::TimePoint active_at_;                          // when a request or a response last went on
  HandshakeSlot slot_;                                 // until the first request, and when idle after that
  bool served_ = false;                                // a request has come
  bool draining_ = false;
};

}  // namespace plait::transport
