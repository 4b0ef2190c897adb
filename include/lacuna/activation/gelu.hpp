#pragma once
/// The Gaussian error linear unit: exact, and its tanh approximation. They are two policies: checkpoints differ.

#include <lacuna/activation/slots.hpp>
#include <lacuna/core/erf_gelu.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/lane_maths.hpp>

LACUNA_BEGIN

/// x Phi(x) with the exact normal distribution function. Source: Hendrycks and Gimpel (2016), arXiv 1606.08415, eq.
/// (1).
struct gelu : erf_gelu {
  using slot = slots::activation;
  static constexpr auto name = fixed_string("gelu");
  static constexpr bool preserves_zero = true;
  using lane_wise = gelu;
};

/// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). Source: as `gelu`, section 2.
struct gelu_tanh {
  using slot = slots::activation;
  static constexpr auto name = fixed_string("gelu_tanh");
  static constexpr bool preserves_zero = true;
  using lane_wise = gelu_tanh;

  /// As x times a logistic function: (1 + tanh(u)) / 2 = 1 / (1 + e^-2u), which does not cancel left of 0 either.
  template <class Value>
  LACUNA_HD static constexpr Value value(Value x) noexcept {
    return x * share(x);
  }
  template <class Value>
  LACUNA_HD static constexpr Value derivative(Value x) noexcept {
    const Value s = share(x);
    const Value slope = Value(1.595769121605730711760) * (Value(1) + Value(3 * 0.044715) * x * x);
    return s + x * slope * (s * (Value(1) - s));
  }

 private:
  template <class Value>
  LACUNA_HD static constexpr Value share(Value x) noexcept {
    return maths::logistic(Value(1.595769121605730711760) * (x + Value(0.044715) * x * x * x));
  }
};

LACUNA_END
