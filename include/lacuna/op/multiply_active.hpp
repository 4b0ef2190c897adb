#pragma once
/// Products that compute with some neurons only: those in one list per token. The rest of a weight is not read.
///
/// Over outputs: y(u) = W(u) . x for u in the list. Over inputs: y = sum over u in the list of W(:, u) h(u), on the
/// input-major copy of the weight, in which W(:, u) lies side by side. Each has the two products of its backward: the
/// gradient passes through the entries of the list alone, and the list itself is a constant. Sums are formed in the
/// order of the list, so that a full list gives what the dense reference gives.

#include <lacuna/op/find_active.hpp>
#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

namespace operation {

/// Base of the products below: their cost is that of the entries in the lists. `Weight` has a row per neuron.
struct counted_by_list {
  template <class To, class From, class Weight, class Lists>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const To&, const From&, const Weight&,
                                                         const Lists& lists) noexcept {
    return lists.total() * Weight::inputs;
  }
};

/// y(u) = W(u) . x for u in the list, 0 elsewhere: `(tokens, inputs) x (outputs, inputs) -> (tokens, outputs)`.
struct multiply_some_outputs : counted_by_list {
  static constexpr auto name = fixed_string("multiply_some_outputs");
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(multiply_some_outputs, rows<Value, Outputs> y, rows<const Input, Inputs> x,
                                matrix<const Element, Outputs, Inputs> weight,
                                active_view<const std::uint32_t, Outputs> lists, const reference&) {
  y.fill(0);
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t j = 0; j < lists.size(t); ++j) {
      const extent_t u = lists.list(t)[j];
      const Element* w = weight.row(u);
      const Input* in = x.row(t);
      compute_t<Value> sum = 0;
      for (extent_t i = 0; i < Inputs; ++i) sum += widen(in[i]) * static_cast<compute_t<Value>>(widen(w[i]));
      y(t, u) = static_cast<Value>(sum);
    }
  return ran_on<reference>{};
}

/// dx += sum over u in the list of dy(u) W(u).
struct multiply_some_outputs_transposed : counted_by_list {
  static constexpr auto name = fixed_string("multiply_some_outputs_transposed");
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(multiply_some_outputs_transposed, rows<Value, Inputs> dx, rows<const Input, Outputs> dy,
                                matrix<const Element, Outputs, Inputs> weight,
                                active_view<const std::uint32_t, Outputs> lists, const reference&) {
  for (extent_t t = 0; t < dy.count; ++t)
    for (extent_t j = 0; j < lists.size(t); ++j) {
      const extent_t u = lists.list(t)[j];
      const auto scale = widen(dy(t, u));
      const Element* w = weight.row(u);
      Value* to = dx.row(t);
      for (extent_t i = 0; i < Inputs; ++i) to[i] += static_cast<Value>(scale * static_cast<Value>(widen(w[i])));
    }
  return ran_on<reference>{};
}

/// dW(u) += dy(u) x for u in the list.
struct accumulate_some_outputs {
  static constexpr auto name = fixed_string("accumulate_some_outputs");
  template <class Gradient, class Y, class X, class Lists>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Gradient&, const Y&, const X&,
                                                         const Lists& lists) noexcept {
    return lists.total() * Gradient::inputs;
  }
};
template <class Value, class Input, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(accumulate_some_outputs, matrix<Value, Outputs, Inputs> gradient,
                                rows<const Input, Outputs> dy, rows<const Input, Inputs> x,
                                active_view<const std::uint32_t, Outputs> lists, const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t j = 0; j < lists.size(t); ++j) {
      const extent_t u = lists.list(t)[j];
      const auto scale = widen(dy(t, u));
      const Input* in = x.row(t);
      Value* to = gradient.row(u);
      for (extent_t i = 0; i < Inputs; ++i) to[i] += static_cast<Value>(scale * widen(in[i]));
    }
  return ran_on<reference>{};
}

