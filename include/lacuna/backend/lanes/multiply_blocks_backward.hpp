#pragma once
/// The backward of products of sparse weights on lanes: tokens in lanes, for any pattern of blocks. A tile of tokens is
/// turned into scratch on the stack; tokens that do not fill it are zeros.

#include <lacuna/backend/lanes/block_columns.hpp>
#include <lacuna/backend/lanes/row_dots.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, class Pattern>
struct blocks_backward {
  using value = typename Lanes::element;
  using columns_type = block_columns<Pattern>;
  using tiling = token_tiling<Lanes, Pattern>;
  static constexpr extent_t lanes = Lanes::lane_count, outputs = Pattern::block_outputs;
  static constexpr bool possible = tiling::possible;
  /// Outputs whose adjoints are turned at once: of several strips, or a part of one.
  static constexpr extent_t group = [] {
    extent_t common = lanes;
    while (outputs < lanes && common % outputs != 0) common += lanes;
    return common;
  }();

  /// Calls `f(strip, first of its outputs, outputs, their turned adjoints)` for all outputs in turn.
  template <extent_t Registers, class Function>
  LACUNA_INLINE static void for_turned_outputs(rows<const value, Pattern::outputs> dy, Function&& f) noexcept {
    constexpr extent_t step = Registers * lanes;
    alignas(64) value turned[group * step];
    const auto least = [](extent_t a, extent_t b) { return a < b ? a : b; };
    if constexpr (outputs < lanes) {
      for (extent_t first = 0; first < Pattern::outputs; first += group) {
        const extent_t left = Pattern::outputs - first;
        turn_in<Lanes, Registers>(turned, dy, first, least(group, left));
        for (extent_t inside = 0; inside < group && inside < left; inside += outputs)
          f((first + inside) / outputs, extent_t{0}, least(outputs, left - inside), turned + inside * step);
      }
    } else {
      for (extent_t strip = 0; strip < Pattern::strips; ++strip) {
        const extent_t width = least(outputs, Pattern::outputs - strip * outputs);
        for (extent_t first = 0; first < width; first += lanes) {
          const extent_t count = least(lanes, width - first);
          turn_in<Lanes, Registers>(turned, dy, strip * outputs + first, count);
          f(strip, first, count, turned);
        }
      }
    }
  }

