#pragma once
/// Columns convolved over the rows on SIMD lanes.

#include <lacuna/backend/lanes/convolve_rows.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// y += each column of x, convolved, f32: see `op::convolve_rows`.
template <extent_t Columns, class Element, extent_t Kernel>
  requires(by_lanes::convolution_executor<simd_lanes::lanes, Columns, Kernel>::fits)
auto kernel(convolve_rows, rows<float, Columns> y, rows<const float, Columns> x,
            matrix<const Element, Columns, Kernel> weight, const simd&) {
  by_lanes::convolve_rows<simd_lanes::lanes>(y, x, weight);
  return ran_on<simd>{};
}

/// Adjoints of rows and weights, f32: see `op::convolve_rows_backward`.
template <extent_t Columns, class Element, extent_t Kernel>
  requires(by_lanes::convolution_executor<simd_lanes::lanes, Columns, Kernel>::fits)
auto kernel(convolve_rows_backward, rows<float, Columns> dx, matrix<float, Columns, Kernel> dweight,
            rows<const float, Columns> dy, rows<const float, Columns> x, matrix<const Element, Columns, Kernel> weight,
            const simd&) {
  by_lanes::convolve_rows_backward<simd_lanes::lanes>(dx, dweight, dy, x, weight);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
