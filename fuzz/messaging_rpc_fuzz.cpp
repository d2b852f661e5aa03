// Messages of RPC: what is read as a request, written again, is read as the same request; and what is told to the
// sender of anything else can be written.
#include <cstdlib>
#include <string>

#include "messaging/frame_decoder.hpp"
#include "messaging/rpc_message.hpp"

namespace {

using plait::messaging::RpcMessage;
using plait::messaging::RpcRequest;

constexpr std::size_t kBytesMax = std::size_t{1} << 20;

void check_request(const RpcRequest& request) {
  const auto number = request.id ? request.id->as_uint64() : std::nullopt;
  std::string frame;
  if (!plait::messaging::encode_request(frame, number, request.method, request.params, kBytesMax)) std::abort();
  if (plait::messaging::read_u32(plait::as_bytes(frame)) != frame.size() - 4) std::abort();
  const RpcMessage again = plait::messaging::decode_rpc(plait::as_bytes(frame).subspan(4));
  const auto* same = std::get_if<RpcRequest>(&again);
  if (same == nullptr || same->method != request.method) std::abort();
  if (number && same->id != request.id) std::abort();
  frame.clear();
  if (!plait::messaging::encode_result(frame, request.id.value_or(plait::Value{}), request.params, kBytesMax))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const RpcMessage message = plait::messaging::decode_rpc({data, size});
  if (const auto* request = std::get_if<RpcRequest>(&message)) check_request(*request);
  if (const auto* fault = std::get_if<plait::messaging::RpcFault>(&message)) {
    std::string frame;
    if (!plait::messaging::encode_error(frame, fault->id, fault->code, fault->message, kBytesMax)) std::abort();
  }
  return 0;
}
