// The messages of RPC (spec/messaging.md §3), without the stream that carries them.
#pragma once

#include <plait/bytes.hpp>
#include <plait/rpc.hpp>
#include <plait/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace plait::messaging {

struct RpcRequest {
  std::optional<Value> id;  ///< none: a notification
  std::string method;
  Value params = Value::array();
};
struct RpcAnswer {
  std::uint64_t id = 0;
  RpcResult result;
};
/// A message that breaks a rule: what its sender is told.
struct RpcFault {
  Value id;  ///< null: unknown
  std::int32_t code = rpc_code::kInvalidRequest;
  std::string_view message;
};
/// An answer to nothing that we asked, or a notification whose parameters are wrong.
struct RpcIgnored {};

using RpcMessage = std::variant<RpcRequest, RpcAnswer, RpcFault, RpcIgnored>;
RpcMessage decode_rpc(ByteView payload);

// Each appends a whole frame. False, and nothing appended: `value` is not JSON, or the frame above `bytes_max`.
bool encode_request(std::string& out, std::optional<std::uint64_t> id, std::string_view method, const Value& params,
                    std::size_t bytes_max);
bool encode_result(std::string& out, const Value& id, const Value& result, std::size_t bytes_max);
bool encode_error(std::string& out, const Value& id, std::int32_t code, std::string_view message,
                  std::size_t bytes_max);

}  // namespace plait::messaging
