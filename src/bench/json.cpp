#include "bench/json.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace plait::bench {

namespace {

constexpr int kDepthMax = 64;

void write_string(std::string& out, std::string_view text) {
  constexpr const char* kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void write_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char buffer[32];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, written.ptr);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto push = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | code >> 6);
    push(0x80 | (code & 0x3F));
  } else {
    push(0xE0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  }
}

/// Recursive descent over one document.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Json, Error> document() {
    Json json;
    if (!value(json, 0) || (skip_space(), at_ != text_.size())) {
      return err(Error{"JSON: unexpected text at byte " + std::to_string(at_)});
    }
    return json;
  }

 private:
  bool value(Json& out, int depth) {
    if (depth > kDepthMax) return false;
    skip_space();
    if (at_ == text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return object(out, depth);
      case '[':
        return array(out, depth);
      case '"':
        return string_value(out);
      default:
        return word(out) || number(out);
    }
  }

  bool object(Json& out, int depth) {
    Json::Object members;
    ++at_;
    if (take('}')) return out = Json{std::move(members)}, true;
    do {
      std::string name;
      Json member;
      skip_space();
      if (!string(name) || !take(':') || !value(member, depth + 1)) return false;
      members.emplace_back(std::move(name), std::move(member));
    } while (take(','));
    out = Json{std::move(members)};
    return take('}');
  }

  bool array(Json& out, int depth) {
    Json::Array items;
    ++at_;
    if (take(']')) return out = Json{std::move(items)}, true;
    do {
      Json item;
      if (!value(item, depth + 1)) return false;
      items.push_back(std::move(item));
    } while (take(','));
    out = Json{std::move(items)};
    return take(']');
  }

  bool string_value(Json& out) {
    std::string text;
    if (!string(text)) return false;
    out = Json{std::move(text)};
    return true;
  }

  bool string(std::string& out) {
    if (at_ == text_.size() || text_[at_] != '"') return false;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') return ++at_, true;
      if (text_[at_] != '\\') {
        out += text_[at_];
      } else if (++at_; !escape(out)) {
        return false;
      }
    }
    return false;
  }

  bool escape(std::string& out) {
    if (at_ == text_.size()) return false;
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const auto index = kNames.find(text_[at_]); index != std::string_view::npos) {
      out += kMeanings[index];
      return true;
    }
    if (text_[at_] != 'u' || text_.size() - at_ < 5) return false;
    std::uint32_t code = 0;
    const char* digits = text_.data() + at_ + 1;
    const auto [end, error] = std::from_chars(digits, digits + 4, code, 16);
    if (error != std::errc{} || end != digits + 4) return false;
    append_utf8(out, code);
    at_ += 4;
    return true;
  }

  bool word(Json& out) {
    const std::string_view rest = text_.substr(at_);
    const auto is = [&](std::string_view name, Json meaning) {
      if (!rest.starts_with(name)) return false;
      at_ += name.size();
      out = std::move(meaning);
      return true;
    };
    return is("true", Json{true}) || is("false", Json{false}) || is("null", Json{});
  }

  bool number(Json& out) {
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{}) return false;
    at_ = static_cast<std::size_t>(end - text_.data());
    out = Json{value};
    return true;
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool take(char expected) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

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

Result<Json, Error> Json::parse(std::string_view text) { return Reader(text).document(); }

void Json::write(std::string& out, int indent, int depth) const {
  const auto break_line = [&](int level) {
    if (indent > 0) out.append(1, '\n').append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(level), ' ');
  };
  if (is_null()) {
    out += "null";
  } else if (const auto* flag = std::get_if<bool>(&value_)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<double>(&value_)) {
    write_number(out, *number);
  } else if (const auto* text = std::get_if<std::string>(&value_)) {
    write_string(out, *text);
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
      write_string(out, (*object)[i].first);
      out += indent > 0 ? ": " : ":";
      (*object)[i].second.write(out, indent, depth + 1);
    }
    break_line(depth);
    out += '}';
  }
}

}  // namespace plait::bench
