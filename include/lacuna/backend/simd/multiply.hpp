#pragma once
/// The dense product on packed panels: broadcast one input, multiply and add it to all lanes of a panel's outputs.
///
/// The same panels serve one token (a matrix-vector product, bound by the bytes of the weight) and many (tiles of up to
/// 6 tokens x 4 registers, blocked over inputs so that a panel's block stays in the first cache).

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/backend/simd/panels.hpp>
#include <lacuna/core/in_turn.hpp>
#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// Registers of columns that a tile of `rows` rows takes, so that sums, one row of b and one element of a fit the
/// register file.
constexpr extent_t tile_registers([[maybe_unused]] extent_t rows) {
#if defined(__AVX512F__)
  return 4;
#else
  return rows == 1 ? 8 : rows == 2 ? 4 : 2;
#endif
}
/// Rows of the largest tile.
inline constexpr extent_t tile_rows = 6;
/// Depth of one block: a panel's columns of it fit the first cache beside the tile's own rows.
inline constexpr extent_t depth_block = 128;

/// How the right-hand factor of a tile lies in memory: as packed panels, near or beyond the caches next to the core, or
/// row by row as it came.
enum class layout : std::uint8_t { panels, far_panels, rows };

/// Tiles of what fits the second cache do not ask for the next block in advance: it costs them up to a tenth.
template <class Element, extent_t Outputs, extent_t Inputs>
inline constexpr layout panels_of = Outputs * Inputs * sizeof(Element) > (extent_t{1} << 17) ? layout::far_panels
                                                                                             : layout::panels;

/// `Registers` registers of a row of the right-hand factor, of the last one `part` lanes if it is partial.
template <extent_t Registers, bool Partial, layout Layout, class Element>
LACUNA_INLINE void load_row(lanes (&to)[Registers], const Element* from, extent_t part) noexcept {
  constexpr bool pairs = Layout != layout::rows && same<Element, bfloat16>;
  constexpr extent_t paired = pairs ? Registers / 2 * 2 : 0;
  if constexpr (pairs)
    by_lanes::unroll<Registers / 2>(
        [&](extent_t p) LACUNA_UNROLLED { load_pair(from + 2 * p * lanes::lane_count, to[2 * p], to[2 * p + 1]); });
  by_lanes::unroll<Registers - paired>([&](extent_t i) LACUNA_UNROLLED {
    const extent_t r = paired + i;
    if (Partial && Layout == layout::rows && r + 1 == Registers)
      to[r] = lanes::load_part(from + r * lanes::lane_count, part);
    else
      to[r] = lanes::load(from + r * lanes::lane_count);
  });
}

/// What a tile asks for in advance, one line `step` bytes further with every step of depth: the block that comes next.
/// Weights of many layers come from far away, and what is asked for at once waits in a queue. Where tiles are so few
/// that a step is longer than a line, processors fetch its neighbours along. An address: behind the last panel there is
/// nothing, which does not matter.
struct read_ahead {
  std::uintptr_t from = 0;
  extent_t step = 0;
};

