#pragma once
/// Products of weights of eight bits, with rows of numbers and with rows of eight bits, which are made here, too.

#include <lacuna/op/backend.hpp>
#include <lacuna/tensor/quantized.hpp>

LACUNA_BEGIN

namespace operation {

/// Base of the products below: their cost is that of the dense ones.
struct counted_as_dense {
  template <class Rows, class Weight>
  LACUNA_HD static constexpr std::uint64_t of(const Rows& x, const Weight&) noexcept {
    return std::uint64_t{x.count} * Weight::outputs * Weight::inputs;
  }
};

/// Rows of eight bits from rows of numbers: `(tokens, columns) -> (tokens, columns)`.
struct quantize_rows {
  static constexpr auto name = fixed_string("quantize_rows");
  template <class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X&) noexcept {
    return 0;  // elementwise work is not counted as multiply-adds
  }
};

/// How a row is quantised whose largest magnitude is known, in the same few steps on every backend: `scale` is what its
/// integers are multiplied by, `inverse` what its numbers are. Both are 0 where there is nothing to quantise; the scale
/// is no number where the row has something that is none, or is infinite.
template <class Value>
struct row_quantizer {
  Value scale = 0, inverse = 0;
  LACUNA_HD constexpr row_quantizer(Value largest, bool finite) noexcept {
    // Below 2^-100 the inverse would soon be infinite.
    if (!finite) {
      scale = static_cast<Value>(__builtin_nanf(""));
    } else if (largest >= static_cast<Value>(0x1p-100)) {
      scale = largest / Value(most_of_eight_bits);
      inverse = Value(most_of_eight_bits) / largest;
    }
  }
};
template <class Value, class Input, extent_t Columns>
LACUNA_HD constexpr auto kernel(quantize_rows, const quantized_rows<std::int8_t, Value, Columns>& y,
                                rows<const Input, Columns> x, const reference&) {
  for (extent_t t = 0; t < x.count; ++t) {
    const Input* from = x.row(t);
    std::int8_t* to = y.row(t);
    Value largest = 0;
    bool finite = true;
    for (extent_t i = 0; i < Columns; ++i) {
      const Value number = static_cast<Value>(widen(from[i]));
      largest = maths::larger(largest, maths::absolute(number));
      finite = finite && maths::is_finite(number);
    }
    const row_quantizer<Value> row(largest, finite);
    y.scales[t] = row.scale;
    for (extent_t i = 0; i < y.stride; ++i) to[i] = 0;
    if (row.inverse != 0)
      for (extent_t i = 0; i < Columns; ++i)
        to[i] = static_cast<std::int8_t>(nearest_integer_of(static_cast<Value>(widen(from[i])) * row.inverse));
  }
  return ran_on<reference>{};
}

/// y = x W^T with numbers x: `(tokens, inputs) -> (tokens, outputs)`.
struct multiply_quantized : counted_as_dense {
  static constexpr auto name = fixed_string("multiply_quantized");
  template <class Y, class X, class Weight>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X& x, const Weight& weight) noexcept {
    return of(x, weight);
  }
};
/// Sum over the inputs of integers times numbers, or of integers times integers.
template <class Sum, class Input>
LACUNA_HD constexpr Sum sum_of_products(const std::int8_t* w, const Input* x, extent_t inputs) noexcept {
  Sum sum = 0;
  for (extent_t i = 0; i < inputs; ++i)
    if constexpr (is_integer<Input>)
      sum += static_cast<Sum>(w[i]) * static_cast<Sum>(x[i]);
    else
      sum += static_cast<Sum>(w[i]) * static_cast<Sum>(widen(x[i]));
  return sum;
}
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(multiply_quantized, rows<Value, Outputs> y, rows<const Input, Inputs> x,
                                const quantized_matrix<Element, Outputs, Inputs>& weight, const reference&) {
  using number = compute_t<Value>;
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o)
      y(t, o) = static_cast<Value>(sum_of_products<number>(weight.row(o), x.row(t), Inputs) *
                                   static_cast<number>(weight.scale(o)));
  return ran_on<reference>{};
}

