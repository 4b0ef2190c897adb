#pragma once
/// Rectified linear unit and its square.

#include <lacuna/activation/slots.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/lane_maths.hpp>

LACUNA_BEGIN

/// max(x, 0); derivative 0 at 0. Source: Nair and Hinton (2010).
struct relu {
  using slot = slots::activation;
  static constexpr auto name = fixed_string("relu");
  static constexpr bool preserves_zero = true;
  using lane_wise = relu;

  template <class Value>
  LACUNA_HD static constexpr Value value(Value x) noexcept {
    return maths::larger(x, Value(0));
  }
  template <class Value>
  LACUNA_HD static constexpr Value derivative(Value x) noexcept {
    return maths::where(maths::less(Value(0), x), Value(1), Value(0));
  }
};

/// max(x, 0)^2. Source: So et al. (2021), "Primer", arXiv 2109.08668, section 4.
struct squared_relu {
  using slot = slots::activation;
  static constexpr auto name = fixed_string("squared_relu");
  static constexpr bool preserves_zero = true;
  using lane_wise = squared_relu;

  template <class Value>
  LACUNA_HD static constexpr Value value(Value x) noexcept {
    const Value positive = relu::value(x);
    return positive * positive;
  }
  template <class Value>
  LACUNA_HD static constexpr Value derivative(Value x) noexcept {
    return Value(2) * relu::value(x);
  }
};

LACUNA_END
