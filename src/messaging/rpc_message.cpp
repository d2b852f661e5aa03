#include "messaging/rpc_message.hpp"

#include <algorithm>

#include "messaging/frame_decoder.hpp"

namespace plait::messaging {
namespace {

const Value* member(const Value& message, std::string_view name) {
  const Value::Object* members = message.as_object();
  const auto found = std::find_if(members->rbegin(), members->rend(),
                                  [&](const Value::Member& candidate) { return candidate.name == name; });
  return found == members->rend() ? nullptr : &found->value;
}

bool is_id(const Value& id) { return id.is_null() || id.as_string() != nullptr || id.as_double().has_value(); }

RpcMessage decode_request(const Value& message, const Value& method) {
  RpcRequest request;
  if (const Value* id = member(message, "id"); id != nullptr && !id->is_null()) request.id = *id;
  const Value id = request.id.value_or(Value{});
  if (!is_id(id)) return RpcFault{{}, rpc_code::kInvalidRequest, "an id is a string or a number"};
  if (method.as_string() == nullptr || method.as_string()->empty()) {
    return RpcFault{id, rpc_code::kInvalidRequest, "a method is a string, and not empty"};
  }
  request.method = *method.as_string();
  if (const Value* params = member(message, "params")) request.params = *params;
  if (request.params.as_array() == nullptr && request.params.as_object() == nullptr) {
    if (!request.id) return RpcIgnored{};
    return RpcFault{id, rpc_code::kInvalidParams, "parameters are an array or an object"};
  }
  return request;
}

RpcError error_of(const Value& error) {
  RpcError told;
  told.code = static_cast<std::int32_t>(
      std::clamp<std::int64_t>(error.find("code").as_int64().value_or(rpc_code::kInternalError), INT32_MIN, INT32_MAX));
  const std::string* message = error.find("message").as_string();
  told.message = message == nullptr ? "unknown error" : *message;
  return told;
}

RpcMessage decode_answer(const Value& message, const Value& id) {
  const auto number = id.as_uint64();
  if (!number) return RpcIgnored{};
  if (const Value* error = member(message, "error")) return RpcAnswer{*number, err(error_of(*error))};
  const Value* result = member(message, "result");
  return RpcAnswer{*number, result == nullptr ? Value{} : *result};
}

bool append_frame(std::string& out, const Value& message, std::size_t bytes_max) {
  const std::size_t start = out.size();
  append_u32(out, 0);
  const bool encoded = encode(Format::json, message, out).has_value();
  const std::size_t size = out.size() - start - 4;
  if (!encoded || size > bytes_max || size > UINT32_MAX) {
    out.resize(start);
    return false;
  }
  std::string length;
  append_u32(length, static_cast<std::uint32_t>(size));
  out.replace(start, length.size(), length);
  return true;
}

}  // namespace

RpcMessage decode_rpc(ByteView payload) {
  const auto message = decode(Format::json, payload);
  if (!message) return RpcFault{{}, rpc_code::kParseError, "not JSON"};
  if (message->as_object() == nullptr) return RpcFault{{}, rpc_code::kInvalidRequest, "not an object"};
  if (const Value* method = member(*message, "method")) return decode_request(*message, *method);
  if (const Value* id = member(*message, "id")) return decode_answer(*message, *id);
  return RpcFault{{}, rpc_code::kInvalidRequest, "neither a method nor an id"};
}

bool encode_request(std::string& out, std::optional<std::uint64_t> id, std::string_view method, const Value& params,
                    std::size_t bytes_max) {
  Value message = Value::object();
  if (id) message.add("id", *id);
  message.add("method", method).add("params", params);
  return append_frame(out, message, bytes_max);
}

bool encode_result(std::string& out, const Value& id, const Value& result, std::size_t bytes_max) {
  return append_frame(out, Value::object({{"id", id}, {"result", result}}), bytes_max);
}

bool encode_error(std::string& out, const Value& id, std::int32_t code, std::string_view message,
                  std::size_t bytes_max) {
  const Value error = Value::object({{"code", code}, {"message", message}});
  return append_frame(out, Value::object({{"id", id}, {"error", error}}), bytes_max);
}

}  // namespace plait::messaging
