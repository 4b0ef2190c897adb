#pragma once
/// What optimisers do, on Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/learn.hpp>

LACUNA_BEGIN

namespace operation {

/// y += x: see `op::add_numbers`.
template <class Value>
  requires(std::is_floating_point_v<Value>)
auto kernel(add_numbers, rows<Value, 1> y, rows<const Value, 1> x, const eigen&) {
  by_lanes::add_numbers<eigen_lanes::lanes<Value>>(y, x);
  return ran_on<eigen>{};
}
/// total += the sum of squares: see `op::sum_squares`.
template <class Value>
  requires(std::is_floating_point_v<Value>)
auto kernel(sum_squares, rows<double, 1> total, rows<const Value, 1> x, const eigen&) {
  total.data[0] += by_lanes::sum_squares<eigen_lanes::lanes<Value>>(x);
  return ran_on<eigen>{};
}
/// One step of Adam: see `op::adam_step`.
template <class Value>
  requires(std::is_floating_point_v<Value>)
auto kernel(adam_step, rows<Value, 1> weight, rows<const Value, 1> gradient, rows<Value, 1> first,
            rows<Value, 1> second, const adam_numbers<Value>& by, const eigen&) {
  by_lanes::adam_step<eigen_lanes::lanes<Value>>(weight, gradient, first, second, by);
  return ran_on<eigen>{};
}
/// One step with momentum: see `op::momentum_step`.
template <class Value>
  requires(std::is_floating_point_v<Value>)
auto kernel(momentum_step, rows<Value, 1> weight, rows<const Value, 1> gradient, rows<Value, 1> moment,
            const momentum_numbers<Value>& by, const eigen&) {
  by_lanes::momentum_step<eigen_lanes::lanes<Value>>(weight, gradient, moment, by);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
