#pragma once
/// The dense product on packed panels: broadcast one input, multiply and add it to all lanes of a panel's outputs.
///
/// The same panels serve one token (a matrix-vector product, bound by the bytes of the weight) and many (tiles of up to
/// 6 tokens x 4 registers, blocked over inputs so that a panel's block stays in the first cache).

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/backend/simd/panels.hpp>
#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// Registers of outputs that a tile of `rows` tokens takes, so that sums, weights and one input fit the register file.
constexpr extent_t tile_registers(extent_t rows) {
#if defined(__AVX512F__)
  return rows > 0 ? 4 : 4;
#else
  return rows == 1 ? 8 : rows == 2 ? 4 : 2;
#endif
}
/// Tokens of the largest tile.
inline constexpr extent_t tile_rows = 6;
/// Inputs of one block: 64 outputs of them fit the first cache beside the tile's own inputs.
inline constexpr extent_t input_block = 128;

/// `Registers` registers of a panel row.
template <extent_t Registers, class Element>
LACUNA_INLINE void load_outputs(lanes (&to)[Registers], const Element* from) noexcept {
  by_lanes::unroll<Registers>([&](auto r) LACUNA_UNROLLED { to[r] = lanes::load(from + r * lanes::lane_count); });
}
template <extent_t Registers>
LACUNA_INLINE void load_outputs(lanes (&to)[Registers], const bfloat16* from) noexcept {
  by_lanes::unroll<Registers / 2>(
      [&](auto p) LACUNA_UNROLLED { load_pair(from + 2 * p * lanes::lane_count, to[2 * p], to[2 * p + 1]); });
  if constexpr (Registers % 2 != 0) to[Registers - 1] = lanes::load(from + (Registers - 1) * lanes::lane_count);
}

/// Outputs [0, valid) of `Rows` tokens, y (+)= x W^T, over `inputs` inputs and `Registers` registers of a panel.
/// Several sums per output hide the latency of the addition where few outputs are computed at once.
template <extent_t Rows, extent_t Registers, class Element>
void multiply_tile(float* y, extent_t y_stride, const float* x, extent_t x_stride, const Element* panel,
                   extent_t panel_stride, extent_t inputs, extent_t valid, bool continues) noexcept {
  constexpr extent_t width = lanes::lane_count;
  constexpr extent_t sums_per_output = Rows * Registers >= 8 ? 1 : 8 / (Rows * Registers);
  lanes sums[sums_per_output][Rows][Registers];
  by_lanes::unroll<sums_per_output>([&](auto u) LACUNA_UNROLLED {
    by_lanes::unroll<Rows>([&](auto row) LACUNA_UNROLLED {
      by_lanes::unroll<Registers>([&](auto r) LACUNA_UNROLLED { sums[u][row][r] = lanes(0.0f); });
    });
  });
  const auto step = [&](lanes(&to)[Rows][Registers], extent_t i) LACUNA_UNROLLED {
    lanes weights[Registers];
    load_outputs<Registers>(weights, panel + i * panel_stride);
    by_lanes::unroll<Rows>([&](auto row) LACUNA_UNROLLED {
      const lanes input(x[row * x_stride + i]);
      by_lanes::unroll<Registers>([&](auto r)
                                      LACUNA_UNROLLED { to[row][r] = multiply_add(weights[r], input, to[row][r]); });
    });
  };
  extent_t i = 0;
  if constexpr (sums_per_output > 1) {
    for (; i + sums_per_output <= inputs; i += sums_per_output)
      by_lanes::unroll<sums_per_output>([&](auto u) LACUNA_UNROLLED { step(sums[u], i + u); });
  }
  for (; i < inputs; ++i) step(sums[0], i);
  by_lanes::unroll<Rows>([&](auto row) LACUNA_UNROLLED {
    by_lanes::unroll<Registers>([&](auto r) LACUNA_UNROLLED {
      lanes sum = sums[0][row][r];
      by_lanes::unroll<sums_per_output - 1>([&](auto u) LACUNA_UNROLLED { sum = sum + sums[u + 1][row][r]; });
      float* to = y + row * y_stride + r * width;
      if (r + 1 < Registers || valid == Registers * width) {
        if (continues) sum = sum + lanes::load(to);
        sum.store(to);
      } else {
        const extent_t left = valid - (Registers - 1) * width;
        if (continues) sum = sum + lanes::load_part(to, left);
        sum.store_part(to, left);
      }
    });
  });
}

