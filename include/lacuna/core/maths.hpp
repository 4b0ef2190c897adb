#pragma once
/// Elementary functions that give the same bits at compile time and at run time, where the compiler contracts no
/// products and sums (-ffp-contract=off; the default contracts on machines with fused multiply-add).
///
/// The standard library's are not constexpr and differ from one C library to the next. Errors, measured in
/// tests/laws: in f32 exp and tanh within 3 units in the last place, erf within 8; in f64 2e-15 and 1e-14; sqrt exact.

#include <lacuna/core/type_list.hpp>

LACUNA_BEGIN

namespace maths {

inline constexpr double pi = 3.14159265358979323846;
inline constexpr double ln2 = 0.69314718055994530942;

template <class Real>
LACUNA_HD constexpr Real infinity() noexcept {
  return static_cast<Real>(__builtin_inff());
}

LACUNA_HD constexpr bool is_nan(float x) noexcept {
  return (__builtin_bit_cast(std::uint32_t, x) & 0x7fffffffu) > 0x7f800000u;
}
LACUNA_HD constexpr bool is_nan(double x) noexcept {
  return (__builtin_bit_cast(std::uint64_t, x) & 0x7fffffffffffffffu) > 0x7ff0000000000000u;
}
LACUNA_HD constexpr bool is_finite(float x) noexcept {
  return (__builtin_bit_cast(std::uint32_t, x) & 0x7f800000u) != 0x7f800000u;
}
LACUNA_HD constexpr bool is_finite(double x) noexcept {
  return (__builtin_bit_cast(std::uint64_t, x) & 0x7ff0000000000000u) != 0x7ff0000000000000u;
}

/// A value of several lanes, as a vectorised backend computes with: see core/lane_maths.hpp.
template <class Type>
concept Lanes = requires {
  Type::lane_count;
};
/// Whether a policy says that its functions take lanes as well as single values: `using lane_wise = silu;` in silu. It
/// chooses through `where` and `less`, never by `if` or `?:`, and makes numbers by `Value(0.5)`. It names itself, so that
/// a policy derived from it, which may branch, does not inherit the promise.
template <class Policy>
inline constexpr bool lane_wise = requires { requires same<typename Policy::lane_wise, Policy>; };

template <class Real>
LACUNA_HD constexpr Real absolute(Real x) noexcept {
  return x < Real(0) ? -x : x;
}
/// The larger of two; a if one is not a number.
template <class Real>
LACUNA_HD constexpr Real larger(Real a, Real b) noexcept {
  return a < b ? b : a;
}
/// Whether a < b, as what `where` takes: code for single values and for lanes is written with these two.
template <class Real>
LACUNA_HD constexpr bool less(Real a, Real b) noexcept {
  return a < b;
}
/// `yes` where the condition holds, `no` elsewhere.
template <class Real>
LACUNA_HD constexpr Real where(bool condition, Real yes, Real no) noexcept {
  return condition ? yes : no;
}

/// 2^n for a normal result.
LACUNA_HD constexpr float power_of_two(int n, float) noexcept {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(n + 127) << 23);
}
LACUNA_HD constexpr double power_of_two(int n, double) noexcept {
  return __builtin_bit_cast(double, static_cast<std::uint64_t>(static_cast<std::int64_t>(n) + 1023) << 52);
}

namespace detail {

/// Digit-by-digit square root of an integer below 2^62, with the remainder's sign for rounding.
LACUNA_HD constexpr std::uint64_t integer_root(std::uint64_t of, std::uint64_t& remainder) noexcept {
  std::uint64_t root = 0, rest = 0;
  for (int shift = 62; shift >= 0; shift -= 2) {
    rest = (rest << 2) | ((of >> shift) & 3u);
    const std::uint64_t trial = (root << 2) | 1u;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1u;
    }
  }
  remainder = rest;
  return root;
}

LACUNA_HD constexpr float constant_sqrt(float x) noexcept {
  if (!(x > 0.0f) || !is_finite(x)) return x == 0.0f || x > 0.0f ? x : __builtin_nanf("");
  int exponent = 0;
  while (x < 1.0f) x *= 4.0f, --exponent;
  while (x >= 4.0f) x *= 0.25f, ++exponent;
  // x in [1, 4): 2^50 x is an integer; its root holds 25 or 26 bits, of which 24 are kept.
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x);
  const std::uint64_t mantissa = (bits & 0x7fffffu) | 0x800000u;
  const bool above_two = (bits >> 23) == 128u;
  std::uint64_t remainder = 0;
  const std::uint64_t root = integer_root(mantissa << (above_two ? 28 : 27), remainder);  // 2^25 sqrt(x)
  const std::uint64_t low = root & 3u;
  std::uint64_t kept = root >> 2;
  if (low > 2 || (low == 2 && (remainder != 0 || (kept & 1u) != 0))) ++kept;
  return static_cast<float>(kept) * power_of_two(-23, 0.0f) * power_of_two(exponent, 0.0f);
}

