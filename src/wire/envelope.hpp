// The envelope of a client's message (spec/protocol.md §2): which type, which payload, to be answered under which cid.
#pragma once

#include <plait/broker.hpp>
#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstdint>
#include <string_view>

#include "codec/json.hpp"
#include "wire/error.hpp"

namespace plait::wire {

inline constexpr std::size_t kTypeBytesMax = 64;
inline constexpr std::size_t kCidBytesMax = 128;

/// How the category of a message is written; a server answers in the form it is spoken to in.
enum class Form : std::uint8_t {
  member,  ///< {"c":"WSE",…}: the default
  prefix,  ///< WSE{…}: what WSE 1.x speaks
};
inline constexpr std::size_t kFormCount = 2;

/// Views into the decoder and the message.
struct Envelope {
  Form form = Form::member;
  std::string_view type;
  codec::JsonValue payload;  ///< an object, or absent
  std::string_view cid;      ///< empty: the sender wants no answer by it
  Priority priority = Priority::normal;
};

class EnvelopeDecoder {
 public:
  /// The envelope of one message, valid until the next call and as long as `message`. Allocates nothing in steady
  /// state.
  Result<Envelope, Error> decode(std::string_view message);
  /// The cid of the last message, also of one that broke a rule; empty if it has none that can be read.
  [[nodiscard]] std::string_view cid() const { return cid_; }
  /// The last envelope is done with: frees what a large message took.
  void shrink() { parser_.shrink(); }

 private:
  codec::JsonParser parser_;
  std::string_view cid_;
};

}  // namespace plait::wire