/// `valid` outputs of one panel (its last register may be in part) for `Rows` tokens.
template <extent_t Rows, extent_t Valid, class Element>
LACUNA_INLINE void multiply_rows(float* y, extent_t y_stride, const float* x, extent_t x_stride, const Element* panel,
                                 extent_t inputs, bool continues) noexcept {
  constexpr extent_t width = lanes::lane_count, registers = padded(Valid) / width;
  constexpr extent_t at_once = tile_registers(Rows), tiles = registers / at_once, rest = registers % at_once;
  constexpr extent_t tile_width = at_once * width;
  by_lanes::unroll<tiles>([&](auto tile) LACUNA_UNROLLED {
    constexpr extent_t first = tile * tile_width;
    multiply_tile<Rows, at_once>(y + first, y_stride, x, x_stride, panel + first, padded(Valid), inputs,
                                 Valid - first < tile_width ? Valid - first : tile_width, continues);
  });
  if constexpr (rest != 0)
    multiply_tile<Rows, rest>(y + tiles * tile_width, y_stride, x, x_stride, panel + tiles * tile_width, padded(Valid),
                              inputs, Valid - tiles * tile_width, continues);
}

/// All tokens of one panel: tiles of nearly equal height.
template <extent_t Valid, class Element>
void multiply_panel(float* y, extent_t y_stride, const float* x, extent_t x_stride, extent_t tokens,
                    const Element* panel, extent_t inputs) noexcept {
  if (tokens == 1) {
    multiply_rows<1, Valid>(y, y_stride, x, x_stride, panel, inputs, false);
    return;
  }
  const extent_t tiles = (tokens + tile_rows - 1) / tile_rows;
  const extent_t block = tiles > 1 ? input_block : inputs;
  for (extent_t i = 0; i < inputs; i += block) {
    const extent_t some = inputs - i < block ? inputs - i : block;
    for (extent_t tile = 0; tile < tiles; ++tile) {
      const extent_t first = tile * tokens / tiles, count = (tile + 1) * tokens / tiles - first;
      by_lanes::unroll<tile_rows>([&](auto less) LACUNA_UNROLLED {
        if (count == less + 1)
          multiply_rows<less + 1, Valid>(y + first * y_stride, y_stride, x + first * x_stride + i, x_stride,
                                         panel + i * padded(Valid), some, i > 0);
      });
    }
  }
}

}  // namespace simd_lanes

namespace operation {

/// y = x W^T from packed panels, weights in f32, bf16 or f16: see `op::multiply`.
template <class Element, extent_t Outputs, extent_t Inputs>
auto kernel(multiply, rows<float, Outputs> y, rows<const float, Inputs> x, matrix<const Element, Outputs, Inputs>,
            const simd_lanes::panels<Element, Outputs, Inputs>& packed, const simd&) {
  using namespace simd_lanes;
  constexpr extent_t whole = Outputs / panel_width * panel_width;
  if constexpr (whole > 0)
    for (extent_t first = 0; first < whole; first += panel_width)
      multiply_panel<panel_width>(y.data + first, Outputs, x.data, Inputs, x.count, packed.packed.data + first * Inputs,
                                  Inputs);
  if constexpr (whole < Outputs)
    multiply_panel<Outputs - whole>(y.data + whole, Outputs, x.data, Inputs, x.count,
                                    packed.packed.data + whole * Inputs, Inputs);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