/// y (+)= a b, one tile: `Rows` rows of a, `Registers` registers of columns of b (the last with `part` columns if it is
/// partial), over `depth`. `Transposed` reads a by columns. Several sums per column hide the latency of the addition
/// where few are computed at once.
template <extent_t Rows, extent_t Registers, bool Partial, layout Layout, bool Transposed, class Left, class Element>
void multiply_tile(float* y, extent_t y_stride, const Left* a, extent_t a_stride, const Element* b, extent_t b_stride,
                   extent_t depth, extent_t part, bool continues, read_ahead ahead) noexcept {
  constexpr extent_t width = lanes::lane_count;
  constexpr extent_t sets = Rows * Registers >= 8 ? 1 : 8 / (Rows * Registers);
  lanes sums[sets][Rows][Registers];
  by_lanes::unroll<sets>([&](extent_t u) LACUNA_UNROLLED {
    by_lanes::unroll<Rows>([&](extent_t row) LACUNA_UNROLLED {
      by_lanes::unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[u][row][r] = held(lanes(0.0f)); });
    });
  });
  const auto step = [&](lanes(&to)[Rows][Registers], extent_t i) LACUNA_UNROLLED {
    lanes right[Registers];
    load_row<Registers, Partial, Layout>(right, b + i * b_stride, part);
    if constexpr (Rows > 1 && Layout == layout::far_panels)
      prefetch(reinterpret_cast<const void*>(ahead.from + i * ahead.step));
    by_lanes::unroll<Rows>([&](extent_t row) LACUNA_UNROLLED {
      const lanes left(widen(Transposed ? a[i * a_stride + row] : a[row * a_stride + i]));
      by_lanes::unroll<Registers>([&](extent_t r)
                                      LACUNA_UNROLLED { to[row][r] = multiply_add(right[r], left, to[row][r]); });
    });
  };
  extent_t i = 0;
  if constexpr (sets > 1) {
    for (; i + sets <= depth; i += sets)
      by_lanes::unroll<sets>([&](extent_t u) LACUNA_UNROLLED { step(sums[u], i + u); });
    for (; i < depth; ++i) step(sums[0], i);
  } else {
    // What counts the steps takes places of multiply-adds, most where two threads share a core.
#pragma GCC unroll 2
    for (; i < depth; ++i) step(sums[0], i);
  }
  float* in_row = y;
  by_lanes::unroll<Rows>([&](extent_t row) LACUNA_UNROLLED {
    in_row = held(in_row);
    by_lanes::unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
      lanes sum = sums[0][row][r];
      by_lanes::unroll<sets - 1>([&](extent_t u) LACUNA_UNROLLED { sum = sum + sums[u + 1][row][r]; });
      float* to = in_row + r * width;
      if (Partial && r + 1 == Registers) {
        if (continues) sum = sum + lanes::load_part(to, part);
        sum.store_part(to, part);
      } else {
        if (continues) sum = sum + lanes::load(to);
        sum.store(to);
      }
    });
    if (row + 1 < Rows) in_row += y_stride;
  });
}

/// `Rows` rows of a, `Columns` columns of b: one strip of tiles.
template <extent_t Rows, extent_t Columns, layout Layout, bool Transposed, class Left, class Element>
LACUNA_INLINE void multiply_rows(float* y, extent_t y_stride, const Left* a, extent_t a_stride, const Element* b,
                                 extent_t b_stride, extent_t depth, bool continues, read_ahead ahead) noexcept {
  constexpr extent_t width = lanes::lane_count, registers = padded(Columns) / width, part = Columns % width;
  constexpr extent_t at_once = tile_registers(Rows), tiles = registers / at_once, rest = registers % at_once;
  const auto of_tile = [&](extent_t tile)
                           LACUNA_UNROLLED { return read_ahead{ahead.from + tile * depth * ahead.step, ahead.step}; };
  by_lanes::unroll<tiles>([&](auto tile) LACUNA_UNROLLED {
    constexpr extent_t first = tile * at_once * width;
    constexpr bool partial = part != 0 && rest == 0 && tile + 1 == tiles;
    multiply_tile<Rows, at_once, partial, Layout, Transposed>(y + first, y_stride, a, a_stride, b + first, b_stride,
                                                              depth, part, continues, of_tile(tile));
  });
  if constexpr (rest != 0) {
    constexpr extent_t first = tiles * at_once * width;
    multiply_tile<Rows, rest, part != 0, Layout, Transposed>(y + first, y_stride, a, a_stride, b + first, b_stride,
                                                             depth, part, continues, of_tile(tiles));
  }
}