/// y = sum over u in the list of W(:, u) h(u): `(tokens, inputs) x (outputs, inputs) -> (tokens, outputs)`. `turned`
/// holds the weight by inputs.
struct multiply_some_inputs : counted_by_list {
  static constexpr auto name = fixed_string("multiply_some_inputs");
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(multiply_some_inputs, rows<Value, Outputs> y, rows<const Input, Inputs> h,
                                matrix<const Element, Inputs, Outputs> turned,
                                active_view<const std::uint32_t, Inputs> lists, const reference&) {
  y.fill(0);
  for (extent_t t = 0; t < h.count; ++t)
    for (extent_t j = 0; j < lists.size(t); ++j) {
      const extent_t u = lists.list(t)[j];
      const auto scale = widen(h(t, u));
      const Element* w = turned.row(u);
      Value* to = y.row(t);
      for (extent_t o = 0; o < Outputs; ++o) to[o] += static_cast<Value>(scale * static_cast<Value>(widen(w[o])));
    }
  return ran_on<reference>{};
}

/// dh(u) += W(:, u) . dy for u in the list.
struct multiply_some_inputs_transposed : counted_by_list {
  static constexpr auto name = fixed_string("multiply_some_inputs_transposed");
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(multiply_some_inputs_transposed, rows<Value, Inputs> dh, rows<const Input, Outputs> dy,
                                matrix<const Element, Inputs, Outputs> turned,
                                active_view<const std::uint32_t, Inputs> lists, const reference&) {
  for (extent_t t = 0; t < dy.count; ++t)
    for (extent_t j = 0; j < lists.size(t); ++j) {
      const extent_t u = lists.list(t)[j];
      const Element* w = turned.row(u);
      const Input* from = dy.row(t);
      compute_t<Value> sum = 0;
      for (extent_t o = 0; o < Outputs; ++o) sum += widen(from[o]) * static_cast<compute_t<Value>>(widen(w[o]));
      dh(t, u) += static_cast<Value>(sum);
    }
  return ran_on<reference>{};
}

/// dW(o, u) += dy(o) h(u) for u in the list.
struct accumulate_some_inputs {
  static constexpr auto name = fixed_string("accumulate_some_inputs");
  template <class Gradient, class Y, class X, class Lists>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Gradient&, const Y&, const X&,
                                                         const Lists& lists) noexcept {
    return lists.total() * Gradient::outputs;
  }
};
template <class Value, class Input, extent_t Outputs, extent_t Inputs>
LACUNA_HD constexpr auto kernel(accumulate_some_inputs, matrix<Value, Outputs, Inputs> gradient,
                                rows<const Input, Outputs> dy, rows<const Input, Inputs> h,
                                active_view<const std::uint32_t, Inputs> lists, const reference&) {
  for (extent_t t = 0; t < h.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const auto scale = widen(dy(t, o));
      const Input* from = h.row(t);
      Value* to = gradient.row(o);
      for (extent_t j = 0; j < lists.size(t); ++j) {
        const extent_t u = lists.list(t)[j];
        to[u] += static_cast<Value>(scale * widen(from[u]));
      }
    }
  return ran_on<reference>{};
}

}  // namespace operation

namespace rules {
template <bool Fine>
struct lists_fit_the_weight {
  static_assert(Fine,
                "lacuna::multiply_active: the views or lists do not fit the weight (give the lists as many columns as "
                "the side that they choose from)");
};
}  // namespace rules

