#pragma once
/// Rows to experts and back, and which experts they go to, on SIMD lanes.

#include <lacuna/backend/lanes/choose_experts.hpp>
#include <lacuna/backend/lanes/dispatch.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// Probabilities, the best experts and their gates, f32: see `op::choose_experts`.
template <extent_t Experts, extent_t Chosen>
auto kernel(choose_experts, rows<float, Experts> score, rows<float, Chosen> gate, rows<float, 1> log_sum,
            rows<std::uint32_t, Chosen> chosen, bool renormalised, const simd&) {
  by_lanes::choose_experts<simd_lanes::lanes>(score, gate, log_sum, chosen, renormalised);
  return ran_on<simd>{};
}

/// to(r) = x(token of r), f32: see `op::dispatch`.
template <extent_t Columns, extent_t Chosen>
auto kernel(dispatch, rows<float, Columns> to, rows<const float, Columns> x, const assignments<Chosen>& of,
            const simd&) {
  by_lanes::dispatch<simd_lanes::lanes>(to, x, of);
  return ran_on<simd>{};
}
/// dx(token of r) += dto(r), f32: see `op::dispatch_backward`.
template <extent_t Columns, extent_t Chosen>
auto kernel(dispatch_backward, rows<float, Columns> dx, rows<const float, Columns> dto, const assignments<Chosen>& of,
            const simd&) {
  by_lanes::dispatch_backward<simd_lanes::lanes>(dx, dto, of);
  return ran_on<simd>{};
}
/// y(token of r) += gate of r * from(r), f32: see `op::combine`.
template <extent_t Columns, extent_t Chosen>
auto kernel(combine, rows<float, Columns> y, rows<const float, Columns> from, rows<const float, Chosen> gate,
            const assignments<Chosen>& of, const simd&) {
  by_lanes::combine<simd_lanes::lanes>(y, from, gate, of);
  return ran_on<simd>{};
}
/// Adjoints of rows and gates, f32: see `op::combine_backward`.
template <extent_t Columns, extent_t Chosen>
auto kernel(combine_backward, rows<float, Columns> dfrom, rows<float, Chosen> dgate, rows<const float, Columns> dy,
            rows<const float, Columns> from, rows<const float, Chosen> gate, const assignments<Chosen>& of,
            const simd&) {
  by_lanes::combine_backward<simd_lanes::lanes>(dfrom, dgate, dy, from, gate, of);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
