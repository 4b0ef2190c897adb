#pragma once
/// The dense product on packed panels: broadcast one input, multiply and add it to all lanes of a panel's outputs.

#include <lacuna/backend/simd/panels.hpp>
#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// `Pairs` register pairs of a panel row.
template <extent_t Pairs>
LACUNA_INLINE void load_outputs(lanes (&to)[2 * Pairs], const float* from) noexcept {
  for (extent_t r = 0; r < 2 * Pairs; ++r) to[r] = lanes::load(from + r * lanes::count);
}
template <extent_t Pairs>
LACUNA_INLINE void load_outputs(lanes (&to)[2 * Pairs], const bfloat16* from) noexcept {
  for (extent_t p = 0; p < Pairs; ++p) load_pair(from + p * pair_width, to[2 * p], to[2 * p + 1]);
}

/// Outputs [0, valid) of `Rows` tokens: y = x W^T over one strip of `Pairs` register pairs of a panel.
/// `Unroll` sums per output hide the latency of the addition where few outputs are computed at once.
template <extent_t Rows, extent_t Pairs, extent_t Unroll, class Element>
void multiply_strip(float* y, extent_t y_stride, const float* x, extent_t x_stride, const Element* strip,
                    extent_t strip_stride, extent_t inputs, extent_t valid) noexcept {
  constexpr extent_t registers = 2 * Pairs;
  lanes sums[Unroll][Rows][registers];
  for (auto& of_unroll : sums)
    for (auto& of_row : of_unroll)
      for (auto& sum : of_row) sum = lanes::broadcast(0.0f);
  const auto step = [&](lanes(&to)[Rows][registers], extent_t i) __attribute__((always_inline)) {
    lanes weights[registers];
    load_outputs<Pairs>(weights, strip + i * strip_stride);
    for (extent_t row = 0; row < Rows; ++row) {
      const lanes input = lanes::broadcast(x[row * x_stride + i]);
      for (extent_t r = 0; r < registers; ++r) to[row][r] = multiply_add(weights[r], input, to[row][r]);
    }
  };
  extent_t i = 0;
  for (; i + Unroll <= inputs; i += Unroll)
    for (extent_t u = 0; u < Unroll; ++u) step(sums[u], i + u);
  for (; i < inputs; ++i) step(sums[0], i);
  for (extent_t row = 0; row < Rows; ++row)
    for (extent_t r = 0; r < registers; ++r) {
      lanes sum = sums[0][row][r];
      for (extent_t u = 1; u < Unroll; ++u) sum = sum + sums[u][row][r];
      float* to = y + row * y_stride + r * lanes::count;
      const extent_t from = r * lanes::count;
      if (from + lanes::count <= valid) {
        sum.store(to);
      } else if (from < valid) {
        float part[lanes::count];
        sum.store(part);
        for (extent_t j = 0; from + j < valid; ++j) to[j] = part[j];
      }
    }
}

/// Register pairs of a strip and tokens of a tile that the register file of this instruction set takes.
inline constexpr extent_t strip_pairs = lanes::count >= 16 ? 2 : 1;
inline constexpr extent_t tile_rows = lanes::count >= 8 ? 6 : 4;

/// All outputs of one panel for all tokens.
template <class Element>
void multiply_panel(float* y, extent_t y_stride, const float* x, extent_t x_stride, extent_t tokens,
                    const Element* panel, extent_t width, extent_t inputs, extent_t valid) noexcept {
  constexpr extent_t wide = strip_pairs * pair_width;
  for (extent_t at = 0; at < valid;) {
    const extent_t left = valid - at;
    const auto rows_of = [&]<extent_t Pairs>(constant<extent_t, Pairs>) __attribute__((always_inline)) {
      extent_t t = 0;
      for (; t + tile_rows <= tokens; t += tile_rows)
        multiply_strip<tile_rows, Pairs, 1>(y + t * y_stride + at, y_stride, x + t * x_stride, x_stride, panel + at,
                                            width, inputs, left);
      for (; t < tokens; ++t)
        multiply_strip<1, Pairs, 4 / Pairs>(y + t * y_stride + at, y_stride, x + t * x_stride, x_stride, panel + at,
                                            width, inputs, left);
    };
    if (width - at >= wide) {
      rows_of(constant<extent_t, strip_pairs>{});
      at += wide;
    } else {
      rows_of(constant<extent_t, 1>{});
      at += pair_width;
    }
  }
}

}  // namespace simd_lanes

namespace operation {

/// y = x W^T from packed panels, f32 or bf16 weights: see `op::multiply`.
template <class Element, extent_t Outputs, extent_t Inputs>
auto kernel(multiply, rows<float, Outputs> y, rows<const float, Inputs> x, matrix<const Element, Outputs, Inputs>,
            const simd_lanes::panels<Element, Outputs, Inputs>& packed, const simd&) {
  using namespace simd_lanes;
  for (extent_t first = 0; first < Outputs; first += panel_width) {
    const extent_t valid = Outputs - first < panel_width ? Outputs - first : panel_width;
    multiply_panel(y.data + first, Outputs, x.data, Inputs, x.count, packed.packed.data + first * Inputs, padded(valid),
                   Inputs, valid);
  }
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
