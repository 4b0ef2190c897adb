#pragma once
/// Element types: what is stored, and in what it is computed.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/type_list.hpp>

LACUNA_BEGIN

/// A 16-bit float with f32's exponent: storage only, every computation widens it first.
struct bfloat16 {
  std::uint16_t bits = 0;

  constexpr bfloat16() = default;
  /// Rounds to nearest, ties to even; a NaN stays a NaN.
  LACUNA_HD constexpr explicit bfloat16(float value) noexcept {
    const auto wide = __builtin_bit_cast(std::uint32_t, value);
    if ((wide & 0x7fffffffu) > 0x7f800000u)
      bits = static_cast<std::uint16_t>((wide >> 16) | 0x40u);
    else
      bits = static_cast<std::uint16_t>((wide + 0x7fffu + ((wide >> 16) & 1u)) >> 16);
  }
  LACUNA_HD constexpr explicit operator float() const noexcept {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
  }
};

/// IEEE's 16-bit float: storage only, every computation widens it first. Largest value 65504.
struct float16 {
  std::uint16_t bits = 0;

  constexpr float16() = default;
  /// Rounds to nearest, ties to even; beyond 65520 it becomes infinity, a NaN stays a NaN.
  LACUNA_HD constexpr explicit float16(float value) noexcept {
    const auto wide = __builtin_bit_cast(std::uint32_t, value);
    const std::uint32_t sign = (wide >> 16) & 0x8000u, magnitude = wide & 0x7fffffffu;
    std::uint32_t half = 0;
    if (magnitude > 0x7f800000u) {
      half = 0x7e00u;
    } else if (magnitude >= 0x47800000u) {
      half = 0x7c00u;
    } else if (magnitude >= 0x38800000u) {
      half = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
    } else if (magnitude > 0x33000000u) {
      // Below 2^-14 a unit is 2^-24: the significand moves down by as much as the exponent falls short.
      const std::uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u, shift = 126u - (magnitude >> 23);
      const std::uint32_t kept = significand >> shift, rest = significand & ((1u << shift) - 1u);
      const std::uint32_t middle = 1u << (shift - 1u);
      half = kept + (rest > middle || (rest == middle && (kept & 1u) != 0) ? 1u : 0u);
    }
    bits = static_cast<std::uint16_t>(sign | half);
  }
  LACUNA_HD constexpr explicit operator float() const noexcept {
    const std::uint32_t sign = (bits & 0x8000u) << 16, exponent = (bits >> 10) & 0x1fu, significand = bits & 0x3ffu;
    if (exponent == 0) {
      const float magnitude = static_cast<float>(significand) * 5.9604644775390625e-8f;  // units of 2^-24
      return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 0x7f800000u : (exponent + 112u) << 23;
    return __builtin_bit_cast(float, sign | wide | significand << 13);
  }
};

/// What the library knows of an element type. Specialise it to add one.
template <class Element>
struct element_traits;
template <>
struct element_traits<float> {
  using compute = float;
  static constexpr auto name = fixed_string("f32");
};
template <>
struct element_traits<double> {
  using compute = double;
  static constexpr auto name = fixed_string("f64");
};
template <>
struct element_traits<bfloat16> {
  using compute = float;
  static constexpr auto name = fixed_string("bf16");
};
template <>
struct element_traits<float16> {
  using compute = float;
  static constexpr auto name = fixed_string("f16");
};

/// Integers are stored beside weights (where the entries of a sparse weight lie, quantised values); nothing is computed
/// in them.
template <>
struct element_traits<std::int8_t> {
  static constexpr auto name = fixed_string("i8");
};
template <>
struct element_traits<std::uint8_t> {
  static constexpr auto name = fixed_string("u8");
};
template <>
struct element_traits<std::uint16_t> {
  static constexpr auto name = fixed_string("u16");
};
template <>
struct element_traits<std::uint32_t> {
  static constexpr auto name = fixed_string("u32");
};
template <class Element>
inline constexpr bool is_integer = std::is_integral_v<Element>;
/// Unsigned integers say where values lie, and are no parameters; signed ones are quantised parameters.
template <class Element>
inline constexpr bool is_pattern = is_integer<Element> && std::is_unsigned_v<Element>;

/// The type in which an element is computed: f32 for f32, bf16 and f16, f64 for f64.
template <class Element>
using compute_t = typename element_traits<std::remove_const_t<Element>>::compute;

/// Widens a stored element to its compute type.
template <class Element>
LACUNA_HD constexpr compute_t<Element> widen(Element stored) noexcept {
  return static_cast<compute_t<Element>>(stored);
}

/// Converts between element types through their compute types.
template <class To, class From>
LACUNA_HD constexpr To convert_element(From from) noexcept {
  if constexpr (same<To, From>)
    return from;
  else
    return static_cast<To>(static_cast<compute_t<To>>(static_cast<compute_t<From>>(from)));
}

LACUNA_END