namespace op {

/// y(u) = W(u) . x for u in the token's list, 0 elsewhere. `(tokens, inputs) x (outputs, inputs) -> (tokens, outputs)`;
/// inputs multiply-adds per entry of a list, accumulated in the compute type.
template <class Value, extent_t To, class Input, extent_t From, class Element, extent_t Outputs, extent_t Inputs,
          class Number, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto multiply_some_outputs(rows<Value, To> y, rows<Input, From> x,
                                               const tensor<Element, Outputs, Inputs>& weight,
                                               active_view<Number, Chosen> lists, const Backend& backend) {
  constexpr bool fine = To == Outputs && From == Inputs && Chosen == Outputs;
  static_assert(__is_base_of(nothing, rules::lists_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_some_outputs{}, backend, y, readable(x), as_matrix(weight), readable(lists));
  else
    return ran_on<reference>{};
}

/// dx += sum over u in the list of dy(u) W(u); the cost of `multiply_some_outputs`.
template <class Value, extent_t To, class Input, extent_t From, class Element, extent_t Outputs, extent_t Inputs,
          class Number, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto multiply_some_outputs_transposed(rows<Value, To> dx, rows<Input, From> dy,
                                                          const tensor<Element, Outputs, Inputs>& weight,
                                                          active_view<Number, Chosen> lists, const Backend& backend) {
  constexpr bool fine = To == Inputs && From == Outputs && Chosen == Outputs;
  static_assert(__is_base_of(nothing, rules::lists_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_some_outputs_transposed{}, backend, dx, readable(dy), as_matrix(weight),
                      readable(lists));
  else
    return ran_on<reference>{};
}

/// dW(u) += dy(u) x for u in the list; the cost of `multiply_some_outputs`.
template <class Value, extent_t Outputs, extent_t Inputs, class Adjoint, extent_t To, class Input, extent_t From,
          class Number, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto accumulate_some_outputs(tensor<Value, Outputs, Inputs>& gradient, rows<Adjoint, To> dy,
                                                 rows<Input, From> x, active_view<Number, Chosen> lists,
                                                 const Backend& backend) {
  constexpr bool fine = To == Outputs && From == Inputs && Chosen == Outputs;
  static_assert(__is_base_of(nothing, rules::lists_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::accumulate_some_outputs{}, backend, matrix<Value, Outputs, Inputs>(gradient.data),
                      readable(dy), readable(x), readable(lists));
  else
    return ran_on<reference>{};
}

/// y = sum over u in the token's list of W(:, u) h(u). `(tokens, inputs) x (outputs, inputs) -> (tokens, outputs)`;
/// outputs multiply-adds per entry of a list, accumulated in y.
template <class Value, extent_t To, class Input, extent_t From, class Element, extent_t Outputs, extent_t Inputs,
          class Number, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto multiply_some_inputs(rows<Value, To> y, rows<Input, From> h,
                                              const input_major<Element, Outputs, Inputs>& weight,
                                              active_view<Number, Chosen> lists, const Backend& backend) {
  constexpr bool fine = To == Outputs && From == Inputs && Chosen == Inputs;
  static_assert(__is_base_of(nothing, rules::lists_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_some_inputs{}, backend, y, readable(h), as_matrix(weight.turned),
                      readable(lists));
  else
    return ran_on<reference>{};
}

/// dh(u) += W(:, u) . dy for u in the list; the cost of `multiply_some_inputs`.
template <class Value, extent_t To, class Input, extent_t From, class Element, extent_t Outputs, extent_t Inputs,
          class Number, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto multiply_some_inputs_transposed(rows<Value, To> dh, rows<Input, From> dy,
                                                         const input_major<Element, Outputs, Inputs>& weight,
                                                         active_view<Number, Chosen> lists, const Backend& backend) {
  constexpr bool fine = To == Inputs && From == Outputs && Chosen == Inputs;
  static_assert(__is_base_of(nothing, rules::lists_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_some_inputs_transposed{}, backend, dh, readable(dy), as_matrix(weight.turned),
                      readable(lists));
  else
    return ran_on<reference>{};
}

/// dW(o, u) += dy(o) h(u) for u in the list; the cost of `multiply_some_inputs`.
template <class Value, extent_t Outputs, extent_t Inputs, class Adjoint, extent_t To, class Input, extent_t From,
          class Number, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto accumulate_some_inputs(tensor<Value, Outputs, Inputs>& gradient, rows<Adjoint, To> dy,
                                                rows<Input, From> h, active_view<Number, Chosen> lists,
                                                const Backend& backend) {
  constexpr bool fine = To == Outputs && From == Inputs && Chosen == Inputs;
  static_assert(__is_base_of(nothing, rules::lists_fit_the_weight<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::accumulate_some_inputs{}, backend, matrix<Value, Outputs, Inputs>(gradient.data),
                      readable(dy), readable(h), readable(lists));
  else
    return ran_on<reference>{};
}

}  // namespace op

LACUNA_END
