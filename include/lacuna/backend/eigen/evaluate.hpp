#pragma once
/// Elementwise expressions and sums over tokens by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/evaluate.hpp>

LACUNA_BEGIN

namespace operation {

/// y = expression: see `op::evaluate`.
template <class Value, extent_t Columns, class Node>
  requires(std::is_floating_point_v<Value> && same<typename Node::value, Value>)
auto kernel(evaluate, rows<Value, Columns> y, const Node& node, const eigen&) {
  by_lanes::evaluate<eigen_lanes::lanes<Value>>(y, node);
  return ran_on<eigen>{};
}

/// y += the sum of an expression's rows: see `op::sum_over_tokens`.
template <class Value, extent_t Columns, class Node>
  requires(std::is_floating_point_v<Value> && same<typename Node::value, Value>)
auto kernel(sum_over_tokens, rows<Value, Columns> y, const Node& node, extent_t tokens, const eigen&) {
  by_lanes::sum_over_tokens<eigen_lanes::lanes<Value>, Columns>(y.data, node, tokens);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
