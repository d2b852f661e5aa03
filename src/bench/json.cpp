#include "bench/json.hpp"

#include <string>
#include <utility>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace plait::bench {
namespace {

Json json_of(codec::JsonValue value) {
  switch (value.kind()) {
    case codec::JsonKind::boolean:
      return {*value.as_bool()};
    case codec::JsonKind::number:
      return {*value.as_double()};
    case codec::JsonKind::string:
      return {std::string{*value.as_string()}};
    case codec::JsonKind::array: {
      Json::Array items;
      for (const codec::JsonValue item : value.elements()) items.push_back(json_of(item));
      return {std::move(items)};
    }
    case codec::JsonKind::object: {
      Json::Object members;
      for (const codec::JsonMember& member : value.members()) {
        members.emplace_back(member.name, json_of(member.value));
      }
      return {std::move(members)};
    }
    default:
      return {};
  }
}

}  // namespace

void Json::set(std::string name, Json value) {
  if (is_null()) value_ = Object{};
  if (auto* members = std::get_if<Object>(&value_)) members->emplace_back(std::move(name), std::move(value));
}

const Json& Json::operator[](std::string_view name) const {
  static const Json kNull;
  if (const auto* members = std::get_if<Object>(&value_)) {
    for (const auto& [key, value] : *members) {
      if (key == name) return value;
    }
  }
  return kNull;
}

double Json::number_or(double other) const {
  const auto* value = std::get_if<double>(&value_);
  return value == nullptr ? other : *value;
}

std::string Json::text_or(const std::string& other) const {
  const auto* value = std::get_if<std::string>(&value_);
  return value == nullptr ? other : *value;
}

bool Json::bool_or(bool other) const {
  const auto* value = std::get_if<bool>(&value_);
  return value == nullptr ? other : *value;
}

std::vector<double> Json::numbers() const {
  std::vector<double> out;
  for (const Json& item : items()) out.push_back(item.number_or(0));
  return out;
}

const Json::Array& Json::items() const {
  static const Array kNone;
  const auto* value = std::get_if<Array>(&value_);
  return value == nullptr ? kNone : *value;
}

std::string Json::dump(int indent) const {
  std::string out;
  write(out, indent, 0);
  return out;
}

Result<Json, Error> Json::parse(std::string_view text) {
  codec::JsonParser parser;
  const auto value = parser.parse(text);
  if (!value) return err(Error{"JSON: " + std::string{describe(value.error())}});
  return json_of(*value);
}

void Json::write(std::string& out, int indent, int depth) const {
  const auto break_line = [&](int level) {
    if (indent > 0) out.append(1, '\n').append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(level), ' ');
  };
  if (is_null()) {
    out += "null";
  } else if (const auto* flag = std::get_if<bool>(&value_)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<double>(&value_)) {
    codec::JsonWriter{out}.value(*number);
  } else if (const auto* text = std::get_if<std::string>(&value_)) {
    codec::append_json_string(out, *text);
  } else if (const auto* array = std::get_if<Array>(&value_)) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += indent > 0 ? ", " : ",";
      (*array)[i].write(out, 0, depth);
    }
    out += ']';
  } else if (const auto* object = std::get_if<Object>(&value_)) {
    out += '{';
    for (std::size_t i = 0; i < object->size(); ++i) {
      if (i > 0) out += ',';
      break_line(depth + 1);
      codec::append_json_string(out, (*object)[i].first);
      out += indent > 0 ? ": " : ":";
      (*object)[i].second.write(out, indent, depth + 1);
    }
    break_line(depth);
    out += '}';
  }
}

}  // namespace plait::bench