/// y = x W^T with rows x of eight bits: `(tokens, inputs) -> (tokens, outputs)`. The sum of the products is exact; it
/// is multiplied by the scale of the row, then by that of the output: the same bits on every backend.
struct multiply_integers : counted_as_dense {
  static constexpr auto name = fixed_string("multiply_integers");
  template <class Y, class X, class Weight>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X& x, const Weight& weight) noexcept {
    return of(x, weight);
  }
};
template <class Value, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(multiply_integers, rows<Value, Outputs> y,
                                const quantized_rows<const std::int8_t, const Value, Inputs>& x,
                                const quantized_matrix<Element, Outputs, Inputs>& weight, const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o)
      y(t, o) = static_cast<Value>(sum_of_products<std::int32_t>(weight.row(o), x.row(t), Inputs)) * x.scales[t] *
                static_cast<Value>(weight.scale(o));
  return ran_on<reference>{};
}

/// dx += dy W: `(tokens, outputs) -> (tokens, inputs)`.
struct multiply_quantized_transposed : counted_as_dense {
  static constexpr auto name = fixed_string("multiply_quantized_transposed");
  template <class X, class Y, class Weight>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const X& dx, const Y&, const Weight& weight) noexcept {
    return of(dx, weight);
  }
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(multiply_quantized_transposed, rows<Value, Inputs> dx, rows<const Input, Outputs> dy,
                                const quantized_matrix<Element, Outputs, Inputs>& weight, const reference&) {
  for (extent_t t = 0; t < dy.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const Value scale = static_cast<Value>(widen(dy(t, o))) * static_cast<Value>(weight.scale(o));
      const std::int8_t* w = weight.row(o);
      Value* to = dx.row(t);
      for (extent_t i = 0; i < Inputs; ++i) to[i] += scale * static_cast<Value>(w[i]);
    }
  return ran_on<reference>{};
}

/// dscale += sum over the tokens of dy times what the output was before its scale. Rows of numbers, or of eight bits.
struct accumulate_scales : counted_as_dense {
  static constexpr auto name = fixed_string("accumulate_scales");
  template <class Gradient, class Y, class X, class Weight>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Gradient&, const Y&, const X& x,
                                                         const Weight& weight) noexcept {
    return of(x, weight);
  }
};
template <class Value, class Adjoint, class Input, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(accumulate_scales, rows<Value, Outputs> dscale, rows<const Adjoint, Outputs> dy,
                                rows<const Input, Inputs> x, const quantized_matrix<Element, Outputs, Inputs>& weight,
                                const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o)
      dscale(0, o) += static_cast<Value>(widen(dy(t, o))) * sum_of_products<Value>(weight.row(o), x.row(t), Inputs);
  return ran_on<reference>{};
}
template <class Value, class Adjoint, class Number, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(accumulate_scales, rows<Value, Outputs> dscale, rows<const Adjoint, Outputs> dy,
                                const quantized_rows<const std::int8_t, const Number, Inputs>& x,
                                const quantized_matrix<Element, Outputs, Inputs>& weight, const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const auto sum = sum_of_products<std::int32_t>(weight.row(o), x.row(t), Inputs);
      dscale(0, o) += static_cast<Value>(widen(dy(t, o))) * (static_cast<Value>(sum) * x.scales[t]);
    }
  return ran_on<reference>{};
}

}  // namespace operation

namespace rules {
template <bool Fine>
struct views_fit_the_integers {
  static_assert(Fine,
                "lacuna::multiply_quantized: the views do not fit the weight (give x as many columns as it has inputs, "
                "y as it has outputs)");
};
template <bool Fine>
struct sums_of_integers_fit {
  static_assert(Fine,
                "lacuna::multiply_integers: 32 bits do not hold the sum of so many products of integers (quantise "
                "activations of at most 133144 inputs)");
};
}  // namespace rules

