#pragma once
/// The largest entries of rows: evaluated by lanes, selected one by one.

#include <lacuna/backend/eigen/evaluate.hpp>
#include <lacuna/op/keep_largest.hpp>

LACUNA_BEGIN

namespace operation {

/// y = the `kept` largest entries of each row of an expression: see `op::keep_largest`.
template <class Value, extent_t Columns, class Node>
  requires(std::is_floating_point_v<Value> && same<typename Node::value, Value>)
auto kernel(keep_largest, rows<Value, Columns> y, const Node& node, extent_t kept, const eigen& backend) {
  kernel(evaluate{}, y, node, backend);
  for (extent_t t = 0; t < y.count; ++t) keep_largest::select(y.row(t), Columns, kept);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
