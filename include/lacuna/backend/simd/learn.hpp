#pragma once
/// What optimisers do, on SIMD lanes, f32.

#include <lacuna/backend/lanes/learn.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// y += x: see `op::add_numbers`.
inline auto kernel(add_numbers, rows<float, 1> y, rows<const float, 1> x, const simd&) {
  by_lanes::add_numbers<simd_lanes::lanes>(y, x);
  return ran_on<simd>{};
}
/// total += the sum of squares: see `op::sum_squares`.
inline auto kernel(sum_squares, rows<double, 1> total, rows<const float, 1> x, const simd&) {
  total.data[0] += by_lanes::sum_squares<simd_lanes::lanes>(x);
  return ran_on<simd>{};
}
/// One step of Adam: see `op::adam_step`.
inline auto kernel(adam_step, rows<float, 1> weight, rows<const float, 1> gradient, rows<float, 1> first,
                   rows<float, 1> second, const adam_numbers<float>& by, const simd&) {
  by_lanes::adam_step<simd_lanes::lanes>(weight, gradient, first, second, by);
  return ran_on<simd>{};
}
/// One step with momentum: see `op::momentum_step`.
inline auto kernel(momentum_step, rows<float, 1> weight, rows<const float, 1> gradient, rows<float, 1> moment,
                   const momentum_numbers<float>& by, const simd&) {
  by_lanes::momentum_step<simd_lanes::lanes>(weight, gradient, moment, by);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
