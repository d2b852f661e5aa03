// LinesDecoder: the commands of publish/subscribe lines, out of a stream's bytes as they come (spec/messaging.md §4).
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plait::messaging {

/// A line with its line feed. Topics have at most 256 bytes, reasons the rest.
inline constexpr std::size_t kLineBytesMax = 1024;
inline constexpr std::size_t kTopicBytesMax = 256;

enum class Verb : std::uint8_t { subscribe, unsubscribe, publish, subscribed, refused, message, gap };

/// Valid until the next next().
struct Command {
  Verb verb = Verb::subscribe;
  std::string_view topic{};
  std::string_view reason{};  ///< of refused
  ByteView payload{};         ///< of publish and message
  std::uint64_t count = 0;    ///< of gap
};

class LinesDecoder {
 public:
  enum class Status : std::uint8_t {
    need_more,  ///< all input is taken
    command,
    // Nothing may be read any more:
    line_too_long,
    bad_length,  ///< the length of a payload is no number of decimal digits
    too_large,   ///< a payload above the limit
  };

  explicit LinesDecoder(std::size_t payload_bytes_max) : payload_bytes_max_(payload_bytes_max) {}

  /// Takes the next command off the front of `input`. Lines that are none are left out.
  Status next(ByteView& input, Command& command);

 private:
  Status read_line(ByteView& input, Command& command);
  Status read_payload(ByteView& input, Command& command);
  Status handle_line(Command& command);
  void handle_word(Verb verb, std::string_view topic, std::string_view rest, Command& command);

  const std::size_t payload_bytes_max_;
  std::string line_;     // without what is still to come of it
  std::string payload_;  // likewise
  Verb verb_ = Verb::publish;
  std::string topic_;
  std::optional<std::size_t> payload_bytes_;  // that follow the line before
  bool done_ = false;                         // the last command was handed out
};

/// One word of printable bytes, at most kTopicBytesMax.
[[nodiscard]] bool is_line_topic(std::string_view topic);
void append_line(std::string& out, std::string_view verb, std::string_view topic, std::string_view rest = {});

}  // namespace plait::messaging
