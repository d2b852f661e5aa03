// H3Fetch: a client's GET over HTTP/3, from its sending to its end. In the loop's table, as sessions are.
#pragma once

#include <plait/client.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/timer.hpp"
#include "h3/message.hpp"
#include "transport/loop_entry.hpp"

namespace plait::transport {

class H3ClientConnection;

/// What is asked for.
struct FetchRequest {
  std::string authority;
  std::string path;  ///< with the query
  std::vector<std::pair<std::string, std::string>> headers;
};

class H3Fetch final : public LoopEntry, private core::Timer {
 public:
  /// In the context's table, in the place that `id` has there. `connection` outlives it. The response must have begun
  /// by `deadline`, and then go on at least every `part_timeout`.
  static H3Fetch& make(H3ClientConnection& connection, FetchRequest request, std::unique_ptr<ResponseHandler> handler,
                       core::TimePoint deadline, Duration part_timeout, SessionId id);

  [[nodiscard]] const FetchRequest& request() const { return request_; }
  /// False: its user threw.
  [[nodiscard]] bool handle_head(const h3::ResponseHead& head);
  /// False: its user wants no more.
  [[nodiscard]] bool handle_body(ByteView part);
  /// The last call; it is retired.
  void finish(const Result<void, Error>& result);

  // LoopEntry
  [[nodiscard]] Session* session() override { return nullptr; }
  void drain() override { abort({}); }
  void abort(const Disconnect& why) override;

 private:
  H3Fetch(H3ClientConnection& connection, FetchRequest request, std::unique_ptr<ResponseHandler> handler,
          Duration part_timeout);
  void on_timer(core::TimePoint now) override;

  H3ClientConnection& connection_;
  const FetchRequest request_;
  const std::unique_ptr<ResponseHandler> handler_;
  const Duration part_timeout_;
  SessionId id_;
};

}  // namespace plait::transport
