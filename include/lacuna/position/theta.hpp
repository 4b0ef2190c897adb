#pragma once
/// The base of angles that depend on positions.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// The base of the angles: `rope<theta{500000.f}>`.
struct theta {
  float value = 10000.0f;
  constexpr theta() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit theta(float of) : value(of) {}
  constexpr bool operator==(const theta&) const = default;
  /// Whether angles can be made of it.
  LACUNA_HD constexpr bool fine() const noexcept { return value > 0 && maths::is_finite(value); }
  /// value^(-2 pair / columns): how far pair number `pair` turns from one position to the next.
  LACUNA_HD constexpr double step(extent_t pair, extent_t columns) const noexcept {
    return maths::power(static_cast<double>(value), -2.0 * static_cast<double>(pair) / static_cast<double>(columns));
  }
};

LACUNA_END
