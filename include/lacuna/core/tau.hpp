#pragma once
/// The factor of normalised scores.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// What a row of scores is multiplied by once it is divided by its length: `tau{8}`. `tau{}` stands for the root of the
/// row's number of keys.
struct tau {
  double value = 0;
  constexpr tau() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit tau(double of) : value(of) {}
  constexpr bool operator==(const tau&) const = default;
};

/// The root of `keys`, as a constant that stays when there are more of them: `parameter_tokens<96, tau_of(64)>`.
constexpr tau tau_of(extent_t keys) { return tau{maths::sqrt(static_cast<double>(keys))}; }

LACUNA_END