LACUNA_HD constexpr double constant_sqrt(double x) noexcept {
  if (!(x > 0.0) || !is_finite(x)) return x == 0.0 || x > 0.0 ? x : __builtin_nan("");
  int exponent = 0;
  while (x < 1.0) x *= 4.0, --exponent;
  while (x >= 4.0) x *= 0.25, ++exponent;
  const std::uint64_t bits = __builtin_bit_cast(std::uint64_t, x);
  const std::uint64_t mantissa = (bits & 0xfffffffffffffu) | 0x10000000000000u;
  const bool above_two = (bits >> 52) == 1024u;
  // 54 digits of the root of mantissa (times 2), two bits at a time, the operand continued by zeros.
  std::uint64_t root = 0, rest = 0;
  for (int step = 0; step < 54; ++step) {
    const int shift = (above_two ? 51 : 52) - 2 * step;
    const std::uint64_t pair = shift >= 0 ? (mantissa >> shift) & 3u : shift == -1 ? (mantissa << 1) & 3u : 0u;
    rest = (rest << 2) | pair;
    const std::uint64_t trial = (root << 2) | 1u;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1u;
    }
  }
  std::uint64_t kept = root >> 1;
  if ((root & 1u) != 0 && (rest != 0 || (kept & 1u) != 0)) ++kept;
  return static_cast<double>(kept) * power_of_two(-52, 0.0) * power_of_two(exponent, 0.0);
}

/// sin and cos of a reduced argument in [-pi/4, pi/4], Taylor to 1e-17.
LACUNA_HD constexpr double reduced_sine(double x) noexcept {
  const double s = x * x;
  return x * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156 * (1 - s / 210)))))));
}
LACUNA_HD constexpr double reduced_cosine(double x) noexcept {
  const double s = x * x;
  return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132 * (1 - s / 182))))));
}

/// Quarter turns taken off x; exact to 1e-16 below 2^20 quarter turns.
LACUNA_HD constexpr double reduce_angle(double x, int& quarter) noexcept {
  const double turns = x * (2 / pi);
  const auto whole = static_cast<std::int64_t>(turns < 0 ? turns - 0.5 : turns + 0.5);
  quarter = static_cast<int>(whole & 3);
  const auto k = static_cast<double>(whole);
  // pi/2 in three parts of 33 bits, so that k times each of the first two is exact.
  return ((x - k * 1.57079632673412561417) - k * 6.07710050630396597660e-11) - k * 2.02226624879595063154e-21;
}

}  // namespace detail

/// Correctly rounded square root.
LACUNA_HD constexpr float sqrt(float x) noexcept {
  return constant_evaluated() ? detail::constant_sqrt(x) : __builtin_sqrtf(x);
}
LACUNA_HD constexpr double sqrt(double x) noexcept {
  return constant_evaluated() ? detail::constant_sqrt(x) : __builtin_sqrt(x);
}

/// e^x. Zero below the smallest normal number, infinity above the largest.
LACUNA_HD constexpr float exp(float x) noexcept {
  if (x < -87.33f) return 0.0f;
  if (!(x < 88.72f)) return is_nan(x) ? x : infinity<float>();
  const float turns = x * 1.44269504088896341f;
  const int n = static_cast<int>(turns < 0 ? turns - 0.5f : turns + 0.5f);
  const auto k = static_cast<float>(n);
  const float r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return n > 127 ? p * 2.0f * power_of_two(n - 1, 0.0f) : p * power_of_two(n, 0.0f);
}
LACUNA_HD constexpr double exp(double x) noexcept {
  if (x < -708.39) return 0.0;
  if (!(x < 709.78)) return is_nan(x) ? x : infinity<double>();
  const double turns = x * 1.44269504088896340736;
  const int n = static_cast<int>(turns < 0 ? turns - 0.5 : turns + 0.5);
  const auto k = static_cast<double>(n);
  const double r = (x - k * 6.93145751953125e-1) - k * 1.42860682030941723212e-6;
  double p = 1.0;
  for (int term = 14; term > 0; --term) p = 1.0 + r * p / static_cast<double>(term);
  return n > 1023 ? p * 2.0 * power_of_two(n - 1, 0.0) : p * power_of_two(n, 0.0);
}

