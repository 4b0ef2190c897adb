#pragma once
/// Cross-entropy on SIMD lanes.

#include <lacuna/backend/lanes/cross_entropy.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// Losses and their derivative, f32: see `op::cross_entropy`.
template <extent_t Vocabulary>
auto kernel(cross_entropy, rows<double, 1> losses, rows<float, Vocabulary> adjoint,
            rows<const float, Vocabulary> logits, token_view targets, double share, const simd&) {
  by_lanes::cross_entropy<simd_lanes::lanes>(losses, adjoint, logits, targets, share);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
