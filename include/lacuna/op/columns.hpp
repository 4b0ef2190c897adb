#pragma once
/// Some columns of wider rows: taken out, and added back.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

namespace operation {

/// y(t, i) = x(t, first + i): `(tokens, columns) -> (tokens, some columns)`. No multiply-adds.
struct copy_columns {
  static constexpr auto name = fixed_string("copy_columns");
  template <class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X&, extent_t) noexcept {
    return 0;
  }
};
template <class Value, class Input, extent_t Some, extent_t Columns>
LACUNA_HD constexpr auto kernel(copy_columns, rows<Value, Some> y, rows<const Input, Columns> x, extent_t first,
                                const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t i = 0; i < Some; ++i) y(t, i) = static_cast<Value>(widen(x(t, first + i)));
  return ran_on<reference>{};
}

/// y(t, first + i) += x(t, i): `(tokens, some columns) -> (tokens, columns)`. No multiply-adds.
struct add_columns {
  static constexpr auto name = fixed_string("add_columns");
  template <class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X&, extent_t) noexcept {
    return 0;
  }
};
template <class Value, class Input, extent_t Some, extent_t Columns>
LACUNA_HD constexpr auto kernel(add_columns, rows<Value, Columns> y, rows<const Input, Some> x, extent_t first,
                                const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t i = 0; i < Some; ++i) y(t, first + i) += static_cast<Value>(widen(x(t, i)));
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y(t, i) = x(t, first + i) for all columns of y; `first` plus these are at most the columns of x.
template <class Value, class Input, extent_t Some, extent_t Columns, class Backend>
LACUNA_HD constexpr auto copy_columns(rows<Value, Some> y, rows<Input, Columns> x, extent_t first,
                                      const Backend& backend) {
  static_assert(Some <= Columns);
  return run_kernel(operation::copy_columns{}, backend, y, readable(x), first);
}
/// y(t, first + i) += x(t, i) for all columns of x; `first` plus these are at most the columns of y.
template <class Value, class Input, extent_t Some, extent_t Columns, class Backend>
LACUNA_HD constexpr auto add_columns(rows<Value, Columns> y, rows<Input, Some> x, extent_t first,
                                     const Backend& backend) {
  static_assert(Some <= Columns);
  return run_kernel(operation::add_columns{}, backend, y, readable(x), first);
}

}  // namespace op

LACUNA_END
