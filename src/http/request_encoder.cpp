#include "http/request_encoder.hpp"

#include "http/authority.hpp"
#include "http/grammar.hpp"
#include "http/head_writer.hpp"
#include "http/target.hpp"

namespace plait::http {

Result<void, Error> encode_request_head(core::ByteSink& sink, const RequestOptions& request) {
  constexpr std::size_t kOtherBytesMax = 128;  // version, the name of our field
  if (!is_token(request.method)) return err(Error::bad_method);
  if (auto target = parse_target(request.method, request.target); !target) return err(target.error());
  if (!request.host.empty() && !parse_authority(request.host)) return err(Error::bad_host);
  if (auto checked = check_fields(request.fields); !checked) return checked;
  HeadWriter writer{sink, request.fields,
                    kOtherBytesMax + request.method.size() + request.target.size() + request.host.size()};
  writer.write(request.method);
  writer.write(" ");
  writer.write(request.target);
  writer.write(" HTTP/1.1\r\n");
  writer.write_field("Host", request.host);
  for (const Field& field : request.fields) writer.write_field(field.name, field.value);
  writer.finish();
  return {};
}

}  // namespace plait::http
