#pragma once
/// The logistic function and the linear unit gated by it.

#include <lacuna/activation/slots.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/lane_maths.hpp>

LACUNA_BEGIN

/// 1 / (1 + e^-x).
struct sigmoid {
  using slot = slots::activation;
  static constexpr auto name = fixed_string("sigmoid");
  static constexpr bool preserves_zero = false;
  using lane_wise = sigmoid;

  template <class Value>
  LACUNA_HD static constexpr Value value(Value x) noexcept {
    return maths::logistic(x);
  }
  template <class Value>
  LACUNA_HD static constexpr Value derivative(Value x) noexcept {
    const Value s = value(x);
    return s * (Value(1) - s);
  }
};

/// x sigmoid(x), also called swish. Source: Elfwing et al. (2017), arXiv 1702.03118; Ramachandran et al. (2017),
/// arXiv 1710.05941.
struct silu {
  using slot = slots::activation;
  static constexpr auto name = fixed_string("silu");
  static constexpr bool preserves_zero = true;
  using lane_wise = silu;

  template <class Value>
  LACUNA_HD static constexpr Value value(Value x) noexcept {
    return x * sigmoid::value(x);
  }
  template <class Value>
  LACUNA_HD static constexpr Value derivative(Value x) noexcept {
    const Value s = sigmoid::value(x);
    return s * (Value(1) + x * (Value(1) - s));
  }
};

LACUNA_END
