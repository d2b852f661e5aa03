// Byte views and Bytes, the immutable shared slice that payloads travel in.
#pragma once

#include <plait/config.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace plait {

/// A view argument is valid until the call returns; a view given to a handler, until the handler returns.
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// One reference-counted allocation: this header, then `capacity` bytes. Made by Block::make or by a core::BufferPool.
/// The count is a plain read and write until share_between_threads() is called; from then on it is atomic.
struct PLAIT_API Block {
  std::atomic<std::uint32_t> reference_count{1};
  bool shared_between_threads = false;
  std::uint32_t size_class = 0;       ///< for the pool that made it
  std::size_t capacity = 0;           ///< bytes after this header
  void (*destroy)(Block*) = nullptr;  ///< called when the count reaches zero
  void* owner = nullptr;              ///< the pool, or null

  /// A block of its own from the heap; the count is 1. Never null (the process ends when memory is exhausted).
  static Block* make(std::size_t capacity);

  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  void retain();
  void release();
};

/// An immutable slice of a Block; copying shares it. Empty when default-constructed.
/// Copies belong to one thread until share_between_threads() was called on one of them.
class PLAIT_API Bytes {
 public:
  Bytes() = default;
  /// A new block with a copy of `data`.
  static Bytes copy_of(ByteView data);
  static Bytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }
  /// A slice of `block`, [data, data+size) inside it; takes one reference of its own.
  static Bytes share(Block& block, ByteView data);

  Bytes(const Bytes& other) : block_(other.block_), view_(other.view_) {
    if (block_ != nullptr) block_->retain();
  }
  Bytes(Bytes&& other) noexcept : block_(other.block_), view_(other.view_) {
    other.block_ = nullptr;
    other.view_ = {};
  }
  Bytes& operator=(Bytes other) noexcept {
    std::swap(block_, other.block_);
    std::swap(view_, other.view_);
    return *this;
  }
  ~Bytes() {
    if (block_ != nullptr) block_->release();
  }

  [[nodiscard]] ByteView view() const { return view_; }
  [[nodiscard]] std::string_view text() const { return as_text(view_); }
  [[nodiscard]] const std::uint8_t* data() const { return view_.data(); }
  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  /// The same block, a part of it. `offset + count` must lie inside.
  [[nodiscard]] Bytes slice(std::size_t offset, std::size_t count) const;
  /// Makes the count atomic. Call on the owning thread before another thread gets a copy.
  void share_between_threads();
  /// The block this is a slice of; null when empty.
  [[nodiscard]] Block* block() const;

 private:
  Block* block_ = nullptr;
  ByteView view_;
};

}  // namespace plait
