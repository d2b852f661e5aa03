// plait::Value as JSON.
#pragma once

#include <plait/value.hpp>

#include <string>

namespace plait::codec {

/// After an error, part of `value` has been appended.
Result<void, FormatError> encode_json(const Value& value, std::string& out);
Result<Value, FormatError> decode_json(ByteView text);

}  // namespace plait::codec
