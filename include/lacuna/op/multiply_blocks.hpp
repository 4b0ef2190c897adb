#pragma once
/// Products of sparse weights: the stored blocks alone are read.

#include <lacuna/op/backend.hpp>
#include <lacuna/tensor/blocks.hpp>

LACUNA_BEGIN

namespace operation {

/// What a product with stored blocks costs: every stored value once per token.
template <class Rows, class Blocks>
LACUNA_HD constexpr std::uint64_t multiply_adds_of_blocks(const Rows& x, const Blocks& weight) noexcept {
  return std::uint64_t{x.count} * weight.pattern.entries() * Blocks::pattern_type::block_size;
}

/// y = x W^T, W in blocks: `(tokens, inputs) -> (tokens, outputs)`.
struct multiply_blocks {
  static constexpr auto name = fixed_string("multiply_blocks");
  template <class Y, class X, class Weight, class Packed>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X& x, const Weight& weight,
                                                         const Packed&) noexcept {
    return multiply_adds_of_blocks(x, weight);
  }
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs, class Pattern, class Packed>
LACUNA_HD constexpr auto kernel(multiply_blocks, rows<Value, Outputs> y, rows<const Input, Inputs> x,
                                const block_matrix<const Element, Pattern>& weight, const Packed&, const reference&) {
  y.fill(0);
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t strip = 0; strip < Pattern::strips; ++strip)
      for_each_value(weight.pattern, strip, [&](extent_t o, extent_t i, extent_t at) {
        y(t, o) += static_cast<Value>(widen(x(t, i)) * static_cast<compute_t<Value>>(widen(weight.values[at])));
      });
  return ran_on<reference>{};
}

/// dx += dy W, W in blocks: `(tokens, outputs) -> (tokens, inputs)`.
struct multiply_blocks_transposed {
  static constexpr auto name = fixed_string("multiply_blocks_transposed");
  template <class X, class Y, class Weight, class Packed>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const X& x, const Y&, const Weight& weight,
                                                         const Packed&) noexcept {
    return multiply_adds_of_blocks(x, weight);
  }
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs, class Pattern, class Packed>
LACUNA_HD constexpr auto kernel(multiply_blocks_transposed, rows<Value, Inputs> dx, rows<const Input, Outputs> dy,
                                const block_matrix<const Element, Pattern>& weight, const Packed&, const reference&) {
  for (extent_t t = 0; t < dy.count; ++t)
    for (extent_t strip = 0; strip < Pattern::strips; ++strip)
      for_each_value(weight.pattern, strip, [&](extent_t o, extent_t i, extent_t at) {
        dx(t, i) += static_cast<Value>(widen(dy(t, o)) * static_cast<Value>(widen(weight.values[at])));
      });
  return ran_on<reference>{};
}

/// dW += dy^T x at the stored blocks.
struct accumulate_blocks {
  static constexpr auto name = fixed_string("accumulate_blocks");
  template <class Gradient, class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Gradient& gradient, const Y&, const X& x) noexcept {
    return multiply_adds_of_blocks(x, gradient);
  }
};
template <class Value, class Adjoint, class Input, extent_t Outputs, extent_t Inputs, class Pattern>
LACUNA_HD constexpr auto kernel(accumulate_blocks, const block_matrix<Value, Pattern>& gradient,
                                rows<const Adjoint, Outputs> dy, rows<const Input, Inputs> x, const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t strip = 0; strip < Pattern::strips; ++strip)
      for_each_value(gradient.pattern, strip, [&](extent_t o, extent_t i, extent_t at) {
        gradient.values[at] += static_cast<Value>(widen(dy(t, o)) * widen(x(t, i)));
      });
  return ran_on<reference>{};
}

}  // namespace operation

namespace rules {
template <bool Fine>
struct views_fit_the_blocks {
  static_assert(Fine,
                "lacuna::multiply_blocks: the views do not fit the weight (give x as many columns as its pattern has "
                "inputs, y as it has outputs)");
};
}  // namespace rules

namespace op {

/// y = x W^T, W in blocks: `(tokens, inputs) -> (tokens, outputs)`; as many multiply-adds per token as values are
/// stored, accumulated in the compute type. `packed` is the backend's own form of the weight, or `nothing`.
template <class Value, extent_t To, class Input, extent_t From, class Element, class Pattern, class Packed,
          class Backend>
LACUNA_HD constexpr auto multiply_blocks(rows<Value, To> y, rows<Input, From> x,
                                         const block_matrix<const Element, Pattern>& weight, const Packed& packed,
                                         const Backend& backend) {
  constexpr bool fine = To == Pattern::outputs && From == Pattern::inputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_blocks<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_blocks{}, backend, y, readable(x), weight, packed);
  else
    return ran_on<reference>{};
}

/// dx += dy W, W in blocks: `(tokens, outputs) -> (tokens, inputs)`; the cost of `multiply_blocks`.
template <class Value, extent_t To, class Input, extent_t From, class Element, class Pattern, class Packed,
          class Backend>
LACUNA_HD constexpr auto multiply_blocks_transposed(rows<Value, To> dx, rows<Input, From> dy,
                                                    const block_matrix<const Element, Pattern>& weight,
                                                    const Packed& packed, const Backend& backend) {
  constexpr bool fine = To == Pattern::inputs && From == Pattern::outputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_blocks<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::multiply_blocks_transposed{}, backend, dx, readable(dy), weight, packed);
  else
    return ran_on<reference>{};
}

/// dW += dy^T x at the stored blocks; the cost of `multiply_blocks`. What lies beyond the weight's edges stays as it
/// is.
template <class Value, class Pattern, class Adjoint, extent_t To, class Input, extent_t From, class Backend>
LACUNA_HD constexpr auto accumulate_blocks(const block_matrix<Value, Pattern>& gradient, rows<Adjoint, To> dy,
                                           rows<Input, From> x, const Backend& backend) {
  constexpr bool fine = To == Pattern::outputs && From == Pattern::inputs;
  static_assert(__is_base_of(nothing, rules::views_fit_the_blocks<fine>) || true);
  if constexpr (fine)
    return run_kernel(operation::accumulate_blocks{}, backend, gradient, readable(dy), readable(x));
  else
    return ran_on<reference>{};
}

}  // namespace op

LACUNA_END
