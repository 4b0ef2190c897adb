#pragma once
/// Products of a block-diagonal weight: as many small dense products as it has blocks.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// A view of a block-diagonal weight: `Outputs` rows of the `Inputs / Blocks` entries inside their block.
template <class Element, extent_t Outputs, extent_t Inputs, extent_t Blocks>
struct diagonal_matrix {
  static constexpr extent_t outputs = Outputs, inputs = Inputs, blocks = Blocks;
  static constexpr extent_t block_outputs = Outputs / Blocks, block_inputs = Inputs / Blocks;
  Element* data = nullptr;

  constexpr diagonal_matrix() = default;
  LACUNA_HD constexpr explicit diagonal_matrix(Element* from) noexcept : data(from) {}
  LACUNA_HD constexpr Element* row(extent_t output) const noexcept { return data + output * block_inputs; }
  /// The first input that an output reads.
  LACUNA_HD static constexpr extent_t first_input(extent_t output) noexcept {
    return output / block_outputs * block_inputs;
  }
};

namespace operation {

/// y = x W^T, W block-diagonal: `(tokens, inputs) -> (tokens, outputs)`.
struct multiply_diagonal {
  static constexpr auto name = fixed_string("multiply_diagonal");
  template <class Y, class X, class Weight, class Packed>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X& x, const Weight&, const Packed&) noexcept {
    return std::uint64_t{x.count} * Weight::outputs * Weight::block_inputs;
  }
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs, extent_t Blocks, class Packed>
LACUNA_HD constexpr auto kernel(multiply_diagonal, rows<Value, Outputs> y, rows<const Input, Inputs> x,
                                diagonal_matrix<const Element, Outputs, Inputs, Blocks> weight, const Packed&,
                                const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const Element* w = weight.row(o);
      const Input* in = x.row(t) + weight.first_input(o);
      compute_t<Value> sum = 0;
      for (extent_t i = 0; i < weight.block_inputs; ++i)
        sum += widen(in[i]) * static_cast<compute_t<Value>>(widen(w[i]));
      y(t, o) = static_cast<Value>(sum);
    }
  return ran_on<reference>{};
}

/// dx += dy W, W block-diagonal: `(tokens, outputs) -> (tokens, inputs)`.
struct multiply_diagonal_transposed {
  static constexpr auto name = fixed_string("multiply_diagonal_transposed");
  template <class X, class Y, class Weight>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const X& x, const Y&, const Weight&) noexcept {
    return std::uint64_t{x.count} * Weight::outputs * Weight::block_inputs;
  }
};
template <class Value, class Input, class Element, extent_t Outputs, extent_t Inputs, extent_t Blocks>
LACUNA_HD constexpr auto kernel(multiply_diagonal_transposed, rows<Value, Inputs> dx, rows<const Input, Outputs> dy,
                                diagonal_matrix<const Element, Outputs, Inputs, Blocks> weight, const reference&) {
  for (extent_t t = 0; t < dy.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const auto scale = widen(dy(t, o));
      const Element* w = weight.row(o);
      Value* out = dx.row(t) + weight.first_input(o);
      for (extent_t i = 0; i < weight.block_inputs; ++i)
        out[i] += static_cast<Value>(scale * static_cast<Value>(widen(w[i])));
    }
  return ran_on<reference>{};
}

/// dW += dy^T x inside the blocks.
struct accumulate_diagonal {
  static constexpr auto name = fixed_string("accumulate_diagonal");
  template <class Gradient, class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Gradient&, const Y&, const X& x) noexcept {
    return std::uint64_t{x.count} * Gradient::outputs * Gradient::block_inputs;
  }
};
template <class Value, class Adjoint, class Input, extent_t Outputs, extent_t Inputs, extent_t Blocks>
LACUNA_HD constexpr auto kernel(accumulate_diagonal, diagonal_matrix<Value, Outputs, Inputs, Blocks> gradient,
                                rows<const Adjoint, Outputs> dy, rows<const Input, Inputs> x, const reference&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      const auto scale = widen(dy(t, o));
      Value* out = gradient.row(o);
      const Input* in = x.row(t) + gradient.first_input(o);
      for (extent_t i = 0; i < gradient.block_inputs; ++i) out[i] += static_cast<Value>(scale * widen(in[i]));
    }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y = x W^T, W block-diagonal with `Blocks` blocks, stored as `(outputs, inputs / blocks)`: `(tokens, inputs) ->
/// (tokens, outputs)`; tokens * outputs * inputs / blocks multiply-adds, accumulated in the compute type. `packed` is
/// the backend's own form of the weight, or `nothing`.
template <extent_t Blocks, class Value, extent_t Outputs, class Input, extent_t Inputs, class Element, class Packed,
          class Backend>
LACUNA_HD constexpr auto multiply_diagonal(rows<Value, Outputs> y, rows<Input, Inputs> x,
                                           const tensor<Element, Outputs, Inputs / Blocks>& weight,
                                           const Packed& packed, const Backend& backend) {
  return run_kernel(operation::multiply_diagonal{}, backend, y, readable(x),
                    diagonal_matrix<const Element, Outputs, Inputs, Blocks>(weight.data), packed);
}
/// dx += dy W, W block-diagonal: `(tokens, outputs) -> (tokens, inputs)`; the cost of `multiply_diagonal`.
template <extent_t Blocks, class Value, extent_t Inputs, class Input, extent_t Outputs, class Element, class Backend>
LACUNA_HD constexpr auto multiply_diagonal_transposed(rows<Value, Inputs> dx, rows<Input, Outputs> dy,
                                                      const tensor<Element, Outputs, Inputs / Blocks>& weight,
                                                      const Backend& backend) {
  return run_kernel(operation::multiply_diagonal_transposed{}, backend, dx, readable(dy),
                    diagonal_matrix<const Element, Outputs, Inputs, Blocks>(weight.data));
}
/// dW += dy^T x inside the blocks; the cost of `multiply_diagonal`.
template <extent_t Blocks, class Value, class Adjoint, extent_t Outputs, class Input, extent_t Inputs, class Backend>
LACUNA_HD constexpr auto accumulate_diagonal(tensor<Value, Outputs, Inputs / Blocks>& gradient,
                                             rows<Adjoint, Outputs> dy, rows<Input, Inputs> x, const Backend& backend) {
  return run_kernel(operation::accumulate_diagonal{}, backend,
                    diagonal_matrix<Value, Outputs, Inputs, Blocks>(gradient.data), readable(dy), readable(x));
}

}  // namespace op

LACUNA_END
