// Publish/subscribe lines: the same bytes whole and in pieces (the first byte says how large) give the same commands; a
// command that is written again is read as the same.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "messaging/lines_decoder.hpp"

namespace {

using plait::ByteView;
using plait::messaging::Command;
using plait::messaging::LinesDecoder;

constexpr std::size_t kPayloadBytesMax = 300;
constexpr std::array<std::string_view, 6> kWords{"SUB", "UNSUB", "PUB", "SUB-OK", "SUB-FAIL", "MSG"};

std::string line_of(const Command& command) {
  const bool has_payload =
      command.verb == plait::messaging::Verb::publish || command.verb == plait::messaging::Verb::message;
  std::string out;
  plait::messaging::append_line(out, kWords[static_cast<std::size_t>(command.verb)], command.topic,
                                has_payload ? std::to_string(command.payload.size()) : std::string{command.reason});
  return out.append(plait::as_text(command.payload));
}

std::string commands_of(ByteView bytes, std::size_t piece_bytes) {
  LinesDecoder decoder{kPayloadBytesMax};
  std::string log;
  while (!bytes.empty()) {
    ByteView piece = bytes.first(std::min(piece_bytes, bytes.size()));
    bytes = bytes.subspan(piece.size());
    Command command;
    LinesDecoder::Status status;
    while ((status = decoder.next(piece, command)) == LinesDecoder::Status::command) {
      if (command.payload.size() > kPayloadBytesMax || !plait::messaging::is_line_topic(command.topic)) std::abort();
      log += line_of(command);
    }
    if (status != LinesDecoder::Status::need_more) break;
  }
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes{data + 1, size - 1};
  const std::string commands = commands_of(bytes, size);
  if (commands_of(bytes, 1 + std::size_t{data[0]}) != commands) std::abort();
  if (commands_of(plait::as_bytes(commands), size) != commands) std::abort();
  return 0;
}
