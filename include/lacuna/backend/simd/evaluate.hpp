#pragma once
/// Elementwise expressions and sums over tokens on SIMD lanes.

#include <lacuna/backend/lanes/evaluate.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// y = expression, f32: see `op::evaluate`.
template <extent_t Columns, class Node>
  requires(same<typename Node::value, float>)
auto kernel(evaluate, rows<float, Columns> y, const Node& node, const simd&) {
  by_lanes::evaluate<simd_lanes::lanes>(y, node);
  return ran_on<simd>{};
}

/// y += the sum of an expression's rows, f32: see `op::sum_over_tokens`.
template <extent_t Columns, class Node>
  requires(same<typename Node::value, float>)
auto kernel(sum_over_tokens, rows<float, Columns> y, const Node& node, extent_t tokens, const simd&) {
  by_lanes::sum_over_tokens<simd_lanes::lanes, Columns>(y.data, node, tokens);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
