#pragma once
/// The small numbers that keep divisions finite.

#include <lacuna/core/maths.hpp>
#include <lacuna/core/type_list.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct epsilon_is_no_less_than_zero {
  static_assert(Fine, "lacuna::epsilon: it is not a number from 0 on (write epsilon{1e-5f} or leave it out)");
};
}  // namespace rules

/// What keeps a division by a vanishing norm finite: `rms_norm<epsilon{1e-6f}>`.
struct epsilon {
  float value = 1e-5f;
  constexpr epsilon() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit epsilon(float of) : value(of) {}
  constexpr bool operator==(const epsilon&) const = default;
  /// Whether a norm can divide by the root of what it is added to.
  constexpr bool fine() const { return value >= 0 && maths::is_finite(value); }
};

LACUNA_END
