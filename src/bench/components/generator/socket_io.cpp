#include "bench/components/generator/socket_io.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace plait::bench {

namespace {

constexpr std::string_view kEventStart = R"(42["message",")";
constexpr std::string_view kEventEnd = R"("])";

}  // namespace

std::vector<std::uint8_t> SocketIoGreeting::handle(ByteView bytes) {
  scanner_.count(bytes);
  std::vector<std::uint8_t> answer;
  for (const FrameScanner::Message& message : scanner_.take_messages()) {
    const std::string_view packet = as_text(message.payload);
    if (packet.starts_with("40")) done_ = true;
    if (packet.starts_with("0")) answer = make_client_frame(as_bytes("40"), kFinText);
  }
  return answer;
}

std::vector<std::uint8_t> socket_io_event(ByteView payload) {
  std::vector<std::uint8_t> out(kEventStart.begin(), kEventStart.end());
  std::replace_copy(payload.begin(), payload.end(), std::back_inserter(out), std::uint8_t{'"'}, std::uint8_t{'\''});
  out.insert(out.end(), kEventEnd.begin(), kEventEnd.end());
  return out;
}

}  // namespace plait::bench
