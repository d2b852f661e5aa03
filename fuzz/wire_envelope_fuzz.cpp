// Whatever a client sends: what is decoded lies inside the limits, is answered with JSON, and a publication's data
// passes through the server unchanged.
#include <cstdlib>
#include <string>

#include "codec/json.hpp"
#include "wire/encode.hpp"
#include "wire/envelope.hpp"
#include "wire/requests.hpp"

namespace {

using namespace plait;

void require(bool condition) {
  if (!condition) std::abort();
}

void require_json(std::string_view text) {
  static codec::JsonParser parser;
  require(parser.parse(text.substr(text.find('{'))).has_value());
}

void check_publish(const wire::Envelope& envelope) {
  const auto request = wire::decode_publish(envelope.payload);
  if (!request) return;
  Publication publication;
  publication.topic = Bytes::copy_of(request->topic);
  publication.payload = Bytes::copy_of(request->data);
  std::string out;
  wire::encode(out, envelope.form, publication);
  static codec::JsonParser parser;
  const auto parsed = parser.parse(std::string_view{out}.substr(out.find('{')));
  if (!parsed) return require(parsed.error() == codec::JsonError::too_deep);  // the envelope may be the level too many
  require(parsed->find("tp").as_string() == request->topic);
  require(parsed->find("p").raw() == request->data);
}

void check_subscription(const wire::Envelope& envelope) {
  const auto request = wire::decode_subscription(envelope.payload);
  if (!request) return;
  require(!request->topics.empty() && request->topics.size() <= wire::kRequestTopicsMax);
  std::vector<wire::TopicResult> results;
  for (const auto& topic : request->topics) {
    wire::TopicResult result;
    result.topic = topic.name;
    result.position = topic.since;
    results.push_back(result);
  }
  std::string out;
  wire::encode(out, {envelope.form, {}, {}, envelope.cid}, wire::SubscriptionUpdate{true, results, 100, 1});
  require_json(out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::EnvelopeDecoder decoder;
  const auto envelope = decoder.decode(as_text({data, size}));
  if (!envelope) {
    require(!wire::name_of(envelope.error()).empty());
    return 0;
  }
  require(!envelope->type.empty() && envelope->type.size() <= wire::kTypeBytesMax);
  require(envelope->cid.size() <= wire::kCidBytesMax);
  std::string out;
  wire::encode(out, {envelope->form, {}, {}, envelope->cid}, wire::decode_ping(envelope->payload));
  require_json(out);
  check_publish(*envelope);
  check_subscription(*envelope);
  return 0;
}
