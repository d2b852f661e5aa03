#include "messaging/lines_decoder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/release_memory.hpp"
#include "messaging/frame_decoder.hpp"

namespace plait::messaging {
namespace {

struct Word {
  std::string_view name;
  Verb verb;
};
constexpr std::array<Word, 7> kWords{{{"SUB", Verb::subscribe},
                                      {"UNSUB", Verb::unsubscribe},
                                      {"PUB", Verb::publish},
                                      {"SUB-OK", Verb::subscribed},
                                      {"SUB-FAIL", Verb::refused},
                                      {"MSG", Verb::message},
                                      {"GAP", Verb::gap}}};

bool has_payload(Verb verb) { return verb == Verb::publish || verb == Verb::message; }

/// Up to the next blank; takes both off `line`.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

/// All of `text` in decimal digits.
std::errc read_number(std::string_view text, std::uint64_t& number) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  return wrong == std::errc{} && end != text.data() + text.size() ? std::errc::invalid_argument : wrong;
}

}  // namespace

LinesDecoder::Status LinesDecoder::next(ByteView& input, Command& command) {
  if (done_) {
    line_.clear();
    payload_.clear();
    if (payload_.capacity() > kKeptBytesMax) core::release_memory(payload_);
    done_ = false;
  }
  while (!payload_bytes_) {
    const Status status = read_line(input, command);
    if (status != Status::command || done_) return status;
  }
  return read_payload(input, command);
}

// `command` without done_: the line is handled, and nothing to hand out yet.
LinesDecoder::Status LinesDecoder::read_line(ByteView& input, Command& command) {
  const auto end = std::find(input.begin(), input.end(), '\n');
  const auto count = static_cast<std::size_t>(end - input.begin());
  if (count >= kLineBytesMax - line_.size()) return Status::line_too_long;
  line_ += as_text(input.first(count));
  if (end == input.end()) {
    input = {};
    return Status::need_more;
  }
  input = input.subspan(count + 1);
  const Status status = handle_line(command);
  if (!done_) line_.clear();
  return status;
}

LinesDecoder::Status LinesDecoder::handle_line(Command& command) {
  std::string_view line = line_;
  while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  const std::string_view name = take_word(line);
  const auto word = std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return w.name == name; });
  const std::string_view topic = take_word(line);
  if (word == kWords.end() || !is_line_topic(topic)) {
    // What follows such a line cannot be told from lines if a payload does.
    return word != kWords.end() && has_payload(word->verb) ? Status::bad_length : Status::command;
  }
  if (!has_payload(word->verb)) {
    handle_word(word->verb, topic, line, command);
    return Status::command;
  }
  std::uint64_t size = 0;
  const std::errc wrong = read_number(line, size);
  if (wrong == std::errc::result_out_of_range) return Status::too_large;
  if (wrong != std::errc{}) return Status::bad_length;
  if (size > payload_bytes_max_) return Status::too_large;
  verb_ = word->verb;
  topic_ = topic;
  payload_bytes_ = size;
  return Status::command;
}

// A line without a payload. One that is not understood is left out.
void LinesDecoder::handle_word(Verb verb, std::string_view topic, std::string_view rest, Command& command) {
  command = {.verb = verb, .topic = topic};
  if (verb == Verb::gap) {
    done_ = read_number(rest, command.count) == std::errc{} && command.count > 0;
  } else {
    command.reason = rest;
    done_ = rest.empty() || verb == Verb::refused;
  }
}

LinesDecoder::Status LinesDecoder::read_payload(ByteView& input, Command& command) {
  const std::size_t size = *payload_bytes_;
  ByteView payload;
  if (payload_.empty() && input.size() >= size) {
    payload = input.first(size);
    input = input.subspan(size);
  } else {
    const std::size_t count = std::min(size - payload_.size(), input.size());
    payload_ += as_text(input.first(count));
    input = input.subspan(count);
    if (payload_.size() < size) return Status::need_more;
    payload = as_bytes(payload_);
  }
  payload_bytes_.reset();
  done_ = true;
  command = {.verb = verb_, .topic = topic_, .payload = payload};
  return Status::command;
}

bool is_line_topic(std::string_view topic) {
  return !topic.empty() && topic.size() <= kTopicBytesMax && std::all_of(topic.begin(), topic.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7F;
  });
}

void append_line(std::string& out, std::string_view verb, std::string_view topic, std::string_view rest) {
  out.append(verb).append(" ").append(topic);
  if (!rest.empty()) out.append(" ").append(rest);
  out += '\n';
}

}  // namespace plait::messaging
