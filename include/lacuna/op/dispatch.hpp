#pragma once
/// Rows to the experts that they were assigned to, and back.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// Some assignments of tokens to one expert, by ascending token. Assignment t * Chosen + j is the j-th choice of token
/// t.
template <extent_t Chosen>
struct assignments {
  const std::uint32_t* data = nullptr;
  extent_t count = 0;
  LACUNA_HD constexpr extent_t token(extent_t row) const noexcept { return data[row] / Chosen; }
  LACUNA_HD constexpr extent_t choice(extent_t row) const noexcept { return data[row] % Chosen; }
};

namespace operation {

/// What all operations of this page cost: nothing that is counted.
struct moves_rows {
  template <class... Arguments>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Arguments&...) noexcept {
    return 0;  // elementwise work is not counted as multiply-adds
  }
};

/// to(r) = x(token of r).
struct dispatch : moves_rows {
  static constexpr auto name = fixed_string("dispatch");
};
template <class Value, extent_t Columns, extent_t Chosen>
LACUNA_HD constexpr auto kernel(dispatch, rows<Value, Columns> to, rows<const Value, Columns> x,
                                const assignments<Chosen>& of, const reference&) {
  for (extent_t r = 0; r < of.count; ++r)
    for (extent_t c = 0; c < Columns; ++c) to(r, c) = x(of.token(r), c);
  return ran_on<reference>{};
}

/// dx(token of r) += dto(r).
struct dispatch_backward : moves_rows {
  static constexpr auto name = fixed_string("dispatch_backward");
};
template <class Value, extent_t Columns, extent_t Chosen>
LACUNA_HD constexpr auto kernel(dispatch_backward, rows<Value, Columns> dx, rows<const Value, Columns> dto,
                                const assignments<Chosen>& of, const reference&) {
  for (extent_t r = 0; r < of.count; ++r)
    for (extent_t c = 0; c < Columns; ++c) dx(of.token(r), c) += dto(r, c);
  return ran_on<reference>{};
}

/// y(token of r) += gate of r * from(r).
struct combine : moves_rows {
  static constexpr auto name = fixed_string("combine");
};
template <class Value, extent_t Columns, extent_t Chosen>
LACUNA_HD constexpr auto kernel(combine, rows<Value, Columns> y, rows<const Value, Columns> from,
                                rows<const Value, Chosen> gate, const assignments<Chosen>& of, const reference&) {
  for (extent_t r = 0; r < of.count; ++r) {
    const Value g = gate(of.token(r), of.choice(r));
    for (extent_t c = 0; c < Columns; ++c) y(of.token(r), c) += g * from(r, c);
  }
  return ran_on<reference>{};
}

/// dfrom(r) = gate of r * dy(token of r), dgate of r = the product of dy(token of r) and from(r).
struct combine_backward : moves_rows {
  static constexpr auto name = fixed_string("combine_backward");
};
template <class Value, extent_t Columns, extent_t Chosen>
LACUNA_HD constexpr auto kernel(combine_backward, rows<Value, Columns> dfrom, rows<Value, Chosen> dgate,
                                rows<const Value, Columns> dy, rows<const Value, Columns> from,
                                rows<const Value, Chosen> gate, const assignments<Chosen>& of, const reference&) {
  for (extent_t r = 0; r < of.count; ++r) {
    const extent_t t = of.token(r);
    const Value g = gate(t, of.choice(r));
    Value sum = 0;
    for (extent_t c = 0; c < Columns; ++c) {
      sum += dy(t, c) * from(r, c);
      dfrom(r, c) = g * dy(t, c);
    }
    dgate(t, of.choice(r)) = sum;
  }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// Row r of `to` becomes the row of x that assignment r names: `(tokens, columns) -> (assignments, columns)`.
template <class Value, extent_t Columns, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto dispatch(rows<Value, Columns> to, rows<Value, Columns> x, const assignments<Chosen>& of,
                                  const Backend& backend) {
  return run_kernel(operation::dispatch{}, backend, to, readable(x), of);
}
/// The adjoint of `dispatch`: dx accumulates.
template <class Value, extent_t Columns, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto dispatch_backward(rows<Value, Columns> dx, rows<Value, Columns> dto,
                                           const assignments<Chosen>& of, const Backend& backend) {
  return run_kernel(operation::dispatch_backward{}, backend, dx, readable(dto), of);
}
/// y += gate * row, for the token of every assignment: `(assignments, columns) -> (tokens, columns)`, in order.
template <class Value, extent_t Columns, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto combine(rows<Value, Columns> y, rows<Value, Columns> from, rows<Value, Chosen> gate,
                                 const assignments<Chosen>& of, const Backend& backend) {
  return run_kernel(operation::combine{}, backend, y, readable(from), readable(gate), of);
}
/// The adjoints of `combine` for the rows and for the gates of these assignments, both written.
template <class Value, extent_t Columns, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto combine_backward(rows<Value, Columns> dfrom, rows<Value, Chosen> dgate,
                                          rows<Value, Columns> dy, rows<Value, Columns> from, rows<Value, Chosen> gate,
                                          const assignments<Chosen>& of, const Backend& backend) {
  return run_kernel(operation::combine_backward{}, backend, dfrom, dgate, readable(dy), readable(from), readable(gate),
                    of);
}

}  // namespace op

LACUNA_END
