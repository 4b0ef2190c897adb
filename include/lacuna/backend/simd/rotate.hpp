#pragma once
/// Rotations of pairs of columns on SIMD lanes.

#include <lacuna/backend/lanes/rotate.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// Rotates every head of x in place, f32: see `op::rotate`.
template <extent_t Columns, extent_t Rotated, extent_t HeadWidth, rotary_pairs Pairs>
auto kernel(rotate, rows<float, Columns> x, const rotation_table<float, Rotated, HeadWidth>& table, extent_t first,
            bool backward, constant<rotary_pairs, Pairs>, const simd&) {
  by_lanes::rotate<simd_lanes::lanes, Pairs>(x, table, first, backward);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