namespace op {

/// Rows of eight bits: of each row the scale is max |x| / 127 and an integer x * (127 / max |x|), rounded to nearest,
/// ties to even: `(tokens, columns) -> (tokens, columns)`. A row of 0, or of numbers below 2^-100, gives 0. A row with
/// something that is no number, or is infinite, has a scale that is none, so that it cannot vanish.
template <class Value, class Input, extent_t To, extent_t From, class Backend>
LACUNA_HD constexpr auto quantize_rows(const quantized_rows<std::int8_t, Value, To>& y, rows<Input, From> x,
                                       const Backend& backend) {
  constexpr bool fine = To == From;
  static_assert(__is_base_of(nothing, rules::views_fit_the_integers<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::quantize_rows{}, backend, y, readable(x));
  else
    return ran_on<reference>{};
}

/// y = x W^T: `(tokens, inputs) x (outputs, inputs) -> (tokens, outputs)`; tokens * outputs * inputs multiply-adds,
/// accumulated in the compute type, and one scale per output.
template <class Value, extent_t To, class Input, extent_t From, class Element, extent_t Outputs, extent_t Inputs,
          class Backend>
LACUNA_HD constexpr auto multiply_quantized(rows<Value, To> y, rows<Input, From> x,
                                            const quantized_matrix<Element, Outputs, Inputs>& weight,
                                            const Backend& backend) {
  constexpr bool fine = To == Outputs && From == Inputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_integers<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_quantized{}, backend, y, readable(x), weight);
  else
    return ran_on<reference>{};
}

/// y = x W^T with rows of eight bits, exact up to the two scales: the same bits on every backend. At most 133144
/// inputs. `(tokens, inputs) x (outputs, inputs) -> (tokens, outputs)`; the cost of `multiply_quantized`.
template <class Value, extent_t To, class Integer, class Scale, extent_t From, class Element, extent_t Outputs,
          extent_t Inputs, class Backend>
LACUNA_HD constexpr auto multiply_integers(rows<Value, To> y, const quantized_rows<Integer, Scale, From>& x,
                                           const quantized_matrix<Element, Outputs, Inputs>& weight,
                                           const Backend& backend) {
  constexpr bool fine = To == Outputs && From == Inputs, sums_fit = !fine || Inputs <= most_integer_inputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_integers<fine>) || true);
  static_assert(__is_base_of(nothing, rules::sums_of_integers_fit<sums_fit>) || true);
  if constexpr (fine && sums_fit)
    return run_kernel(operation::multiply_integers{}, backend, y, readable(x), weight);
  else
    return ran_on<reference>{};
}

/// dx += dy W: `(tokens, outputs) x (outputs, inputs) -> (tokens, inputs)`; the cost of `multiply_quantized`.
template <class Value, extent_t To, class Input, extent_t From, class Element, extent_t Outputs, extent_t Inputs,
          class Backend>
LACUNA_HD constexpr auto multiply_quantized_transposed(rows<Value, To> dx, rows<Input, From> dy,
                                                       const quantized_matrix<Element, Outputs, Inputs>& weight,
                                                       const Backend& backend) {
  constexpr bool fine = To == Inputs && From == Outputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_integers<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_quantized_transposed{}, backend, dx, readable(dy), weight);
  else
    return ran_on<reference>{};
}

/// dscale += sum over tokens of dy times the output before its scale: `(tokens, outputs) x (tokens, inputs) ->
/// (outputs)`, x in numbers or in eight bits; the cost of `multiply_quantized`.
template <class Value, extent_t Scales, class Adjoint, extent_t To, class Inputs, class Element, extent_t Outputs,
          extent_t From, class Backend>
LACUNA_HD constexpr auto accumulate_scales(tensor<Value, Scales>& dscale, rows<Adjoint, To> dy, const Inputs& x,
                                           const quantized_matrix<Element, Outputs, From>& weight,
                                           const Backend& backend) {
  constexpr bool fine = Scales == Outputs && To == Outputs && Inputs::columns == From;
  static_assert(__is_base_of(nothing, rules::views_fit_the_integers<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::accumulate_scales{}, backend, rows<Value, Outputs>(dscale.data, 1), readable(dy),
                      readable(x), weight);
  else
    return ran_on<reference>{};
}

}  // namespace op

LACUNA_END
