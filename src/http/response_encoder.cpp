#include <algorithm>
#include <array>

#include "http/grammar.hpp"
#include "http/head_writer.hpp"
#include "http/response.hpp"

namespace plait::http {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};

constexpr std::array kPhrases{
    Phrase{100, "Continue"},
    Phrase{101, "Switching Protocols"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{203, "Non-Authoritative Information"},
    Phrase{204, "No Content"},
    Phrase{205, "Reset Content"},
    Phrase{206, "Partial Content"},
    Phrase{300, "Multiple Choices"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Found"},
    Phrase{303, "See Other"},
    Phrase{304, "Not Modified"},
    Phrase{305, "Use Proxy"},
    Phrase{307, "Temporary Redirect"},
    Phrase{308, "Permanent Redirect"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{402, "Payment Required"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"},
    Phrase{407, "Proxy Authentication Required"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{410, "Gone"},
    Phrase{411, "Length Required"},
    Phrase{412, "Precondition Failed"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{416, "Range Not Satisfiable"},
    Phrase{417, "Expectation Failed"},
    Phrase{421, "Misdirected Request"},
    Phrase{422, "Unprocessable Content"},
    Phrase{426, "Upgrade Required"},
    Phrase{428, "Precondition Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"},
};

}  // namespace

std::string_view reason_phrase(int status) {
  const auto found =
      std::find_if(kPhrases.begin(), kPhrases.end(), [status](const Phrase& p) { return p.status == status; });
  return found != kPhrases.end() ? found->text : std::string_view{};
}

Result<void, Error> encode_response_head(core::ByteSink& sink, const ResponseOptions& response) {
  constexpr std::size_t kOtherBytesMax = 256;  // status line with the longest phrase, Date, Connection, framing
  if (response.status < 100 || response.status > 599) return err(Error::bad_status);
  if (find_bad_value_char(response.date) != std::string_view::npos) return err(Error::bad_field_value);
  if (auto checked = check_fields(response.fields); !checked) return checked;
  HeadWriter writer{sink, response.fields, kOtherBytesMax + response.date.size()};
  writer.write("HTTP/1.1 ");
  writer.write_number(static_cast<std::uint64_t>(response.status));
  writer.write(" ");
  writer.write(reason_phrase(response.status));
  writer.write("\r\n");
  if (!response.date.empty()) writer.write_field("Date", response.date);
  for (const Field& field : response.fields) writer.write_field(field.name, field.value);
  const bool may_have_length = response.status / 100 != 1 && response.status != 204;
  if (may_have_length && response.body.kind == BodyFraming::Kind::length) writer.write_length(response.body.length);
  if (!response.keep_alive) writer.write_field("Connection", "close");
  if (response.keep_alive && response.request_minor_version == 0) writer.write_field("Connection", "keep-alive");
  writer.finish();
  return {};
}

}  // namespace plait::http
