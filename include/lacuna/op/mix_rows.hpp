#pragma once
/// Mixes rows along the sequence: new rows, each a weighted sum of all rows.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

namespace operation {

/// y(r) = sum over t of share(t, r) x(t).
struct mix_rows {
  static constexpr auto name = fixed_string("mix_rows");
  template <class Y, class X, class Share>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X& x, const Share&) noexcept {
    return std::uint64_t{x.count} * Share::columns * X::columns;
  }
};
template <class Value, extent_t Columns, class Element, extent_t Mixed>
LACUNA_HD constexpr auto kernel(mix_rows, rows<Value, Columns> y, rows<const Value, Columns> x,
                                rows<const Element, Mixed> share, const reference&) {
  y.fill(0);
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t r = 0; r < Mixed; ++r) {
      const Value scale = static_cast<Value>(widen(share(t, r)));
      const Value* in = x.row(t);
      Value* out = y.row(r);
      for (extent_t c = 0; c < Columns; ++c) out[c] += scale * in[c];
    }
  return ran_on<reference>{};
}

/// dx(t) += sum over r of share(t, r) dy(r), dshare(t, r) += dy(r).x(t).
struct mix_rows_backward {
  static constexpr auto name = fixed_string("mix_rows_backward");
  template <class XAdjoint, class ShareGradient, class YAdjoint, class X, class Share>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const XAdjoint&, const ShareGradient&, const YAdjoint&,
                                                         const X& x, const Share&) noexcept {
    return 2 * std::uint64_t{x.count} * Share::columns * X::columns;
  }
};
template <class Value, extent_t Columns, class Gradient, class Element, extent_t Mixed>
LACUNA_HD constexpr auto kernel(mix_rows_backward, rows<Value, Columns> dx, rows<Gradient, Mixed> dshare,
                                rows<const Value, Columns> dy, rows<const Value, Columns> x,
                                rows<const Element, Mixed> share, const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t r = 0; r < Mixed; ++r) {
      const Value scale = static_cast<Value>(widen(share(t, r)));
      const Value* in = x.row(t);
      const Value* d = dy.row(r);
      Value* out = dx.row(t);
      Value sum = 0;
      for (extent_t c = 0; c < Columns; ++c) {
        out[c] += scale * d[c];
        sum += d[c] * in[c];
      }
      dshare(t, r) += static_cast<Gradient>(sum);
    }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y = share^T x: `(tokens, columns)`, shares `(tokens, mixed) -> (mixed, columns)`. tokens * mixed * columns
/// multiply-adds.
template <class Value, extent_t Columns, class Element, extent_t Mixed, class Backend>
LACUNA_HD constexpr auto mix_rows(rows<Value, Columns> y, rows<Value, Columns> x, rows<const Element, Mixed> share,
                                  const Backend& backend) {
  return run_kernel(operation::mix_rows{}, backend, y, readable(x), share);
}
/// Adjoints of `mix_rows`: dx and dshare accumulate. 2 * tokens * mixed * columns multiply-adds.
template <class Value, extent_t Columns, class Gradient, class Element, extent_t Mixed, class Backend>
LACUNA_HD constexpr auto mix_rows_backward(rows<Value, Columns> dx, rows<Gradient, Mixed> dshare,
                                           rows<Value, Columns> dy, rows<Value, Columns> x,
                                           rows<const Element, Mixed> share, const Backend& backend) {
  return run_kernel(operation::mix_rows_backward{}, backend, dx, dshare, readable(dy), readable(x), share);
}

}  // namespace op

LACUNA_END
