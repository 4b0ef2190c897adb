#pragma once
/// Columns convolved over the rows by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/convolve_rows.hpp>

LACUNA_BEGIN

namespace operation {

/// y += each column of x, convolved: see `op::convolve_rows`.
template <class Value, extent_t Columns, class Element, extent_t Kernel>
  requires(std::is_floating_point_v<Value> &&
           by_lanes::convolution_executor<eigen_lanes::lanes<Value>, Columns, Kernel>::fits)
auto kernel(convolve_rows, rows<Value, Columns> y, rows<const Value, Columns> x,
            matrix<const Element, Columns, Kernel> weight, const eigen&) {
  by_lanes::convolve_rows<eigen_lanes::lanes<Value>>(y, x, weight);
  return ran_on<eigen>{};
}

/// Adjoints of rows and weights: see `op::convolve_rows_backward`.
template <class Value, extent_t Columns, class Element, extent_t Kernel>
  requires(std::is_floating_point_v<Value> &&
           by_lanes::convolution_executor<eigen_lanes::lanes<Value>, Columns, Kernel>::fits)
auto kernel(convolve_rows_backward, rows<Value, Columns> dx, matrix<Value, Columns, Kernel> dweight,
            rows<const Value, Columns> dy, rows<const Value, Columns> x, matrix<const Element, Columns, Kernel> weight,
            const eigen&) {
  by_lanes::convolve_rows_backward<eigen_lanes::lanes<Value>>(dx, dweight, dy, x, weight);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
