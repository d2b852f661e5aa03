#include "wire/envelope.hpp"

namespace plait::wire {
namespace {

using codec::JsonKind;
using codec::JsonValue;

// Takes WSE, S or U off the front if "{" follows.
bool take_prefix(std::string_view& message) {
  for (const std::string_view prefix : {"WSE{", "S{", "U{"}) {
    if (!message.starts_with(prefix)) continue;
    message.remove_prefix(prefix.size() - 1);
    return true;
  }
  return false;
}

// Leading bytes of encodings that spec/protocol.md §2.3 reserves.
bool is_reserved_encoding(std::string_view message) {
  return message.starts_with("C:") || message.starts_with("M:") || message.starts_with("E:") ||
         message.starts_with('\x78');
}

JsonValue find_either(JsonValue object, std::string_view name, std::string_view alias) {
  const JsonValue value = object.find(name);
  return value ? value : object.find(alias);
}

Result<std::string_view, Error> read_type(JsonValue object) {
  const JsonValue value = find_either(object, "t", "type");
  if (!value) return err(Error::type_missing);
  const auto type = value.as_string();
  if (!type || type->empty() || type->size() > kTypeBytesMax) return err(Error::type_invalid);
  return *type;
}

Result<std::string_view, Error> read_cid(JsonValue object) {
  const JsonValue value = object.find("cid");
  if (!value || value.is_null()) return std::string_view{};
  const auto cid = value.as_string();
  if (!cid || cid->size() > kCidBytesMax) return err(Error::cid_invalid);
  return *cid;
}

Result<Priority, Error> read_priority(JsonValue object) {
  const JsonValue value = object.find("pri");
  if (!value) return Priority::normal;
  switch (value.as_uint64().value_or(0)) {
    case 1:
      return Priority::background;
    case 3:
      return Priority::low;
    case 5:
      return Priority::normal;
    case 8:
      return Priority::high;
    case 10:
      return Priority::critical;
    default:
      return err(Error::priority_invalid);
  }
}

}  // namespace

Result<Envelope, Error> EnvelopeDecoder::decode(std::string_view message) {
  Envelope envelope;
  cid_ = {};
  if (take_prefix(message)) {
    envelope.form = Form::prefix;
  } else if (is_reserved_encoding(message)) {
    return err(Error::unsupported_encoding);
  }
  const auto parsed = parser_.parse(message);
  if (!parsed) return err(Error::not_json);
  if (parsed->kind() != JsonKind::object) return err(Error::not_an_object);

  const auto cid = read_cid(*parsed);
  if (cid) cid_ = *cid;
  const auto type = read_type(*parsed);
  if (!type) return err(type.error());
  envelope.type = *type;
  envelope.payload = find_either(*parsed, "p", "payload");
  const JsonKind payload_kind = envelope.payload.kind();
  if (payload_kind != JsonKind::object && payload_kind != JsonKind::absent) return err(Error::payload_invalid);
  if (!cid) return err(cid.error());
  envelope.cid = *cid;
  const auto priority = read_priority(*parsed);
  if (!priority) return err(priority.error());
  envelope.priority = *priority;
  return envelope;
}

}  // namespace plait::wire
