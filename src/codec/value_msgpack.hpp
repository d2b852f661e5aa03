// plait::Value as MessagePack (github.com/msgpack/msgpack, spec.md), without extension types.
#pragma once

#include <plait/value.hpp>

#include <string>

namespace plait::codec {

/// Arrays and maps in one another.
inline constexpr std::size_t kMsgpackDepthMax = 64;

/// Each number in the fewest bytes. After an error, part of `value` has been appended.
Result<void, FormatError> encode_msgpack(const Value& value, std::string& out);
/// Counts that the data claims allocate nothing: memory is taken for what is really there.
Result<Value, FormatError> decode_msgpack(ByteView data);

}  // namespace plait::codec
