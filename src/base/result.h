// Result<T, E>: a value or a reason. The only place that knows tl::expected.
//
// tl::expected 1.0.0 without exceptions leaves value() on an error and an unchecked *r undefined and is not
// [[nodiscard]]; this wrapper has no value(), aborts on a wrong access and is [[nodiscard]].
#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "base/check.h"

namespace doze {

template <class E>
struct Failure {
  E error;
};
template <class E>
Failure(E) -> Failure<E>;

/// fail(reason) converts to any Result with that error type.
template <class E>
[[nodiscard]] Failure<std::decay_t<E>> fail(E&& error) {
  return {std::forward<E>(error)};
}

template <class T, class E>
class [[nodiscard]] Result {
 public:
  Result(T value) : inner_(std::move(value)) {}
  template <class F>
    requires std::is_constructible_v<E, F>
  Result(Failure<F> failure) : inner_(tl::unexpect, std::move(failure.error)) {}

  [[nodiscard]] bool has_value() const { return inner_.has_value(); }
  explicit operator bool() const { return inner_.has_value(); }

  T& operator*() & { return checked(), *inner_; }
  const T& operator*() const& { return checked(), *inner_; }
  T&& operator*() && { return checked(), *std::move(inner_); }
  T* operator->() { return checked(), &*inner_; }
  const T* operator->() const { return checked(), &*inner_; }
  [[nodiscard]] const E& error() const& {
    LN_ASSERT(!inner_.has_value());
    return inner_.error();
  }
  [[nodiscard]] E&& error() && {
    LN_ASSERT(!inner_.has_value());
    return std::move(inner_.error());
  }

 private:
  void checked() const { LN_ASSERT(inner_.has_value()); }
  tl::expected<T, E> inner_;
};

/// A Result that carries no value on success.
struct Done {
  friend bool operator==(Done, Done) = default;
};
template <class E>
using Status = Result<Done, E>;

#define LN_CONCAT_INNER(a, b) a##b
#define LN_CONCAT(a, b) LN_CONCAT_INNER(a, b)
/// LN_TRY(name, expression): bind the value to `name`, or return the failure from the enclosing function.
#define LN_TRY(name, expression)                                                                     \
  auto LN_CONCAT(try_, __LINE__) = (expression);                                                     \
  if (!LN_CONCAT(try_, __LINE__)) return ::doze::fail(std::move(LN_CONCAT(try_, __LINE__)).error()); \
  auto name = *std::move(LN_CONCAT(try_, __LINE__))
/// LN_CHECK(expression): return the failure of a Status from the enclosing function.
#define LN_CHECK(expression)                                             \
  do {                                                                   \
    auto try_status = (expression);                                      \
    if (!try_status) return ::doze::fail(std::move(try_status).error()); \
  } while (false)

}  // namespace doze
