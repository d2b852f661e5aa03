// Remote procedure calls on one bidirectional stream, both ways at once (spec/messaging.md §3).
#pragma once

#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>
#include <plait/stream.hpp>
#include <plait/value.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace plait {

/// Codes of errors on the wire: those of JSON-RPC 2.0. -32000 to -32099 are for implementations, others for users.
namespace rpc_code {
inline constexpr std::int32_t kParseError = -32700;
inline constexpr std::int32_t kInvalidRequest = -32600;
inline constexpr std::int32_t kMethodNotFound = -32601;
inline constexpr std::int32_t kInvalidParams = -32602;
inline constexpr std::int32_t kInternalError = -32603;
inline constexpr std::int32_t kOverloaded = -32000;  ///< too many requests wait
}  // namespace rpc_code

/// Why a call has no result.
struct RpcError {
  enum class Kind : std::uint8_t {
    answered,  ///< by the peer, with `code` and `message`
    timeout,   ///< it may have been carried out all the same
    closed,    ///< the stream ended; it may have been carried out all the same
    unsent,    ///< too large, not JSON, or the peer does not read: it was not carried out
  };
  Kind kind = Kind::answered;
  std::int32_t code = rpc_code::kInternalError;
  std::string message;
};
using RpcResult = Result<Value, RpcError>;
/// What a served method returns when it fails.
inline Unexpected<RpcError> rpc_error(std::int32_t code, std::string message) {
  return err(RpcError{RpcError::Kind::answered, code, std::move(message)});
}

struct RpcOptions {
  /// Of each call, unless it names another.
  Duration timeout = std::chrono::seconds{30};
  /// Largest message, either way. A larger one of the peer ends the stream.
  std::size_t message_bytes_max = std::size_t{1} << 20;
  /// Requests of the peer that are carried out at once; only those of serve_later() take longer than a moment. Further
  /// ones wait, in order and up to message_bytes_max in all; beyond, they are refused with rpc_code::kOverloaded.
  std::size_t requests_max = 100;
};

/// The answer to one request, now or later. On the session's loop; may outlive the stream, and does nothing then.
class PLAIT_API RpcReply {
 public:
  RpcReply(RpcReply&&) noexcept;
  RpcReply& operator=(RpcReply&&) noexcept;
  /// Without an answer the peer is told rpc_code::kInternalError.
  ~RpcReply();

  /// Only the first answer counts.
  void result(const Value& value);
  void error(std::int32_t code, std::string_view message);

 private:
  friend class RpcPeer;
  struct State;
  explicit RpcReply(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One side of the stream: calls and serves. Belongs to its session, as every stream handler, and lives until
/// on_close() has returned.
class PLAIT_API RpcPeer final : public StreamHandler {
 public:
  using Done = std::function<void(RpcResult result)>;

  /// Opens a stream. Errors: as Session::open_stream().
  static Result<RpcPeer*, StreamError> open(Session& session, const RpcOptions& options = {});
  /// For the answer of SessionHandler::on_stream().
  explicit RpcPeer(Stream& stream, const RpcOptions& options = {});
  ~RpcPeer() override;

  /// Calls a method of the peer. `done` is called once, inside the call if it cannot be sent, else later. `timeout` of
  /// zero: that of the options.
  void call(std::string_view method, const Value& params, Done done, Duration timeout = Duration::zero());
  /// Calls a method and wants no answer. `dropped` if it cannot be sent.
  SendStatus notify(std::string_view method, const Value& params);

  /// Serves a method: gets an array or object of parameters, gives the result. An exception is answered with
  /// rpc_code::kInternalError and logged. Replaces the method of that name.
  void serve(std::string name, std::function<RpcResult(const Value& params)> method);
  /// The same for an answer that may come later.
  void serve_later(std::string name, std::function<void(const Value& params, RpcReply reply)> method);

  /// Ends the stream; calls that are under way fail with Kind::closed.
  void close();
  void on_close(std::function<void()> handler);
  [[nodiscard]] std::size_t pending_calls() const;
  [[nodiscard]] Stream& stream() { return *stream_; }

  void on_data(Stream& stream, ByteView data, bool fin) override;
  void on_reset(Stream& stream, std::uint32_t code) override;
  void on_stop(Stream& stream, std::uint32_t code) override;
  void on_close(Stream& stream) override;

 private:
  friend class RpcReply;
  class Impl;
  explicit RpcPeer(const RpcOptions& options);
  std::shared_ptr<Impl> impl_;  // replies that come later know whether it is still there
  Stream* stream_ = nullptr;
};

}  // namespace plait
