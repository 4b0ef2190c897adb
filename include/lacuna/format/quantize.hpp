#pragma once
/// From numbers to integers of eight bits and a scale: how the weights of `quantized<8>` are made.

#include <lacuna/tensor/quantized.hpp>

LACUNA_BEGIN

/// Which range of a row the integers span.
enum class quantized_range : std::uint8_t {
  whole,                ///< all of it: its largest magnitude becomes 127
  least_squared_error,  ///< of its hundredths the one with the least squared error; what lies beyond is clamped
};

namespace detail {

/// The next number of a type that is stored, away from 0 or towards it.
template <class Element>
constexpr Element neighbour(Element of, bool away) noexcept {
  using word = std::conditional_t<sizeof(Element) == 2, std::uint16_t,
                                  std::conditional_t<sizeof(Element) == 4, std::uint32_t, std::uint64_t>>;
  const auto bits = __builtin_bit_cast(word, of);
  return __builtin_bit_cast(Element, static_cast<word>(away ? bits + 1 : bits - 1));
}

/// The integer of a number, for a scale above 0.
constexpr int quantized_number(double number, double scale) noexcept {
  const double ratio = number / scale, most = most_of_eight_bits;
  return nearest_integer_of(ratio > most ? most : ratio < -most ? -most : ratio);
}

/// Whether a scale gives every number of a row back, bit for bit.
template <class Scale, class Value>
constexpr bool gives_back(Scale scale, const Value* row, extent_t count) noexcept {
  const auto wide = static_cast<compute_t<Value>>(widen(scale));
  if (!(wide > 0)) return false;
  for (extent_t i = 0; i < count; ++i) {
    const auto number = widen(row[i]);
    const int integer = quantized_number(static_cast<double>(number), static_cast<double>(wide));
    if (static_cast<compute_t<Value>>(integer) * wide != number) return false;
  }
  return true;
}

template <class Scale, class Value>
constexpr double squared_error(Scale scale, const Value* row, extent_t count) noexcept {
  const auto wide = static_cast<double>(widen(scale));
  double sum = 0;
  for (extent_t i = 0; i < count; ++i) {
    const auto number = static_cast<double>(widen(row[i]));
    const double missed = number - quantized_number(number, wide) * wide;
    sum += missed * missed;
  }
  return sum;
}

/// The scale of a row's whole range.
template <class Scale, class Value>
constexpr Scale scale_of_whole_range(double largest, const Value* row, extent_t count) noexcept {
  Scale scale = static_cast<Scale>(static_cast<compute_t<Scale>>(largest / most_of_eight_bits));
  // A scale of few bits may come out too small by more than half a step of the largest integer.
  if (largest > (most_of_eight_bits + 0.5) * static_cast<double>(widen(scale))) scale = neighbour(scale, true);
  // 127 times a scale is rounded, so that the scale that made this row may be a neighbour.
  const Scale candidates[]{scale, neighbour(scale, true), neighbour(scale, false)};
  for (const Scale candidate : candidates)
    if (gives_back(candidate, row, count)) return candidate;
  return scale;
}

}  // namespace detail

/// Quantises a row of `count` finite numbers to integers from -127 to 127, rounded to nearest, ties to even, and
/// returns the scale that they are multiplied by.
///
/// By the whole range |number - scale * integer| <= scale / 2, a row that is integers times one scale, of which the
/// largest is 127 or -127, is given back bit for bit, and a row of 0 stays one, with the scale 0. By the least squared
/// error the sum of squares is at most that of the whole range; it costs up to 100 passes.
/// Source: symmetric ranges by the largest magnitude or by the squared error, as in Bondarenko et al. (2023), arXiv
/// 2306.12929, section 5.
template <class Scale, class Value>
constexpr Scale quantize_row(std::int8_t* integers, const Value* row, extent_t count,
                             quantized_range range = quantized_range::whole) noexcept {
  double largest = 0;
  for (extent_t i = 0; i < count; ++i)
    largest = maths::larger(largest, static_cast<double>(maths::absolute(widen(row[i]))));
  if (largest == 0) {
    for (extent_t i = 0; i < count; ++i) integers[i] = 0;
    return Scale(0.0f);
  }
  Scale best = detail::scale_of_whole_range<Scale>(largest, row, count);
  if (range == quantized_range::least_squared_error) {
    double least = detail::squared_error(best, row, count);
    for (int hundredths = 99; hundredths > 0; --hundredths) {
      const double step = largest * hundredths / (100.0 * most_of_eight_bits);
      const auto scale = static_cast<Scale>(static_cast<compute_t<Scale>>(step));
      const double clamped = largest - most_of_eight_bits * static_cast<double>(widen(scale));
      // What the largest number loses only grows from here on.
      if (!(widen(scale) > 0) || (clamped > 0 && clamped * clamped >= least)) break;
      if (const double error = detail::squared_error(scale, row, count); error < least) best = scale, least = error;
    }
  }
  for (extent_t i = 0; i < count; ++i)
    integers[i] = static_cast<std::int8_t>(
        detail::quantized_number(static_cast<double>(widen(row[i])), static_cast<double>(widen(best))));
  return best;
}

/// Quantises a dense weight `(outputs, inputs)` row by row into the parameters of a `quantized<8>`.
template <class Parameters, class Element, extent_t Outputs, extent_t Inputs>
constexpr void quantize_weight(Parameters& to, const tensor<Element, Outputs, Inputs>& from,
                               quantized_range range = quantized_range::whole) noexcept {
  using scale = std::remove_cvref_t<decltype(to.scale[0])>;
  for (extent_t o = 0; o < Outputs; ++o)
    to.scale[o] = quantize_row<scale>(to.weight.data + o * Inputs, from.data + o * Inputs, Inputs, range);
}

LACUNA_END
