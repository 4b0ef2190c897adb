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

namespace detail {

// The reference's loops over weights, `(outputs, inputs)`. Sizes come at run time, so that all weights share them. Four
// outputs or tokens are taken at once, which do not wait for each other; every sum is formed in order, as one by one.
template <class Value, class Input, class Element>
LACUNA_HD LACUNA_APART constexpr void multiply_rows(Value* y, const Input* x, const Element* weight, extent_t tokens,
                                                    extent_t outputs, extent_t inputs) noexcept {
  using computed = compute_t<Value>;
  for (extent_t t = 0; t < tokens; ++t, x += inputs, y += outputs) {
    extent_t o = 0;
    for (; o + 4 <= outputs; o += 4) {
      const Element *w0 = weight + o * inputs, *w1 = w0 + inputs, *w2 = w1 + inputs, *w3 = w2 + inputs;
      computed sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
      for (extent_t i = 0; i < inputs; ++i) {
        const auto in = widen(x[i]);
        sum0 += in * static_cast<computed>(widen(w0[i]));
        sum1 += in * static_cast<computed>(widen(w1[i]));
        sum2 += in * static_cast<computed>(widen(w2[i]));
        sum3 += in * static_cast<computed>(widen(w3[i]));
      }
      y[o] = static_cast<Value>(sum0), y[o + 1] = static_cast<Value>(sum1);
      y[o + 2] = static_cast<Value>(sum2), y[o + 3] = static_cast<Value>(sum3);
    }
    for (; o < outputs; ++o) {
      const Element* w = weight + o * inputs;
      computed sum = 0;
      for (extent_t i = 0; i < inputs; ++i) sum += widen(x[i]) * static_cast<computed>(widen(w[i]));
      y[o] = static_cast<Value>(sum);
    }
  }
}
template <class Value, class Input, class Element>
LACUNA_HD LACUNA_APART constexpr void multiply_rows_transposed(Value* dx, const Input* dy, const Element* weight,
                                                               extent_t tokens, extent_t outputs,
                                                               extent_t inputs) noexcept {
  const auto part = [](auto scale, Element w) { return static_cast<Value>(scale * static_cast<Value>(widen(w))); };
  for (extent_t t = 0; t < tokens; ++t, dx += inputs, dy += outputs) {
    extent_t o = 0;
    for (; o + 4 <= outputs; o += 4) {
      const Element *w0 = weight + o * inputs, *w1 = w0 + inputs, *w2 = w1 + inputs, *w3 = w2 + inputs;
      const auto by0 = widen(dy[o]), by1 = widen(dy[o + 1]), by2 = widen(dy[o + 2]), by3 = widen(dy[o + 3]);
      for (extent_t i = 0; i < inputs; ++i) {
        Value sum = dx[i];
        sum += part(by0, w0[i]), sum += part(by1, w1[i]), sum += part(by2, w2[i]), sum += part(by3, w3[i]);
        dx[i] = sum;
      }
    }
    for (; o < outputs; ++o) {
      const Element* w = weight + o * inputs;
      const auto by = widen(dy[o]);
      for (extent_t i = 0; i < inputs; ++i) dx[i] += part(by, w[i]);
    }
  }
}
template <class Value, class Input, class Output>
LACUNA_HD LACUNA_APART constexpr void accumulate_rows(Value* gradient, const Output* dy, const Input* x,
                                                      extent_t tokens, extent_t outputs, extent_t inputs) noexcept {
  const auto part = [](auto scale, Input in) { return static_cast<Value>(scale * widen(in)); };
  extent_t t = 0;
  for (; t + 4 <= tokens; t += 4, x += 4 * inputs, dy += 4 * outputs) {
    const Input *x0 = x, *x1 = x0 + inputs, *x2 = x1 + inputs, *x3 = x2 + inputs;
    for (extent_t o = 0; o < outputs; ++o) {
      const auto by0 = widen(dy[o]), by1 = widen(dy[outputs + o]), by2 = widen(dy[2 * outputs + o]),
                 by3 = widen(dy[3 * outputs + o]);
      Value* out = gradient + o * inputs;
      for (extent_t i = 0; i < inputs; ++i) {
        Value sum = out[i];
        sum += part(by0, x0[i]), sum += part(by1, x1[i]), sum += part(by2, x2[i]), sum += part(by3, x3[i]);
        out[i] = sum;
      }
    }
  }
  for (; t < tokens; ++t, x += inputs, dy += outputs)
    for (extent_t o = 0; o < outputs; ++o) {
      const auto by = widen(dy[o]);
      Value* out = gradient + o * inputs;
      for (extent_t i = 0; i < inputs; ++i) out[i] += part(by, x[i]);
    }
}

}  // namespace detail

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
  detail::multiply_rows(y.data, x.data, weight.data, x.count, Outputs, Inputs);
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
  detail::multiply_rows_transposed(dx.data, dy.data, weight.data, dy.count, Outputs, Inputs);
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
  detail::accumulate_rows(gradient.data, dy.data, x.data, x.count, Outputs, Inputs);
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