/// 1 / (1 + e^-x).
template <class Real>
LACUNA_HD constexpr Real logistic(Real x) noexcept {
  return Real(1) / (Real(1) + exp(-x));
}

namespace detail {
/// The logarithm, by the terms of the area tangent behind the first, the last one first.
template <class... Terms>
LACUNA_HD constexpr double log_by_series(double x, Terms... terms) noexcept {
  if (is_nan(x) || x < 0) return __builtin_nan("");
  if (x == 0) return -infinity<double>();
  if (!is_finite(x)) return x;
  int exponent = 0;
  if (x < 2.2250738585072014e-308) x *= 18014398509481984.0, exponent = -54;
  const std::uint64_t bits = __builtin_bit_cast(std::uint64_t, x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double m = __builtin_bit_cast(double, (bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
  if (m > 1.41421356237309504880) m *= 0.5, ++exponent;
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double sum = 0;
  ((sum = (sum + terms) * s2), ...);
  const auto e = static_cast<double>(exponent);
  return e * 6.93147180369123816490e-01 + (2 * s * (1 + sum) + e * 1.90821492927058770002e-10);
}
}  // namespace detail

/// Natural logarithm of a positive number; NaN below zero, -infinity at zero.
LACUNA_HD constexpr double log(double x) noexcept {
  return detail::log_by_series(x, 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9,
                               1.0 / 7, 1.0 / 5, 1.0 / 3);
}
/// Computed in f64; the terms left out are 2e-9 of the result at most.
LACUNA_HD constexpr float log(float x) noexcept {
  return static_cast<float>(detail::log_by_series(static_cast<double>(x), 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3));
}

/// base^exponent for a positive base.
LACUNA_HD constexpr double power(double base, double exponent) noexcept { return exp(exponent * log(base)); }

LACUNA_HD constexpr double sine(double x) noexcept {
  int quarter = 0;
  const double r = detail::reduce_angle(x, quarter);
  const double value = (quarter & 1) != 0 ? detail::reduced_cosine(r) : detail::reduced_sine(r);
  return (quarter & 2) != 0 ? -value : value;
}
LACUNA_HD constexpr double cosine(double x) noexcept {
  int quarter = 0;
  const double r = detail::reduce_angle(x, quarter);
  const double value = (quarter & 1) != 0 ? detail::reduced_sine(r) : detail::reduced_cosine(r);
  return quarter == 1 || quarter == 2 ? -value : value;
}

/// Hyperbolic tangent; a continued fraction (Lambert) near 0, where the exponential form would cancel.
template <class Real>
LACUNA_HD constexpr Real tanh(Real x) noexcept {
  if (absolute(x) < Real(0.5)) {
    const Real s = x * x;
    return x / (1 + s / (3 + s / (5 + s / (7 + s / (9 + s / (11 + s / 13))))));
  }
  const Real e = exp(Real(2) * absolute(x));
  const Real value = Real(1) - Real(2) / (e + Real(1));
  return x < 0 ? -value : value;
}

/// Error function: the all-positive series near 0, the continued fraction of its complement above.
template <class Real>
LACUNA_HD constexpr Real erf(Real x) noexcept {
  const Real a = absolute(x);
  if (is_nan(x)) return x;
  if (a > Real(6)) return x < 0 ? Real(-1) : Real(1);
  Real value = 0;
  // Where the fraction has converged to the type; the series loses digits to the rounding of a * a further out.
  constexpr Real series_end = sizeof(Real) == sizeof(float) ? Real(1.25) : Real(2);
  if (a < series_end) {
    Real term = a, sum = a;
    for (int n = 1; n < 80 && term > sum * Real(1e-18); ++n) {
      term *= Real(2) * a * a / static_cast<Real>(2 * n + 1);
      sum += term;
    }
    value = Real(2 / 1.77245385090551602730) * exp(-a * a) * sum;
  } else {
    Real tail = a;
    for (int n = 40; n > 0; --n) tail = a + static_cast<Real>(n) / (Real(2) * tail);
    value = Real(1) - exp(-a * a) / (Real(1.77245385090551602730) * tail);
  }
  return x < 0 ? -value : value;
}

}  // namespace maths

LACUNA_END
