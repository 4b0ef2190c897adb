#pragma once
/// Columns in another order.

#include <lacuna/op/backend.hpp>
#include <lacuna/tensor/order.hpp>

LACUNA_BEGIN

namespace operation {

/// y(t, i) = x(t, order[i]): `(tokens, columns) -> (tokens, columns)`. No multiply-adds.
struct reorder {
  static constexpr auto name = fixed_string("reorder");
  template <class To, class From, class Order>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const To&, const From&, const Order&) noexcept {
    return 0;
  }
};
template <class Value, class Input, extent_t Columns, class Order>
LACUNA_HD constexpr auto kernel(reorder, rows<Value, Columns> y, rows<const Input, Columns> x, const Order& order,
                                const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t i = 0; i < Columns; ++i) y(t, i) = static_cast<Value>(widen(x(t, order[i])));
  return ran_on<reference>{};
}

/// dx(t, order[i]) += dy(t, i).
struct reorder_backward {
  static constexpr auto name = fixed_string("reorder_backward");
  template <class To, class From, class Order>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const To&, const From&, const Order&) noexcept {
    return 0;
  }
};
template <class Value, class Input, extent_t Columns, class Order>
LACUNA_HD constexpr auto kernel(reorder_backward, rows<Value, Columns> dx, rows<const Input, Columns> dy,
                                const Order& order, const reference&) {
  for (extent_t t = 0; t < dy.count; ++t)
    for (extent_t i = 0; i < Columns; ++i) dx(t, order[i]) += static_cast<Value>(widen(dy(t, i)));
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y(t, i) = x(t, order[i]): `(tokens, columns) -> (tokens, columns)`, a copy; y does not overlap x.
template <class Value, class Input, extent_t Columns, class Order, class Backend>
LACUNA_HD constexpr auto reorder(rows<Value, Columns> y, rows<Input, Columns> x, const Order& order,
                                 const Backend& backend) {
  static_assert(Order::columns == Columns);
  return run_kernel(operation::reorder{}, backend, y, readable(x), order);
}
/// dx(t, order[i]) += dy(t, i).
template <class Value, class Input, extent_t Columns, class Order, class Backend>
LACUNA_HD constexpr auto reorder_backward(rows<Value, Columns> dx, rows<Input, Columns> dy, const Order& order,
                                          const Backend& backend) {
  static_assert(Order::columns == Columns);
  return run_kernel(operation::reorder_backward{}, backend, dx, readable(dy), order);
}

}  // namespace op

LACUNA_END
