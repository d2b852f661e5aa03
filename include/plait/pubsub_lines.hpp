// Publish/subscribe in lines of text on one bidirectional stream (spec/messaging.md §4).
#pragma once

#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>
#include <plait/stream.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace plait {

struct LinesOptions {
  /// Largest payload that may come. A larger one ends the stream; a server sends none, but leaves the publication out
  /// and says so (LinesClient::on_gap).
  std::size_t message_bytes_max = std::size_t{1} << 20;
  /// How long a subscription may be without an answer.
  Duration subscribe_timeout = std::chrono::seconds{10};
};

/// The server's half: serves the topics of a hub to sessions whose first bidirectional stream speaks lines.
///   server.listen("https://0.0.0.0:4433/lines", plait::lines_handler(hub.handler()));
/// Authentication, rights, limits and order are the hub's. `hub` makes the handlers that the hub has for its sessions;
/// where it makes none, neither does this.
PLAIT_API HandlerFactory lines_handler(HandlerFactory hub, const LinesOptions& options = {});

/// The client's half. Belongs to its session, as every stream handler, and lives until on_close() has returned.
class PLAIT_API LinesClient final : public StreamHandler {
 public:
  using OnMessage = std::function<void(std::string_view topic, ByteView payload)>;
  using OnGap = std::function<void(std::string_view topic, std::uint64_t count)>;
  /// The error is for people: the server's reason, or that no answer came.
  using Subscribed = std::function<void(Result<void, std::string> result)>;

  /// Opens a stream. Errors: as Session::open_stream().
  static Result<LinesClient*, StreamError> open(Session& session, const LinesOptions& options = {});
  ~LinesClient() override;

  /// What comes to all topics that are subscribed to.
  void on_message(OnMessage handler);
  /// So many publications of a topic, or of a pattern as it was subscribed to, were left out here: this client was too
  /// slow, or they were too large. Servers other than Plait's leave them out silently.
  void on_gap(OnGap handler);
  /// `done` is called once, inside the call if that topic is being subscribed to already or is none, the stream has
  /// ended, or the server does not read: a topic is 1 to 256 bytes without white space and control characters. A server
  /// may take patterns.
  void subscribe(std::string_view topic, Subscribed done = {});
  void unsubscribe(std::string_view topic);
  /// Never answered. `dropped` also if `topic` is none.
  SendStatus publish(std::string_view topic, ByteView payload);
  /// Ends the stream, and with it all subscriptions.
  void close();
  void on_close(std::function<void()> handler);

  void on_data(Stream& stream, ByteView data, bool fin) override;
  void on_close(Stream& stream) override;

 private:
  class Impl;
  explicit LinesClient(const LinesOptions& options);
  std::unique_ptr<Impl> impl_;
  Stream* stream_ = nullptr;
};

}  // namespace plait
