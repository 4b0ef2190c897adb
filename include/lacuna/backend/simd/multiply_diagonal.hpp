#pragma once
/// Block-diagonal products: each block is a dense product whose rows lie further apart.

#include <lacuna/backend/simd/multiply.hpp>
#include <lacuna/op/multiply_diagonal.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// The blocks of a block-diagonal weight, each in panels of its own. Rebuilt from the weight by `pack`.
template <class Element, extent_t Outputs, extent_t Inputs, extent_t Blocks>
struct diagonal_panels {
  static constexpr extent_t block_outputs = Outputs / Blocks, block_inputs = Inputs / Blocks;
  static constexpr extent_t block_size = padded(block_outputs) * block_inputs;
  tensor<Element, Blocks, block_size> packed;

  constexpr void pack(const tensor<Element, Outputs, block_inputs>& weight) {
    for (extent_t b = 0; b < Blocks; ++b)
      pack_panels<block_outputs, block_inputs>(packed.data + b * block_size,
                                               weight.data + b * block_outputs * block_inputs);
  }
};

}  // namespace simd_lanes

namespace operation {

/// y = x W^T, W block-diagonal, in f32, bf16 or f16: see `op::multiply_diagonal`.
template <class Element, extent_t Outputs, extent_t Inputs, extent_t Blocks>
auto kernel(multiply_diagonal, rows<float, Outputs> y, rows<const float, Inputs> x,
            diagonal_matrix<const Element, Outputs, Inputs, Blocks>,
            const simd_lanes::diagonal_panels<Element, Outputs, Inputs, Blocks>& packed, const simd&) {
  using of = simd_lanes::diagonal_panels<Element, Outputs, Inputs, Blocks>;
  for (extent_t b = 0; b < Blocks; ++b)
    simd_lanes::for_each_task<of::block_outputs>(
        in_turn{}, x.count, of::block_inputs, 0,
        [&](auto columns, extent_t column, extent_t first, extent_t count) LACUNA_UNROLLED {
          simd_lanes::multiply_columns<columns, simd_lanes::panels_of<Element, Outputs, Inputs / Blocks>, false>(
              y.row(first) + b * of::block_outputs + column, Outputs, x.row(first) + b * of::block_inputs, Inputs,
              count, packed.packed.data + b * of::block_size + column * of::block_inputs, simd_lanes::padded(columns),
              of::block_inputs, false);
        });
  return ran_on<simd>{};
}

/// dx += dy W, W block-diagonal, in f32, bf16 or f16: see `op::multiply_diagonal_transposed`.
template <class Element, extent_t Outputs, extent_t Inputs, extent_t Blocks>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_diagonal_transposed, rows<float, Inputs> dx, rows<const float, Outputs> dy,
            diagonal_matrix<const Element, Outputs, Inputs, Blocks> weight, const simd&) {
  using of = diagonal_matrix<const Element, Outputs, Inputs, Blocks>;
  for (extent_t b = 0; b < Blocks; ++b)
    simd_lanes::for_each_task<of::block_inputs, simd_lanes::row_columns>(
        in_turn{}, dy.count, of::block_outputs, 0,
        [&](auto columns, extent_t column, extent_t first, extent_t count) LACUNA_UNROLLED {
          simd_lanes::multiply_columns<columns, simd_lanes::layout::rows, false>(
              dx.row(first) + b * of::block_inputs + column, Inputs, dy.row(first) + b * of::block_outputs, Outputs,
              count, weight.row(b * of::block_outputs) + column, of::block_inputs, of::block_outputs, true);
        });
  return ran_on<simd>{};
}

/// dW += dy^T x inside the blocks: see `op::accumulate_diagonal`.
template <extent_t Outputs, extent_t Inputs, extent_t Blocks>
auto kernel(accumulate_diagonal, diagonal_matrix<float, Outputs, Inputs, Blocks> gradient,
            rows<const float, Outputs> dy, rows<const float, Inputs> x, const simd&) {
  using of = diagonal_matrix<float, Outputs, Inputs, Blocks>;
  for (extent_t b = 0; b < Blocks; ++b)
    simd_lanes::for_each_task<of::block_inputs, simd_lanes::row_columns>(
        in_turn{}, of::block_outputs, x.count, 0,
        [&](auto columns, extent_t column, extent_t first, extent_t count) LACUNA_UNROLLED {
          simd_lanes::multiply_columns<columns, simd_lanes::layout::rows, true>(
              gradient.row(b * of::block_outputs + first) + column, of::block_inputs,
              dy.data + b * of::block_outputs + first, Outputs, count, x.data + b * of::block_inputs + column, Inputs,
              x.count, true);
        });
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
