// Expected<T, E>: a value or the error why there is none.
//
// The subset of C++23's std::expected that this project uses (GCC 12 has none in C++20), with the
// same names, so that a later compiler can take over. Expected failures are values; bugs are
// assertions: value() without a value and error() without an error end the process.
#pragma once

#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace socketmesh {

// Wraps an error on its way into an Expected: `return Unexpected{"port is out of range"};`
template <typename E>
class Unexpected {
 public:
  explicit Unexpected(E error) : error_(std::move(error)) {}
  E& error() & { return error_; }
  E&& error() && { return std::move(error_); }
  const E& error() const& { return error_; }

 private:
  E error_;
};

Unexpected(const char*) -> Unexpected<std::string>;

template <typename T, typename E = std::string>
class [[nodiscard]] Expected {
  static_assert(!std::is_reference_v<T> && !std::is_reference_v<E>);

 public:
  using value_type = T;
  using error_type = E;

  // Implicit on purpose, as in the standard: `return value;` and `return Unexpected{...};`.
  template <typename U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Expected>)
  Expected(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT
  template <typename G>
    requires(std::is_constructible_v<E, G &&>)
  Expected(Unexpected<G> unexpected)  // NOLINT
      : state_(std::in_place_index<1>, std::move(unexpected).error()) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return *checked(std::get_if<0>(&state_)); }
  const T& value() const& { return *checked(std::get_if<0>(&state_)); }
  T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }
  E& error() & { return *checked(std::get_if<1>(&state_)); }
  const E& error() const& { return *checked(std::get_if<1>(&state_)); }
  E&& error() && { return std::move(*checked(std::get_if<1>(&state_))); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  template <typename U>
  T value_or(U&& fallback) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
  }

 private:
  template <typename P>
  static P* checked(P* pointer) {
    if (pointer == nullptr) std::abort();
    return pointer;
  }

  std::variant<T, E> state_;
};

// Success without a value, or an error: `return {};` or `return Unexpected{...};`.
template <typename E>
class [[nodiscard]] Expected<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  Expected() = default;
  template <typename G>
    requires(std::is_constructible_v<E, G &&>)
  Expected(Unexpected<G> unexpected)  // NOLINT
      : state_(std::in_place_index<1>, std::move(unexpected).error()) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  const E& error() const& {
    if (has_value()) std::abort();
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<std::monostate, E> state_;
};

}  // namespace socketmesh
