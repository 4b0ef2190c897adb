#pragma once
/// The dense product and its two transposes.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// A view of a weight: `Outputs` rows of `Inputs` elements.
template <class Element, extent_t Outputs, extent_t Inputs>
struct matrix {
  static constexpr extent_t outputs = Outputs;
  static constexpr extent_t inputs = Inputs;
  Element* data = nullptr;

  constexpr matrix() = default;
  LACUNA_HD constexpr explicit matrix(Element* from) noexcept : data(from) {}
  LACUNA_HD constexpr Element* row(extent_t output) const noexcept { return data + output * Inputs; }
};

/// A weight tensor as a constant matrix.
template <class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto as_matrix(const tensor<Element, Outputs, Inputs>& weight) noexcept {
  return matrix<const Element, Outputs, Inputs>(weight.data);
}

namespace operation {

/// y = x W^T: `(tokens, inputs) x (outputs, inputs) -> (tokens, outputs)`.
struct multiply {
  static constexpr auto name = fixed_string("multiply");
  template <class Y, class X, class Weight, class Packed>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X& x, const Weight&, const Packed&) noexcept {
    return std::uint64_t{x.count} * Weight::outputs * Weight::inputs;
  }
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs, class Packed>
LACUNA_HD constexpr auto kernel(multiply, rows<Value, Outputs> y, rows<const Input, Inputs> x,
                                matrix<const Element, Outputs, Inputs> weight, const Packed&, const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const Element* w = weight.row(o);
      const Input* in = x.row(t);
      compute_t<Value> sum = 0;
      for (extent_t i = 0; i < Inputs; ++i) sum += widen(in[i]) * static_cast<compute_t<Value>>(widen(w[i]));
      y(t, o) = static_cast<Value>(sum);
    }
  return ran_on<reference>{};
}

/// dx += dy W: `(tokens, outputs) x (outputs, inputs) -> (tokens, inputs)`.
struct multiply_transposed {
  static constexpr auto name = fixed_string("multiply_transposed");
  template <class X, class Y, class Weight>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const X& x, const Y&, const Weight&) noexcept {
    return std::uint64_t{x.count} * Weight::outputs * Weight::inputs;
  }
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(multiply_transposed, rows<Value, Inputs> dx, rows<const Input, Outputs> dy,
                                matrix<const Element, Outputs, Inputs> weight, const reference&) {
  for (extent_t t = 0; t < dy.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const auto scale = widen(dy(t, o));
      const Element* w = weight.row(o);
      Value* out = dx.row(t);
      for (extent_t i = 0; i < Inputs; ++i) out[i] += static_cast<Value>(scale * static_cast<Value>(widen(w[i])));
    }
  return ran_on<reference>{};
}

/// dW += dy^T x: `(tokens, outputs) x (tokens, inputs) -> (outputs, inputs)`.
struct accumulate_outer {
  static constexpr auto name = fixed_string("accumulate_outer");
  template <class Gradient, class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Gradient&, const Y&, const X& x) noexcept {
    return std::uint64_t{x.count} * Gradient::outputs * Gradient::inputs;
  }
};
template <class Value, class Input, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(accumulate_outer, matrix<Value, Outputs, Inputs> gradient,
                                rows<const Input, Outputs> dy, rows<const Input, Inputs> x, const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const auto scale = widen(dy(t, o));
      Value* out = gradient.row(o);
      const Input* in = x.row(t);
      for (extent_t i = 0; i < Inputs; ++i) out[i] += static_cast<Value>(scale * widen(in[i]));
    }
  return ran_on<reference>{};
}

}  // namespace operation

namespace rules {
template <bool Fine>
struct views_fit_the_weight {
  static_assert(Fine,
                "lacuna::multiply: the views do not fit the weight (give x as many columns as it has inputs, y as it "
                "has outputs)");
};
}  // namespace rules

namespace op {

/// y = x W^T. `(tokens, inputs) x (outputs, inputs) -> (tokens, outputs)`; tokens * outputs * inputs multiply-adds,
/// accumulated in the compute type. `packed` is the backend's own form of the weight, or `nothing`.
template <class Value, extent_t To, class Input, extent_t From, class Element, extent_t Outputs, extent_t Inputs,
          class Packed, class Backend>
LACUNA_HD constexpr auto multiply(rows<Value, To> y, rows<Input, From> x,
                                  const tensor<Element, Outputs, Inputs>& weight, const Packed& packed,
                                  const Backend& backend) {
  constexpr bool fine = To == Outputs && From == Inputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply{}, backend, y, readable(x), as_matrix(weight), packed);
  else
    return ran_on<reference>{};
}

/// dx += dy W. `(tokens, outputs) x (outputs, inputs) -> (tokens, inputs)`; the cost of `multiply`.
template <class Value, extent_t To, class Input, extent_t From, class Element, extent_t Outputs, extent_t Inputs,
          class Backend>
LACUNA_HD constexpr auto multiply_transposed(rows<Value, To> dx, rows<Input, From> dy,
                                             const tensor<Element, Outputs, Inputs>& weight, const Backend& backend) {
  constexpr bool fine = To == Inputs && From == Outputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_transposed{}, backend, dx, readable(dy), as_matrix(weight));
  else
    return ran_on<reference>{};
}

/// dW += dy^T x. `(tokens, outputs) x (tokens, inputs) -> (outputs, inputs)`; the cost of `multiply`.
template <class Value, extent_t Outputs, extent_t Inputs, class Adjoint, extent_t To, class Input, extent_t From,
          class Backend>
LACUNA_HD constexpr auto accumulate_outer(tensor<Value, Outputs, Inputs>& gradient, rows<Adjoint, To> dy,
                                          rows<Input, From> x, const Backend& backend) {
  constexpr bool fine = To == Outputs && From == Inputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::accumulate_outer{}, backend, matrix<Value, Outputs, Inputs>(gradient.data),
                      readable(dy), readable(x));
  else
    return ran_on<reference>{};
}

}  // namespace op

LACUNA_END
