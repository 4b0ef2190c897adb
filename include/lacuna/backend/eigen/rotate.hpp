#pragma once
/// Rotations of pairs of columns by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/rotate.hpp>

LACUNA_BEGIN

namespace operation {

/// Rotates every head of x in place: see `op::rotate`.
template <class Value, extent_t Columns, extent_t Rotated, extent_t HeadWidth, rotary_pairs Pairs>
  requires(std::is_floating_point_v<Value>)
auto kernel(rotate, rows<Value, Columns> x, const rotation_table<Value, Rotated, HeadWidth>& table, extent_t first,
            bool backward, constant<rotary_pairs, Pairs>, const eigen&) {
  by_lanes::rotate<eigen_lanes::lanes<Value>, Pairs>(x, table, first, backward);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