/// All rows of a, `Columns` columns of b: tiles of nearly equal height, in blocks of depth.
template <extent_t Columns, layout Layout, bool Transposed, class Left, class Element>
void multiply_columns(float* y, extent_t y_stride, const Left* a, extent_t a_stride, extent_t rows, const Element* b,
                      extent_t b_stride, extent_t depth, bool continues) noexcept {
  if (rows == 1) {
    multiply_rows<1, Columns, Layout, Transposed>(y, y_stride, a, a_stride, b, b_stride, depth, continues, {});
    return;
  }
  if (rows == 0) return;
  const extent_t tiles = (rows + tile_rows - 1) / tile_rows;
  const extent_t block = tiles > 1 ? depth_block : depth;
  constexpr extent_t at_once = tile_registers(tile_rows) * lanes::lane_count;
  const extent_t in_a_row = tiles * ((padded(Columns) + at_once - 1) / at_once);
  const extent_t step = (b_stride * sizeof(Element) + in_a_row - 1) / in_a_row;
  for (extent_t i = 0; i < depth; i += block) {
    const extent_t some = depth - i < block ? depth - i : block;
    const std::uintptr_t next = reinterpret_cast<std::uintptr_t>(b) + (i + some) * b_stride * sizeof(Element);
    for (extent_t tile = 0; tile < tiles; ++tile) {
      const extent_t first = tile * rows / tiles, count = (tile + 1) * rows / tiles - first;
      by_lanes::unroll<tile_rows>([&](auto less) LACUNA_UNROLLED {
        if (count == less + 1)
          multiply_rows<less + 1, Columns, Layout, Transposed>(
              y + first * y_stride, y_stride, a + (Transposed ? i * a_stride + first : first * a_stride + i), a_stride,
              b + i * b_stride, b_stride, some, continues || i > 0,
              {next + tile * (in_a_row / tiles) * some * step, step});
      });
    }
  }
}

/// How far ahead of itself a row times two panels asks for weights, in bytes; 0: not at all. Halves of 8 lanes have to
/// be widened, and so many instructions per line leave a core too few loads on their way to far memory. Whole floats
/// come as fast without, and what stays in the second cache faster.
template <class Element, extent_t Outputs, extent_t Inputs>
inline constexpr extent_t asked_ahead =
    sizeof(Element) == 2 && lanes::lane_count == 8 && panels_of<Element, Outputs, Inputs> == layout::far_panels ? 512
                                                                                                                : 0;

/// One row times two packed panels, from two places in memory at once: a core reads two streams faster than one.
template <extent_t Registers, extent_t Ahead, class Element>
void multiply_two_panels(float* y, const float* x, const Element* low, const Element* high, extent_t inputs,
                         extent_t apart) noexcept {
  lanes sums[2][Registers];
  by_lanes::unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[0][r] = sums[1][r] = lanes(0.0f); });
  for (extent_t i = 0; i < inputs; ++i) {
    const lanes input(x[i]);
    lanes weights[2][Registers];
    if constexpr (Ahead != 0)
      by_lanes::unroll<panel_width * sizeof(Element) / 64>([&](extent_t line) LACUNA_UNROLLED {
        const extent_t bytes = Ahead + line * 64;
        for (const Element* from : {low, high})
          prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from + i * panel_width) + bytes));
      });
    load_row<Registers, false, layout::panels>(weights[0], low + i * panel_width, 0);
    load_row<Registers, false, layout::panels>(weights[1], high + i * panel_width, 0);
    by_lanes::unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
      sums[0][r] = multiply_add(weights[0][r], input, sums[0][r]);
      sums[1][r] = multiply_add(weights[1][r], input, sums[1][r]);
    });
  }
  by_lanes::unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
    sums[0][r].store(y + r * lanes::lane_count);
    sums[1][r].store(y + apart + r * lanes::lane_count);
  });
}

/// Columns that a product takes at once where its right-hand factor comes row by row.
inline constexpr extent_t row_columns = 64;
/// Rows of one task, at least: so many that tiles and blocks do not depend on where rows are divided.
inline constexpr extent_t task_rows = 96;
/// Products with fewer multiply-adds are not worth a second thread.
inline constexpr extent_t task_work = extent_t{1} << 17;

/// Calls `f(columns as a constant, first column, first row, rows)` for every `Width` of all columns from the
/// `done`th on, and every stretch of rows, in any order. How they are divided does not depend on who executes them.
template <extent_t Columns, extent_t Width = panel_width, class Executor, class Function>
LACUNA_INLINE void for_each_task(const Executor& executor, extent_t rows, extent_t depth, extent_t done,
                                 Function&& f) noexcept {
  constexpr extent_t whole = Columns / Width, rest = Columns % Width, all = whole + (rest != 0 ? 1 : 0);
  const auto stripe = [&](extent_t at, extent_t first, extent_t count) LACUNA_UNROLLED {
    if constexpr (whole != 0)
      if (at < whole) f(count_constant<Width>{}, at * Width, first, count);
    if constexpr (rest != 0)
      if (at == whole) f(count_constant<rest>{}, whole * Width, first, count);
  };
  const extent_t stretches = executor.parallel && rows >= 2 * task_rows ? rows / task_rows : 1;
  if (!executor.parallel || rows * Columns * depth < task_work) {
    for (extent_t at = done; at < all; ++at) stripe(at, 0, rows);
    return;
  }
  executor.for_each((all - done) * stretches, [&](extent_t task) {
    const extent_t stretch = task % stretches, first = stretch * rows / stretches;
    stripe(done + task / stretches, first, (stretch + 1) * rows / stretches - first);
  });
}

