#pragma once
/// x Phi(x) as a function, for rooms above those of the activations.

#include <lacuna/core/lane_maths.hpp>

LACUNA_BEGIN

/// x Phi(x) with the exact normal distribution function, and its derivative; values and lanes.
/// Source: Hendrycks and Gimpel (2016), arXiv 1606.08415, eq. (1).
struct erf_gelu {
  using lane_wise = erf_gelu;

  template <class Value>
  LACUNA_HD static constexpr Value value(Value x) noexcept {
    return x * cumulative(x);
  }
  template <class Value>
  LACUNA_HD static constexpr Value derivative(Value x) noexcept {
    return cumulative(x) + x * Value(0.398942280401432677940) * maths::exp(Value(-0.5) * x * x);
  }

 private:
  template <class Value>
  LACUNA_HD static constexpr Value cumulative(Value x) noexcept {
    return Value(0.5) * (Value(1) + maths::erf(x * Value(0.707106781186547524401)));
  }
};

LACUNA_END
