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

/// The type in which an element is computed: f32 for f32 and bf16, f64 for f64.
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
