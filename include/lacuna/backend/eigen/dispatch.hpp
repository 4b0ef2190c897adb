#pragma once
/// Rows to experts and back, and which experts they go to, by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/choose_experts.hpp>
#include <lacuna/backend/lanes/dispatch.hpp>

LACUNA_BEGIN

namespace operation {

/// Probabilities, the best experts and their gates: see `op::choose_experts`.
template <class Value, extent_t Experts, extent_t Chosen>
  requires(std::is_floating_point_v<Value>)
auto kernel(choose_experts, rows<Value, Experts> score, rows<Value, Chosen> gate, rows<Value, 1> log_sum,
            rows<std::uint32_t, Chosen> chosen, bool renormalised, const eigen&) {
  by_lanes::choose_experts<eigen_lanes::lanes<Value>>(score, gate, log_sum, chosen, renormalised);
  return ran_on<eigen>{};
}

/// to(r) = x(token of r): see `op::dispatch`.
template <class Value, extent_t Columns, extent_t Chosen>
  requires(std::is_floating_point_v<Value>)
auto kernel(dispatch, rows<Value, Columns> to, rows<const Value, Columns> x, const assignments<Chosen>& of,
            const eigen&) {
  by_lanes::dispatch<eigen_lanes::lanes<Value>>(to, x, of);
  return ran_on<eigen>{};
}
/// dx(token of r) += dto(r): see `op::dispatch_backward`.
template <class Value, extent_t Columns, extent_t Chosen>
  requires(std::is_floating_point_v<Value>)
auto kernel(dispatch_backward, rows<Value, Columns> dx, rows<const Value, Columns> dto, const assignments<Chosen>& of,
            const eigen&) {
  by_lanes::dispatch_backward<eigen_lanes::lanes<Value>>(dx, dto, of);
  return ran_on<eigen>{};
}
/// y(token of r) += gate of r * from(r): see `op::combine`.
template <class Value, extent_t Columns, extent_t Chosen>
  requires(std::is_floating_point_v<Value>)
auto kernel(combine, rows<Value, Columns> y, rows<const Value, Columns> from, rows<const Value, Chosen> gate,
            const assignments<Chosen>& of, const eigen&) {
  by_lanes::combine<eigen_lanes::lanes<Value>>(y, from, gate, of);
  return ran_on<eigen>{};
}
/// Adjoints of rows and gates: see `op::combine_backward`.
template <class Value, extent_t Columns, extent_t Chosen>
  requires(std::is_floating_point_v<Value>)
auto kernel(combine_backward, rows<Value, Columns> dfrom, rows<Value, Chosen> dgate, rows<const Value, Columns> dy,
            rows<const Value, Columns> from, rows<const Value, Chosen> gate, const assignments<Chosen>& of,
            const eigen&) {
  by_lanes::combine_backward<eigen_lanes::lanes<Value>>(dfrom, dgate, dy, from, gate, of);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
