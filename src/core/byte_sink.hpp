// ByteSink: where encoders and TLS append the bytes that are to leave. The transports' gathered output is one.
#pragma once

#include <plait/bytes.hpp>

#include <cstring>
#include <vector>

namespace plait::core {

class ByteSink {
 public:
  /// At least `size` writable bytes; commit() what was written before the next call.
  virtual MutableByteView reserve(std::size_t size) = 0;
  virtual void commit(std::size_t size) = 0;

  void append(ByteView data) {
    if (data.empty()) return;
    std::memcpy(reserve(data.size()).data(), data.data(), data.size());
    commit(data.size());
  }

 protected:
  ~ByteSink() = default;
};

/// A sink for tests and for what is rarely written.
class VectorSink final : public ByteSink {
 public:
  MutableByteView reserve(std::size_t size) override {
    bytes.resize(committed_ + size);
    return {bytes.data() + committed_, size};
  }
  void commit(std::size_t size) override {
    committed_ += size;
    bytes.resize(committed_);
  }
  void clear() {
    bytes.clear();
    committed_ = 0;
  }
  std::vector<std::uint8_t> bytes;

 private:
  std::size_t committed_ = 0;
};

}  // namespace plait::core