  /// dx(column, token) += value(column, row) dy(row, token) for `Rows` outputs of a strip.
  template <extent_t Rows, extent_t Registers>
  LACUNA_INLINE static void spread_rows(value* dx, const value* values, const columns_type& columns, extent_t skipped,
                                        extent_t count, const value* dy, extent_t start) noexcept {
    constexpr extent_t step = Registers * lanes;
    Lanes adjoints[Rows][Registers];
    unroll<Rows * Registers>(
        [&](extent_t i) LACUNA_UNROLLED { adjoints[i / Registers][i % Registers] = Lanes::load(dy + i * lanes); });
    for (extent_t column = 0; column < count; ++column) {
      value* to = dx + (columns.input(skipped + column) - start) * step;
      Lanes sums[Registers];
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[r] = Lanes::load(to + r * lanes); });
      unroll<Rows>([&](extent_t row) LACUNA_UNROLLED {
        const Lanes weight(values[column * outputs + row]);
        unroll<Registers>([&](extent_t r)
                              LACUNA_UNROLLED { sums[r] = multiply_add(weight, adjoints[row][r], sums[r]); });
      });
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[r].store(to + r * lanes); });
    }
  }

  /// dx += dy W of up to `Registers` registers of tokens.
  template <extent_t Registers, class Element, class Packed>
  static void transposed_tile(rows<value, Pattern::inputs> dx, rows<const value, Pattern::outputs> dy,
                              const block_matrix<const Element, Pattern>& weight, const Packed& packed) noexcept {
    constexpr extent_t step = Registers * lanes, at_once = tiling::rows < 4 ? tiling::rows : 4;
    alignas(64) value turned[tiling::part_inputs * step];
    for (extent_t part = 0; part < tiling::parts; ++part) {
      const extent_t start = part * tiling::part_inputs, count = tiling::part_columns(part);
      for (extent_t i = 0; i < count * step; i += lanes) Lanes(value(0)).store(turned + i);
      for_turned_outputs<Registers>(dy, [&](extent_t strip, extent_t first, extent_t some,
                                            const value* adjoints) LACUNA_UNROLLED {
        const extent_t from = stretch_begin<tiling>(weight.pattern, packed, strip, tiling::first_stretch(part));
        const columns_type columns(
            weight.pattern, strip, from,
            stretch_begin<tiling>(weight.pattern, packed, strip, tiling::first_stretch(part + 1)));
        for_widened<Lanes, outputs>(weight.block(from), columns.count,
                                    [&](const value* values, extent_t skipped, extent_t stretch) LACUNA_UNROLLED {
                                      extent_t row = 0;
                                      for (; row + at_once <= some; row += at_once)
                                        spread_rows<at_once, Registers>(turned, values + first + row, columns, skipped,
                                                                        stretch, adjoints + row * step, start);
                                      for (; row < some; ++row)
                                        spread_rows<1, Registers>(turned, values + first + row, columns, skipped,
                                                                  stretch, adjoints + row * step, start);
                                    });
      });
      add_turned<Registers>(dx, turned, start, count);
    }
  }

  /// dx(token, first + column) += turned(column, token).
  template <extent_t Registers>
  static void add_turned(rows<value, Pattern::inputs> dx, const value* turned, extent_t first,
                         extent_t count) noexcept {
    for (extent_t t = 0; t < Registers; ++t)
      for (extent_t c = 0; c < count; c += lanes) {
        Lanes square[lanes];
        for (extent_t r = 0; r < lanes; ++r)
          square[r] = c + r < count ? Lanes::load(turned + ((c + r) * Registers + t) * lanes) : Lanes(value(0));
        transpose(square);
        for (extent_t r = 0; r < lanes && t * lanes + r < dx.count; ++r) {
          value* to = dx.row(t * lanes + r) + first + c;
          if (count - c >= lanes)
            (Lanes::load(to) + square[r]).store(to);
          else
            (Lanes::load_part(to, count - c) + square[r]).store_part(to, count - c);
        }
      }
  }

  /// The sum over all lanes of the products of `Registers` registers.
  template <extent_t Registers>
  LACUNA_INLINE static Lanes products(const value* a, const value* b) noexcept {
    Lanes sum = Lanes::load(a) * Lanes::load(b);
    unroll<Registers - 1>([&](extent_t r) LACUNA_UNROLLED {
      sum = multiply_add(Lanes::load(a + (r + 1) * lanes), Lanes::load(b + (r + 1) * lanes), sum);
    });
    return sum;
  }
  /// dW += dy^T x at the stored blocks, of up to `Registers` registers of tokens.
  template <extent_t Registers>
  static void accumulate_tile(const block_matrix<value, Pattern>& gradient, rows<const value, Pattern::outputs> dy,
                              rows<const value, Pattern::inputs> x) noexcept {
    constexpr extent_t step = Registers * lanes;
    alignas(64) value turned[tiling::part_inputs * step];
    for (extent_t part = 0; part < tiling::parts; ++part) {
      const extent_t start = part * tiling::part_inputs;
      turn_in<Lanes, Registers>(turned, x, start, tiling::part_columns(part));
      for_turned_outputs<Registers>(dy, [&](extent_t strip, extent_t first, extent_t some,
                                            const value* adjoints) LACUNA_UNROLLED {
        const extent_t from = stretch_begin<tiling>(gradient.pattern, nothing{}, strip, tiling::first_stretch(part));
        const columns_type columns(
            gradient.pattern, strip, from,
            stretch_begin<tiling>(gradient.pattern, nothing{}, strip, tiling::first_stretch(part + 1)));
        value* to = gradient.block(from) + first;
        const auto product = [&](extent_t column, extent_t row) LACUNA_UNROLLED {
          return products<Registers>(turned + (columns.input(column) - start) * step, adjoints + row * step);
        };
        // Neighbouring values of the gradient, as many as lanes: of one column, or of several whole ones.
        constexpr extent_t all = outputs < lanes ? outputs : lanes;
        extent_t column = 0;
        if (some == all && lanes % all == 0)
          for (; column + lanes / all <= columns.count; column += lanes / all) {
            Lanes each[lanes];
            unroll<lanes>([&](extent_t j) LACUNA_UNROLLED { each[j] = product(column + j / all, j % all); });
            value* place = to + column * outputs;
            (Lanes::load(place) + sum_each<Lanes>(each)).store(place);
          }
        for (; column < columns.count; ++column)
          for (extent_t row = 0; row < some; ++row) to[column * outputs + row] += sum_of(product(column, row));
      });
    }
  }

  /// `f(registers as a constant, first token, tokens)` for tiles of all tokens.
  template <class Function>
  LACUNA_INLINE static void for_tiles(extent_t tokens, Function&& f) noexcept {
    constexpr extent_t step = tiling::registers * lanes;
    extent_t done = 0;
    for (; tokens - done > step - lanes; done += tokens - done < step ? tokens - done : step)
      f(count_constant<tiling::registers>{}, done, tokens - done < step ? tokens - done : step);
    for (; done < tokens; done += tokens - done < lanes ? tokens - done : lanes)
      f(count_constant<1>{}, done, tokens - done < lanes ? tokens - done : lanes);
  }
};

/// dx += dy W: see `op::multiply_blocks_transposed`.
template <class Lanes, class Pattern, class Element, class Packed>
LACUNA_INLINE void multiply_blocks_transposed(rows<typename Lanes::element, Pattern::inputs> dx,
                                              rows<const typename Lanes::element, Pattern::outputs> dy,
                                              const block_matrix<const Element, Pattern>& weight,
                                              const Packed& packed) noexcept {
  using work = blocks_backward<Lanes, Pattern>;
  work::for_tiles(
      dy.count, [&]<extent_t Registers>(count_constant<Registers>, extent_t first, extent_t count) LACUNA_UNROLLED {
        work::template transposed_tile<Registers>(dx.slice(first, count), dy.slice(first, count), weight, packed);
      });
}

/// dW += dy^T x at the stored blocks: see `op::accumulate_blocks`.
template <class Lanes, class Pattern>
LACUNA_INLINE void accumulate_blocks(const block_matrix<typename Lanes::element, Pattern>& gradient,
                                     rows<const typename Lanes::element, Pattern::outputs> dy,
                                     rows<const typename Lanes::element, Pattern::inputs> x) noexcept {
  using work = blocks_backward<Lanes, Pattern>;
  work::for_tiles(dy.count,
                  [&]<extent_t Registers>(count_constant<Registers>, extent_t first, extent_t count) LACUNA_UNROLLED {
                    work::template accumulate_tile<Registers>(gradient, dy.slice(first, count), x.slice(first, count));
                  });
}

}  // namespace by_lanes

LACUNA_END