/// y = x W^T from packed panels: see `op::multiply`.
template <class Element, extent_t Outputs, extent_t Inputs, class Executor>
LACUNA_INLINE void multiply_packed(rows<float, Outputs> y, rows<const float, Inputs> x,
                                   const panels<Element, Outputs, Inputs>& packed, const Executor& executor) noexcept {
  const Element* weights = packed.packed.data;
  constexpr extent_t panel_registers = panel_width / lanes::lane_count, pairs = Outputs / panel_width / 2;
  extent_t done = 0;
  if constexpr (pairs > 0 && panel_registers <= 4)
    if (x.count == 1) {
      const auto pair = [&](extent_t i) LACUNA_UNROLLED {
        multiply_two_panels<panel_registers, asked_ahead<Element, Outputs, Inputs>>(
            y.data + i * panel_width, x.data, weights + i * panel_width * Inputs,
            weights + (pairs + i) * panel_width * Inputs, Inputs, pairs * panel_width);
      };
      if (executor.parallel && Outputs * Inputs >= task_work)
        executor.for_each(pairs, pair);
      else
        for (extent_t i = 0; i < pairs; ++i) pair(i);
      done = 2 * pairs;
    }
  for_each_task<Outputs>(executor, x.count, Inputs, done,
                         [&](auto columns, extent_t column, extent_t first, extent_t count) LACUNA_UNROLLED {
                           multiply_columns<columns, panels_of<Element, Outputs, Inputs>, false>(
                               y.row(first) + column, Outputs, x.row(first), Inputs, count, weights + column * Inputs,
                               padded(columns), Inputs, false);
                         });
}

/// y += a b, b row by row with `Columns` columns: the two products of the backward.
template <extent_t Columns, bool Transposed, class Left, class Element, class Executor>
LACUNA_INLINE void add_product(float* y, const Left* a, extent_t a_stride, extent_t rows, const Element* b,
                               extent_t depth, const Executor& executor) noexcept {
  for_each_task<Columns, row_columns>(
      executor, rows, depth, 0, [&](auto columns, extent_t column, extent_t first, extent_t count) LACUNA_UNROLLED {
        multiply_columns<columns, layout::rows, Transposed>(y + first * Columns + column, Columns,
                                                            a + first * (Transposed ? 1 : a_stride), a_stride, count,
                                                            b + column, Columns, depth, true);
      });
}

}  // namespace simd_lanes

namespace operation {

/// y = x W^T from packed panels, weights in f32, bf16 or f16: see `op::multiply`.
template <class Element, extent_t Outputs, extent_t Inputs>
auto kernel(multiply, rows<float, Outputs> y, rows<const float, Inputs> x, matrix<const Element, Outputs, Inputs>,
            const simd_lanes::panels<Element, Outputs, Inputs>& packed, const simd&) {
  simd_lanes::multiply_packed(y, x, packed, in_turn{});
  return ran_on<simd>{};
}

/// dx += dy W, weights in f32, bf16 or f16: see `op::multiply_transposed`.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_transposed, rows<float, Inputs> dx, rows<const float, Outputs> dy,
            matrix<const Element, Outputs, Inputs> weight, const simd&) {
  simd_lanes::add_product<Inputs, false>(dx.data, dy.data, Outputs, dy.count, weight.data, Outputs, in_turn{});
  return ran_on<simd>{};
}

/// dW += dy^T x: see `op::accumulate_outer`.
template <extent_t Outputs, extent_t Inputs>
auto kernel(accumulate_outer, matrix<float, Outputs, Inputs> gradient, rows<const float, Outputs> dy,
            rows<const float, Inputs> x, const simd&) {
  simd_lanes::add_product<Inputs, true>(gradient.data, dy.data, Outputs, Outputs, x.data, x.count, in_turn{});
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
