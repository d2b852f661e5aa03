#include "client/response_json.hpp"

#include "codec/base64.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"

namespace plait::client {
namespace {

// A header field may have any octets but control characters (RFC 9110 §5.5).
std::string as_utf8(std::string_view text) {
  if (codec::is_utf8(as_bytes(text))) return std::string{text};
  std::string latin;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x80) {
      latin += c;
    } else {
      latin += static_cast<char>(0xC0 | (octet >> 6));
      latin += static_cast<char>(0x80 | (octet & 0x3F));
    }
  }
  return latin;
}

}  // namespace

std::string to_json(const Response& response) {
  std::string text;
  codec::JsonWriter json{text};
  json.begin_object().member("status", response.status).key("headers").begin_array();
  for (const auto& [name, value] : response.headers) {
    json.begin_array().value(name).value(as_utf8(value)).end_array();
  }
  json.end_array();
  const ByteView body = as_bytes(response.body);
  if (codec::is_utf8(body)) {
    json.member("body", response.body);
  } else {
    json.member("body_base64", codec::encode_base64(body));
  }
  json.end_object();
  return text;
}

}  // namespace plait::client
