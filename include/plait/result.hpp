// Result<T, E>: a value or an error, with the member names of std::expected (which gcc 12 has only in C++23).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace plait {

/// Wraps an error so that `return err(Error::kX);` converts to any Result with that error type.
template <class E>
struct Unexpected {
  E error;
};

template <class E>
[[nodiscard]] Unexpected<std::decay_t<E>> err(E&& error) {
  return {std::forward<E>(error)};
}

namespace detail {
inline void require(bool present) {
  if (!present) __builtin_trap();
}
}  // namespace detail

/// A T, or the E that says why there is none. Throws nothing and allocates nothing itself.
/// Calling value() without a value, or error() without an error, is a programmer's error and ends the process.
template <class T, class E>
class [[nodiscard]] Result {
 public:
  Result(T value) : storage_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  template <class G>
  Result(Unexpected<G> unexpected)  // NOLINT(google-explicit-constructor)
      : storage_(std::in_place_index<1>, std::move(unexpected.error)) {}

  [[nodiscard]] bool has_value() const { return storage_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    detail::require(has_value());
    return *std::get_if<0>(&storage_);
  }
  const T& value() const& {
    detail::require(has_value());
    return *std::get_if<0>(&storage_);
  }
  T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T other) const { return has_value() ? value() : std::move(other); }

  E& error() {
    detail::require(!has_value());
    return *std::get_if<1>(&storage_);
  }
  const E& error() const {
    detail::require(!has_value());
    return *std::get_if<1>(&storage_);
  }

 private:
  std::variant<T, E> storage_;
};

/// Success without a value, or an error.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  template <class G>
  Result(Unexpected<G> unexpected) : error_(std::move(unexpected.error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  E& error() {
    detail::require(!has_value());
    return *error_;
  }
  const E& error() const {
    detail::require(!has_value());
    return *error_;
  }

 private:
  std::optional<E> error_;
};

/// What the public API's set-up calls fail with: a sentence for a person that names the option and the fix,
/// the errno it came from (0 if none), and of a server that refused something its status, as HTTP numbers them (else
/// 0).
struct Error {
  std::string message;
  int system_errno = 0;
  int status = 0;
};

}  // namespace plait
