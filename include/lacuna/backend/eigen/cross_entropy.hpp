#pragma once
/// Cross-entropy by Eigen.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/cross_entropy.hpp>

LACUNA_BEGIN

namespace operation {

/// Losses and their derivative, f32 and f64: see `op::cross_entropy`.
template <class Value, extent_t Vocabulary>
  requires(std::is_floating_point_v<Value>)
auto kernel(cross_entropy, rows<double, 1> losses, rows<Value, Vocabulary> adjoint,
            rows<const Value, Vocabulary> logits, token_view targets, double share, const eigen&) {
  by_lanes::cross_entropy<eigen_lanes::lanes<Value>>(losses, adjoint, logits, targets, share);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
