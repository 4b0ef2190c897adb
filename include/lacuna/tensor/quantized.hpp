#pragma once
/// Integers of eight bits in the place of numbers: views of quantised weights and rows.
///
/// Symmetric: an integer from -127 to 127 times the scale of its row; -128 does not occur.

#include <lacuna/core/maths.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

/// The largest magnitude of an integer of eight bits here.
inline constexpr int most_of_eight_bits = 127;
/// The most inputs whose products of such integers 32 bits can sum up.
inline constexpr extent_t most_integer_inputs = 0x7fffffff / (most_of_eight_bits * most_of_eight_bits);

/// The nearest integer, of two the even one, for |x| < 2^22. Without sums of products: no compiler contracts anything.
template <class Real>
LACUNA_HD constexpr int nearest_integer_of(Real x) noexcept {
  const int towards_zero = static_cast<int>(x);
  const Real twice = Real(2) * x, above = static_cast<Real>(2 * towards_zero + 1),
             below = static_cast<Real>(2 * towards_zero - 1);
  const bool odd = towards_zero % 2 != 0;
  if (twice > above || (odd && twice >= above)) return towards_zero + 1;
  if (twice < below || (odd && twice <= below)) return towards_zero - 1;
  return towards_zero;
}

/// A quantised weight: `integers` `(outputs, inputs)`, `scales` `(outputs)`.
template <class Element, extent_t Outputs, extent_t Inputs>
struct quantized_matrix {
  using element = Element;
  static constexpr extent_t outputs = Outputs;
  static constexpr extent_t inputs = Inputs;
  const std::int8_t* integers = nullptr;
  const Element* scales = nullptr;

  constexpr quantized_matrix() = default;
  LACUNA_HD constexpr quantized_matrix(const std::int8_t* of, const Element* times) noexcept
      : integers(of), scales(times) {}
  LACUNA_HD constexpr const std::int8_t* row(extent_t output) const noexcept { return integers + output * Inputs; }
  LACUNA_HD constexpr auto scale(extent_t output) const noexcept { return widen(scales[output]); }
};

/// Quantised rows `(tokens, columns)`, each with a scale of its own. Rows are `stride` apart, and 0 behind their last
/// column.
template <class Integer, class Value, extent_t Columns>
struct quantized_rows {
  using value = Value;
  static constexpr extent_t columns = Columns;
  static constexpr extent_t stride = (Columns + 63) / 64 * 64;
  Integer* integers = nullptr;
  Value* scales = nullptr;
  extent_t count = 0;

  constexpr quantized_rows() = default;
  LACUNA_HD constexpr quantized_rows(Integer* of, Value* times, extent_t tokens) noexcept
      : integers(of), scales(times), count(tokens) {}
  LACUNA_HD constexpr Integer* row(extent_t token) const noexcept { return integers + token * stride; }
};
/// The same view, constant.
template <class Integer, class Value, extent_t Columns>
LACUNA_HD constexpr quantized_rows<const Integer, const Value, Columns> readable(
    const quantized_rows<Integer, Value, Columns>& from) noexcept {
  return {from.integers, from.scales, from.count};
}

/// Room for up to `Tokens` quantised rows.
template <class Value, extent_t Tokens, extent_t Columns>
struct quantized_buffer {
  using view = quantized_rows<std::int8_t, Value, Columns>;
  tensor<std::int8_t, Tokens, view::stride> integers;
  tensor<Value, Tokens> scales;
  LACUNA_HD constexpr view first(extent_t tokens) noexcept { return {integers.data, scales.data, tokens}; }
};

LACUNA_END
