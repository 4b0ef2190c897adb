#pragma once
/// Probabilities as template arguments.

#include <lacuna/core/config.hpp>

LACUNA_BEGIN

/// `dropout<attention<...>, probability{0.1}>`.
struct probability {
  double value = 0;
  constexpr probability() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit probability(double of) : value(of) {}
  constexpr bool operator==(const probability&) const = default;
};

LACUNA_END
