#pragma once
/// Rows become columns: series as rows, and back.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

namespace operation {

/// y(i, j) = x(j, i). No multiply-adds.
struct transpose {
  static constexpr auto name = fixed_string("transpose");
  template <class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X&) noexcept {
    return 0;
  }
};
template <class Value, class Input, extent_t To, extent_t From>
LACUNA_HD constexpr auto kernel(transpose, rows<Value, To> y, rows<const Input, From> x, const reference&) {
  for (extent_t i = 0; i < y.count; ++i)
    for (extent_t j = 0; j < To; ++j) y(i, j) = static_cast<Value>(widen(x(j, i)));
  return ran_on<reference>{};
}

/// y(i, j) += x(j, i). No multiply-adds.
struct add_transposed {
  static constexpr auto name = fixed_string("add_transposed");
  template <class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X&) noexcept {
    return 0;
  }
};
template <class Value, class Input, extent_t To, extent_t From>
LACUNA_HD constexpr auto kernel(add_transposed, rows<Value, To> y, rows<const Input, From> x, const reference&) {
  for (extent_t i = 0; i < y.count; ++i)
    for (extent_t j = 0; j < To; ++j) y(i, j) += static_cast<Value>(widen(x(j, i)));
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y(i, j) = x(j, i): `(tokens, columns) -> (columns, tokens)`. x has as many rows as y has columns.
template <class Value, class Input, extent_t To, extent_t From, class Backend>
LACUNA_HD constexpr auto transpose(rows<Value, To> y, rows<Input, From> x, const Backend& backend) {
  return run_kernel(operation::transpose{}, backend, y, readable(x));
}
/// y(i, j) += x(j, i): the adjoint of `transpose`, of the same shapes.
template <class Value, class Input, extent_t To, extent_t From, class Backend>
LACUNA_HD constexpr auto add_transposed(rows<Value, To> y, rows<Input, From> x, const Backend& backend) {
  return run_kernel(operation::add_transposed{}, backend, y, readable(x));
}

}  // namespace op

LACUNA_END
