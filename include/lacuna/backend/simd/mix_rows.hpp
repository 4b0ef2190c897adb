#pragma once
/// Rows mixed along the sequence, as the products that they are: shares and rows in the place of weights.

#include <lacuna/backend/simd/multiply.hpp>
#include <lacuna/backend/simd/multiply_active.hpp>
#include <lacuna/op/mix_rows.hpp>

LACUNA_BEGIN

namespace operation {

/// y = share^T x, f32: see `op::mix_rows`.
template <extent_t Columns, extent_t Mixed>
auto kernel(mix_rows, rows<float, Columns> y, rows<const float, Columns> x, rows<const float, Mixed> share,
            const simd&) {
  y.fill(0);
  simd_lanes::add_product<Columns, true>(y.data, share.data, Mixed, Mixed, x.data, x.count, in_turn{});
  return ran_on<simd>{};
}

/// dx += share dy, dshare += x dy^T, f32: see `op::mix_rows_backward`.
template <extent_t Columns, extent_t Mixed>
auto kernel(mix_rows_backward, rows<float, Columns> dx, rows<float, Mixed> dshare, rows<const float, Columns> dy,
            rows<const float, Columns> x, rows<const float, Mixed> share, const simd&) {
  simd_lanes::add_product<Columns, false>(dx.data, share.data, Mixed, x.count, dy.data, Mixed, in_turn{});
  std::uint32_t all[Mixed];
  for (extent_t r = 0; r < Mixed; ++r) all[r] = static_cast<std::uint32_t>(r);
  for (extent_t t = 0; t < x.count; ++t)
    simd_lanes::multiply_listed_rows<true>(dshare.row(t), x.row(t), matrix<const float, Mixed, Columns>(dy.data), all,
                                           Mixed);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
