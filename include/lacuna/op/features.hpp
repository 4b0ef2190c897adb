#pragma once
/// The feature maps that backends know by name; what a map offers, op/scan.hpp says. Others are computed by their own
/// functions everywhere.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// phi_r = e^(+-w_r.x' - |x'|^2 / 2 - scale), x' = x / head_width^(1/4), scale the largest exponent; with both signs
/// for each direction, or with + alone.
template <class Value, extent_t HeadWidth, extent_t Directions, bool BothSigns>
struct exponential_features {
  static constexpr extent_t projections = Directions;
  static constexpr extent_t features = BothSigns ? 2 * Directions : Directions;
  const Value* directions;
  Value shrink;

  LACUNA_HD constexpr Value apply(const Value* x, Value* phi) const noexcept {
    Value half_square = 0, top = -maths::infinity<Value>();
    for (extent_t d = 0; d < HeadWidth; ++d) half_square += x[d] * x[d];
    half_square *= shrink * shrink / Value(2);
    for (extent_t r = 0; r < Directions; ++r) {
      Value along = 0;
      for (extent_t d = 0; d < HeadWidth; ++d) along += directions[r * HeadWidth + d] * x[d];
      phi[r] = along * shrink;
      top = maths::larger(phi[r], top);
      if constexpr (BothSigns) {
        phi[Directions + r] = -phi[r];
        top = maths::larger(-phi[r], top);
      }
    }
    for (extent_t r = 0; r < features; ++r) phi[r] = maths::exp(phi[r] - top);
    return top - half_square;
  }
  /// d phi_r = phi_r (+-w_r - x') dx'.
  LACUNA_HD constexpr void add_adjoint(const Value* x, const Value* phi, const Value* dphi, Value* dx) const noexcept {
    Value through_square = 0;
    for (extent_t r = 0; r < features; ++r) through_square += phi[r] * dphi[r];
    for (extent_t d = 0; d < HeadWidth; ++d) dx[d] -= through_square * shrink * shrink * x[d];
    for (extent_t r = 0; r < Directions; ++r) {
      Value along = phi[r] * dphi[r];
      if constexpr (BothSigns) along -= phi[Directions + r] * dphi[Directions + r];
      for (extent_t d = 0; d < HeadWidth; ++d) dx[d] += along * shrink * directions[r * HeadWidth + d];
    }
  }
};

/// phi_d = max(x'_d, 0) + offset.
template <class Value, extent_t HeadWidth>
struct rectified_features {
  static constexpr extent_t projections = 0;
  static constexpr extent_t features = HeadWidth;
  Value shrink;
  Value offset;

  LACUNA_HD constexpr Value apply(const Value* x, Value* phi) const noexcept {
    for (extent_t d = 0; d < HeadWidth; ++d) phi[d] = maths::larger(x[d] * shrink, Value(0)) + offset;
    return 0;
  }
  LACUNA_HD constexpr void add_adjoint(const Value* x, const Value*, const Value* dphi, Value* dx) const noexcept {
    for (extent_t d = 0; d < HeadWidth; ++d)
      if (x[d] > 0) dx[d] += dphi[d] * shrink;
  }
};

LACUNA_END
