#pragma once
/// Elementary functions of several values at once, f32 or f64. A lane type brings its arithmetic, `lane_exp`,
/// `lane_sqrt`, `lane_larger`, `lane_less` and `lane_where`, found by argument-dependent lookup; the rest is derived
/// here, so that policies written with `maths::` serve single values and lanes alike.
///
/// Errors against f64, measured in tests/kernels: in f32 exp, logistic, tanh and erf within 3 units in the last place;
/// f64 as core/maths.hpp says.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

namespace maths {

/// e^x; 0 below -86.6, infinity above the largest.
template <Lanes Values>
LACUNA_INLINE Values exp(Values x) noexcept {
  return lane_exp(x);
}
template <Lanes Values>
LACUNA_INLINE Values sqrt(Values x) noexcept {
  return lane_sqrt(x);
}
template <Lanes Values>
LACUNA_INLINE Values larger(Values a, Values b) noexcept {
  return lane_larger(a, b);
}
template <Lanes Values>
LACUNA_INLINE auto less(Values a, Values b) noexcept {
  return lane_less(a, b);
}
template <Lanes Values, class Condition>
LACUNA_INLINE Values where(const Condition& condition, Values yes, Values no) noexcept {
  return lane_where(condition, yes, no);
}
/// 1 / (1 + e^-x).
template <Lanes Values>
LACUNA_INLINE Values logistic(Values x) noexcept {
  return Values(1) / (Values(1) + exp(-x));
}
template <Lanes Values>
LACUNA_INLINE Values absolute(Values x) noexcept {
  return where(less(x, Values(0)), -x, x);
}

namespace detail {

/// A polynomial from the highest coefficient down.
template <class Values>
LACUNA_INLINE Values horner(Values, double last) noexcept {
  return Values(last);
}
template <class Values, class... Rest>
LACUNA_INLINE Values horner(Values x, double lowest, Rest... higher) noexcept {
  return multiply_add(horner(x, higher...), x, Values(lowest));
}

}  // namespace detail

/// x + x^3 p(x^2) near 0, where the exponential form would cancel.
template <Lanes Values>
LACUNA_INLINE Values tanh(Values x) noexcept {
  const Values magnitude = absolute(x), square = x * x;
  const Values series = detail::horner(square, -0.33333284, 0.13331491, -0.05374351, 0.02065065, -0.00571712);
  const Values small = multiply_add(x * square, series, x);
  const Values large = Values(1) - Values(2) / (exp(magnitude + magnitude) + Values(1));
  return where(less(magnitude, Values(0.625)), small, where(less(x, Values(0)), -large, large));
}

/// x + x p(x^2) below 1, the exponential of a fit to the logarithm of its complement above.
template <Lanes Values>
LACUNA_INLINE Values erf(Values x) noexcept {
  const Values magnitude = absolute(x), square = x * x;
  const Values series = detail::horner(square, 1.283791662e-1, -3.761262709e-1, 1.128360017e-1, -2.685444447e-2,
                                       5.189535232e-3, -8.021340829e-4, 7.889122490e-5);
  const Values small = multiply_add(x, series, x);
  const Values far = where(less(Values(4), magnitude), Values(4), magnitude);
  const Values log_rest = detail::horner(far, 1.884714110e-4, -1.129580332, -6.332163672e-1, -1.084221298e-1,
                                         2.521035789e-2, -4.205291200e-3, 4.414739042e-4, -2.169771650e-5);
  const Values large = Values(1) - exp(log_rest);
  return where(less(magnitude, Values(1)), small, where(less(x, Values(0)), -large, large));
}

/// Lanes of f64 go one by one, as exactly as single values: the polynomials above are fitted for f32.
template <Lanes Values>
  requires(sizeof(typename Values::element) > sizeof(float))
LACUNA_INLINE Values tanh(Values x) noexcept {
  return each_lane(x, [](typename Values::element single) { return maths::tanh(single); });
}
template <Lanes Values>
  requires(sizeof(typename Values::element) > sizeof(float))
LACUNA_INLINE Values erf(Values x) noexcept {
  return each_lane(x, [](typename Values::element single) { return maths::erf(single); });
}

}  // namespace maths

LACUNA_END
