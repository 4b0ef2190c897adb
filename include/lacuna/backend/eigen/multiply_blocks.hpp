#pragma once
/// Products of sparse weights by Eigen's arrays, f32 and f64: see backend/lanes/multiply_blocks.hpp.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/multiply_blocks.hpp>
#include <lacuna/backend/lanes/multiply_blocks_backward.hpp>

LACUNA_BEGIN

namespace operation {

/// y = x W^T, stored blocks in any element that is computed so: see `op::multiply_blocks`.
template <class Value, class Element, extent_t Outputs, extent_t Inputs, class Pattern, class Packed>
  requires(std::is_floating_point_v<Value> && same<compute_t<Element>, Value>)
auto kernel(multiply_blocks, rows<Value, Outputs> y, rows<const Value, Inputs> x,
            const block_matrix<const Element, Pattern>& weight, const Packed& packed, const eigen&) {
  by_lanes::multiply_blocks<eigen_lanes::lanes<Value>>(y, x, weight, packed);
  return ran_on<eigen>{};
}

/// dx += dy W: see `op::multiply_blocks_transposed`.
template <class Value, class Element, extent_t Outputs, extent_t Inputs, class Pattern, class Packed>
  requires(std::is_floating_point_v<Value> && same<compute_t<Element>, Value> &&
           by_lanes::token_tiling<eigen_lanes::lanes<Value>, Pattern>::possible)
auto kernel(multiply_blocks_transposed, rows<Value, Inputs> dx, rows<const Value, Outputs> dy,
            const block_matrix<const Element, Pattern>& weight, const Packed& packed, const eigen&) {
  by_lanes::multiply_blocks_transposed<eigen_lanes::lanes<Value>>(dx, dy, weight, packed);
  return ran_on<eigen>{};
}

/// dW += dy^T x at the stored blocks: see `op::accumulate_blocks`.
template <class Value, extent_t Outputs, extent_t Inputs, class Pattern>
  requires(std::is_floating_point_v<Value> && by_lanes::token_tiling<eigen_lanes::lanes<Value>, Pattern>::possible)
auto kernel(accumulate_blocks, const block_matrix<Value, Pattern>& gradient, rows<const Value, Outputs> dy,
            rows<const Value, Inputs> x, const eigen&) {
  by_lanes::accumulate_blocks<eigen_lanes::lanes<Value>>(gradient, dy, x);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
