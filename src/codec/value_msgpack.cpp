#include "codec/value_msgpack.hpp"

#include <msgpack.hpp>

#include "codec/utf8.hpp"

namespace plait::codec {
namespace {

struct StringSink {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

class MsgpackEncoder {
 public:
  explicit MsgpackEncoder(StringSink& sink) : packer_(sink) {}

  Result<void, FormatError> encode(const Value& value) {
    return value.visit([this](const auto& contents) { return write(contents); });
  }

 private:
  Result<void, FormatError> write(std::monostate) {
    packer_.pack_nil();
    return {};
  }
  Result<void, FormatError> write(bool boolean) {
    boolean ? packer_.pack_true() : packer_.pack_false();
    return {};
  }
  Result<void, FormatError> write(std::int64_t number) {
    packer_.pack_int64(number);
    return {};
  }
  Result<void, FormatError> write(std::uint64_t number) {
    packer_.pack_uint64(number);
    return {};
  }
  Result<void, FormatError> write(double number) {
    packer_.pack_double(number);
    return {};
  }
  Result<void, FormatError> write(const std::string& text) {
    if (!is_utf8(as_bytes(text))) return err(FormatError::not_utf8);
    if (text.size() > UINT32_MAX) return err(FormatError::unrepresentable);
    packer_.pack_str(static_cast<std::uint32_t>(text.size()));
    packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
    return {};
  }
  Result<void, FormatError> write(const Value::Binary& binary) {
    if (binary.size() > UINT32_MAX) return err(FormatError::unrepresentable);
    packer_.pack_bin(static_cast<std::uint32_t>(binary.size()));
    packer_.pack_bin_body(as_text(binary).data(), static_cast<std::uint32_t>(binary.size()));
    return {};
  }
  Result<void, FormatError> write(const Value::Array& elements) {
    if (depth_ == kMsgpackDepthMax) return err(FormatError::too_deep);
    if (elements.size() > UINT32_MAX) return err(FormatError::unrepresentable);
    ++depth_;
    packer_.pack_array(static_cast<std::uint32_t>(elements.size()));
    for (const Value& element : elements) {
      if (auto written = encode(element); !written) return written;
    }
    --depth_;
    return {};
  }
  Result<void, FormatError> write(const Value::Object& members) {
    if (depth_ == kMsgpackDepthMax) return err(FormatError::too_deep);
    if (members.size() > UINT32_MAX) return err(FormatError::unrepresentable);
    ++depth_;
    packer_.pack_map(static_cast<std::uint32_t>(members.size()));
    for (const Value::Member& member : members) {
      if (auto written = write(member.name); !written) return written;
      if (auto written = encode(member.value); !written) return written;
    }
    --depth_;
    return {};
  }

  msgpack::packer<StringSink> packer_;
  std::size_t depth_ = 0;
};

// Builds the value from the library's events. The open arrays and objects lie in a stack of their own and are put into
// their parents when they end, so that nothing points into a vector that grows.
class Decoder : public msgpack::null_visitor {
 public:
  [[nodiscard]] FormatError error() const { return error_; }
  Value take() { return std::move(result_); }

  bool visit_nil() { return put({}); }
  bool visit_boolean(bool boolean) { return put(boolean); }
  bool visit_positive_integer(std::uint64_t number) { return put(number); }
  bool visit_negative_integer(std::int64_t number) { return put(number); }
  bool visit_float32(float number) { return put(static_cast<double>(number)); }
  bool visit_float64(double number) { return put(number); }
  bool visit_str(const char* data, std::uint32_t size) {
    const std::string_view text{data, size};
    if (!is_utf8(as_bytes(text))) return fail(FormatError::not_utf8);
    if (!in_key_) return put(text);
    open_.back().members.push_back({std::string{text}, {}});
    return true;
  }
  bool visit_bin(const char* data, std::uint32_t size) {
    const ByteView binary = as_bytes({data, size});
    return put(Value::Binary{binary.begin(), binary.end()});
  }
  bool visit_ext(const char*, std::uint32_t) { return fail(FormatError::unrepresentable); }

  bool start_array(std::uint32_t) { return open(false); }
  bool end_array() { return close(); }
  bool start_map(std::uint32_t) { return open(true); }
  bool start_map_key() {
    in_key_ = true;
    return true;
  }
  bool end_map_key() {
    in_key_ = false;
    return true;
  }
  bool end_map() { return close(); }

 private:
  struct Container {
    bool is_object = false;
    Value::Array elements;
    Value::Object members;
  };

  bool fail(FormatError error) {
    error_ = error;
    return false;
  }
  bool put(Value value) {
    if (in_key_) return fail(FormatError::key_not_text);
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().members.back().value = std::move(value);
    } else {
      open_.back().elements.push_back(std::move(value));
    }
    return true;
  }
  bool open(bool is_object) {
    if (in_key_) return fail(FormatError::key_not_text);
    if (open_.size() == kMsgpackDepthMax) return fail(FormatError::too_deep);
    open_.emplace_back().is_object = is_object;
    return true;
  }
  bool close() {
    Container container = std::move(open_.back());
    open_.pop_back();
    if (container.is_object) return put(std::move(container.members));
    return put(std::move(container.elements));
  }

  FormatError error_ = FormatError::malformed;
  bool in_key_ = false;
  std::vector<Container> open_;
  Value result_;
};

}  // namespace

Result<void, FormatError> encode_msgpack(const Value& value, std::string& out) {
  StringSink sink{out};
  return MsgpackEncoder{sink}.encode(value);
}

Result<Value, FormatError> decode_msgpack(ByteView data) {
  Decoder decoder;
  const std::string_view text = as_text(data);
  std::size_t offset = 0;
  try {
    if (!msgpack::parse(text.data(), text.size(), offset, decoder)) return err(decoder.error());
  } catch (const msgpack::unpack_error&) {  // an extension of 4 GiB
    return err(FormatError::unrepresentable);
  }
  if (offset != text.size()) return err(FormatError::malformed);
  return decoder.take();
}

}  // namespace plait::codec
