#pragma once
/// Each column convolved over the rows with a few weights of its own: forward and backward.

#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

namespace operation {

namespace convolution {

/// The rows t for which row t + u - Kernel / 2 is one of `count`, tap u of a centred kernel: [begin, end).
struct range {
  extent_t begin, end;
};
template <extent_t Kernel>
LACUNA_HD constexpr range rows_of_tap(extent_t u, extent_t count) noexcept {
  constexpr extent_t half = Kernel / 2;
  const extent_t before = u < half ? half - u : 0, behind = u > half ? u - half : 0;
  return {before < count ? before : count, behind < count ? count - behind : 0};
}
/// Products of one column: `Kernel` per row, but for rows beyond the ends.
template <extent_t Kernel>
LACUNA_HD constexpr std::uint64_t products(extent_t count) noexcept {
  std::uint64_t total = 0;
  for (extent_t u = 0; u < Kernel; ++u) {
    const range rows = rows_of_tap<Kernel>(u, count);
    if (rows.begin < rows.end) total += rows.end - rows.begin;
  }
  return total;
}

}  // namespace convolution

/// y(t, c) += the sum over u of weight(c, u) x(t + u - kernel / 2, c).
struct convolve_rows {
  static constexpr auto name = fixed_string("convolve_rows");
  template <class Y, class X, class Weight>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X& x, const Weight&) noexcept {
    return convolution::products<Weight::inputs>(x.count) * X::columns;
  }
};
template <class Value, extent_t Columns, class Element, extent_t Kernel>
LACUNA_HD constexpr auto kernel(convolve_rows, rows<Value, Columns> y, rows<const Value, Columns> x,
                                matrix<const Element, Columns, Kernel> weight, const reference&) {
  for (extent_t u = 0; u < Kernel; ++u) {
    const convolution::range part = convolution::rows_of_tap<Kernel>(u, x.count);
    for (extent_t t = part.begin; t < part.end; ++t) {
      const Value* from = x.row(t + u - Kernel / 2);
      for (extent_t c = 0; c < Columns; ++c) y(t, c) += static_cast<Value>(widen(weight.row(c)[u])) * from[c];
    }
  }
  return ran_on<reference>{};
}

/// Adjoints of `convolve_rows`; both accumulate.
struct convolve_rows_backward {
  static constexpr auto name = fixed_string("convolve_rows_backward");
  template <class XAdjoint, class Gradient, class Y, class X, class Weight>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const XAdjoint&, const Gradient&, const Y& dy, const X&,
                                                         const Weight&) noexcept {
    return 2 * convolution::products<Weight::inputs>(dy.count) * Y::columns;
  }
};
template <class Value, extent_t Columns, class Element, extent_t Kernel>
LACUNA_HD constexpr auto kernel(convolve_rows_backward, rows<Value, Columns> dx, matrix<Value, Columns, Kernel> dweight,
                                rows<const Value, Columns> dy, rows<const Value, Columns> x,
                                matrix<const Element, Columns, Kernel> weight, const reference&) {
  for (extent_t u = 0; u < Kernel; ++u) {
    const convolution::range part = convolution::rows_of_tap<Kernel>(u, x.count);
    for (extent_t t = part.begin; t < part.end; ++t) {
      const extent_t source = t + u - Kernel / 2;
      for (extent_t c = 0; c < Columns; ++c) {
        dx(source, c) += static_cast<Value>(widen(weight.row(c)[u])) * dy(t, c);
        dweight.row(c)[u] += dy(t, c) * x(source, c);
      }
    }
  }
  return ran_on<reference>{};
}

}  // namespace operation

namespace rules {
template <bool Fine>
struct kernel_has_a_middle {
  static_assert(Fine, "lacuna::convolve_rows: the kernel has no middle (choose an odd length: 3, 5, ...)");
};
}  // namespace rules

namespace op {

/// y(t, c) += the sum over u of weight(c, u) x(t + u - kernel / 2, c), 0 beyond the ends: `(tokens, columns) x
/// (columns, kernel) -> (tokens, columns)`, `kernel` odd. At most tokens * columns * kernel multiply-adds; y does not
/// overlap x.
template <class Value, class Input, extent_t Columns, class Element, extent_t Kernel, class Backend>
LACUNA_HD constexpr auto convolve_rows(rows<Value, Columns> y, rows<Input, Columns> x,
                                       const tensor<Element, Columns, Kernel>& weight, const Backend& backend) {
  static_assert(__is_base_of(nothing, rules::kernel_has_a_middle < Kernel % 2 == 1 >) || true);
  return run_kernel(operation::convolve_rows{}, backend, y, readable(x), as_matrix(weight));
}

/// dx and the gradient of the weight, which accumulate; twice the cost of `convolve_rows`.
template <class Value, class Adjoint, class Input, extent_t Columns, class Element, extent_t Kernel, class Backend>
LACUNA_HD constexpr auto convolve_rows_backward(rows<Value, Columns> dx, tensor<Value, Columns, Kernel>& gradient,
                                                rows<Adjoint, Columns> dy, rows<Input, Columns> x,
                                                const tensor<Element, Columns, Kernel>& weight,
                                                const Backend& backend) {
  static_assert(__is_base_of(nothing, rules::kernel_has_a_middle < Kernel % 2 == 1 >) || true);
  return run_kernel(operation::convolve_rows_backward{}, backend, dx, matrix<Value, Columns, Kernel>(gradient.data),
                    readable(dy), readable(x), as_matrix(weight));
}

}  // namespace op

LACUNA_END
