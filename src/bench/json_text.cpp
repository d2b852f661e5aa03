#include "bench/json_text.hpp"

#include <tuple>

#include "codec/json_writer.hpp"

namespace plait::bench {
namespace {

void append(std::string& out, const Value& value, int indent, int depth) {
  const auto break_line = [&](int level) {
    const int spaces = indent * level;
    if (indent > 0) out.append(1, '\n').append(static_cast<std::size_t>(spaces), ' ');
  };
  const std::size_t begin = out.size() + 1;
  if (const auto* members = value.as_object()) {
    out += '{';
    for (const Value::Member& member : *members) {
      if (out.size() > begin) out += ',';
      break_line(depth + 1);
      codec::append_json_string(out, member.name);
      out += indent > 0 ? ": " : ":";
      append(out, member.value, indent, depth + 1);
    }
    break_line(depth);
    out += '}';
  } else if (const auto* elements = value.as_array()) {
    out += '[';
    for (const Value& element : *elements) {
      if (out.size() > begin) out += indent > 0 ? ", " : ",";
      append(out, element, 0, depth);
    }
    out += ']';
  } else if (const auto* text = value.as_string()) {
    codec::append_json_string(out, *text);
  } else {
    std::ignore = encode(Format::json, value, out);  // null, a boolean or a number: all have JSON
  }
}

}  // namespace

std::string json_text(const Value& value, int indent) {
  std::string out;
  append(out, value, indent, 0);
  return out;
}

Value array_of(const std::vector<double>& numbers) { return Value::Array(numbers.begin(), numbers.end()); }

std::vector<double> numbers_of(const Value& array) {
  std::vector<double> out;
  if (const auto* elements = array.as_array()) {
    for (const Value& element : *elements) out.push_back(element.as_double().value_or(0));
  }
  return out;
}

}  // namespace plait::bench
