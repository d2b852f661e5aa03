#include "wt/error_code.hpp"

#include "h3/error.hpp"

namespace plait::wt {

std::uint64_t wire_code_of(Error error) {
  switch (error) {
    // The draft names this code for the two (§5.4, §5.6.2).
    case Error::capsule_prohibited:
    case Error::stream_limit_too_high:
      return h3::code::kDatagramError;
    // RFC 9297 §3.3: what breaks the Capsule Protocol makes the message malformed, in HTTP/3 an H3_MESSAGE_ERROR
    // (RFC 9114 §4.1.2). Its §5.2 describes H3_DATAGRAM_ERROR as a parse error of capsules, too, but demands nothing.
    case Error::capsule_too_large:
    case Error::capsule_malformed:
    case Error::capsule_truncated:
    case Error::close_reason_too_long:
    case Error::close_reason_not_utf8:
    case Error::data_after_close:
      return h3::code::kMessageError;
    case Error::data_limit_exceeded:
    case Error::stream_limit_exceeded:
    case Error::limit_not_increased:
      return code::kFlowControlError;
  }
  return h3::code::kInternalError;
}

std::string_view describe(Error error) {
  switch (error) {
    case Error::capsule_too_large:
      return "capsule is larger than any of its type";
    case Error::capsule_malformed:
      return "capsule's value does not have its fields";
    case Error::capsule_truncated:
      return "CONNECT stream ended inside a capsule";
    case Error::capsule_prohibited:
      return "flow-control capsule of a stream, which HTTP/3 does not allow";
    case Error::close_reason_too_long:
      return "WT_CLOSE_SESSION with a reason above 1024 bytes";
    case Error::close_reason_not_utf8:
      return "WT_CLOSE_SESSION with a reason that is not UTF-8";
    case Error::data_after_close:
      return "data after WT_CLOSE_SESSION";
    case Error::data_limit_exceeded:
      return "more bytes than WT_MAX_DATA";
    case Error::stream_limit_exceeded:
      return "more streams than WT_MAX_STREAMS";
    case Error::limit_not_increased:
      return "WT_MAX_DATA or WT_MAX_STREAMS that does not increase";
    case Error::stream_limit_too_high:
      return "WT_MAX_STREAMS above 2^60";
  }
  return "no error";
}

}  // namespace plait::wt
