#pragma once
/// The small numbers that keep divisions finite.

#include <lacuna/core/config.hpp>

LACUNA_BEGIN

/// What keeps a division by a vanishing norm finite: `rms_norm<epsilon{1e-6f}>`.
struct epsilon {
  float value = 1e-5f;
  constexpr epsilon() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit epsilon(float of) : value(of) {}
  constexpr bool operator==(const epsilon&) const = default;
};

LACUNA_END
