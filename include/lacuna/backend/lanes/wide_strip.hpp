#pragma once
/// Products of sparse weights whose strips are as wide as a register: outputs in lanes.

#include <lacuna/backend/lanes/block_columns.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// A strip of at least a register's outputs.
template <class Lanes, class Pattern>
struct wide_strip {
  using value = typename Lanes::element;
  static constexpr extent_t lanes = Lanes::lane_count, outputs = Pattern::block_outputs;
  static constexpr extent_t registers = (outputs + lanes - 1) / lanes, part = outputs % lanes;
  /// Registers of one pass, and tokens of a tile: sums, one column's values and an input fit the register file.
  static constexpr extent_t at_once = registers < 2 ? 1 : 2;
  static constexpr extent_t tile_tokens = Lanes::register_count > 16 || at_once == 1 ? 12 : 6;

  /// Asks the first cache for what is read eight columns later. An address: behind the last value there is nothing,
  /// which does not matter.
  template <class Element>
  LACUNA_INLINE static void ask_ahead(const Element* of) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(of) + 8 * outputs * sizeof(Element);
    __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 3);
  }

  /// y = or += the product of `Tokens` tokens with `Registers` registers of a strip, from register `First` on. Several
  /// sums hide the latency of the addition where few are computed at once.
  template <extent_t Tokens, extent_t Registers, extent_t First, class Element>
  LACUNA_INLINE static void multiply(value* y, const value* x, const Element* values,
                                     const block_columns<Pattern>& columns, extent_t width) noexcept {
    constexpr extent_t sets = Tokens * Registers >= 8 ? 1 : 8 / (Tokens * Registers);
    Lanes sums[sets][Tokens][Registers];
    unroll<sets * Tokens * Registers>([&](extent_t i) LACUNA_UNROLLED {
      sums[i / (Tokens * Registers)][i / Registers % Tokens][i % Registers] = Lanes(value(0));
    });
    const auto add = [&](Lanes(&to)[Tokens][Registers], extent_t column) LACUNA_UNROLLED {
      const Element* stored = values + column * outputs + First * lanes;
      const value* input = x + columns.input(column);
      Lanes weights[Registers];
      // Values come from the second cache, and the loop over a strip is too short for a core to see that they go on.
      // Where a register is a line, that pays.
      constexpr extent_t in_line = 64 / sizeof(Element);
      if constexpr (sizeof(Lanes) >= 64)
        unroll<(Registers * lanes + in_line - 1) / in_line>(
            [&](extent_t line) LACUNA_UNROLLED { ask_ahead(stored + line * in_line); });
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
        if (part != 0 && First + r + 1 == registers)
          weights[r] = Lanes::load_part(stored + r * lanes, part);
        else
          weights[r] = Lanes::load(stored + r * lanes);
      });
      unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
        const Lanes in(input[t * Pattern::inputs]);
        unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { to[t][r] = multiply_add(weights[r], in, to[t][r]); });
      });
    };
    extent_t column = 0;
    // Counted down: g++ 12 takes care of more columns than memory holds, and warns.
    if constexpr (sets > 1)
      for (extent_t whole = columns.count / sets; whole > 0; --whole, column += sets)
        unroll<sets>([&](extent_t u) LACUNA_UNROLLED { add(sums[u], column + u); });
    for (extent_t left = sets == 1 ? columns.count : columns.count % sets; left > 0; --left, ++column)
      add(sums[0], column);
    unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
        const extent_t at = (First + r) * lanes;
        Lanes sum = sums[0][t][r];
        unroll<sets - 1>([&](extent_t u) LACUNA_UNROLLED { sum = sum + sums[u + 1][t][r]; });
        value* to = y + t * Pattern::outputs + at;
        if (at + lanes <= width)
          sum.store(to);
        else if (at < width)
          sum.store_part(to, width - at);
      });
    });
  }

  /// `Tokens` tokens, a whole strip.
  template <extent_t Tokens, class Element>
  static void multiply_strip(value* y, const value* x, const block_matrix<const Element, Pattern>& weight,
                             extent_t strip) noexcept {
    const block_columns<Pattern> columns(weight.pattern, strip);
    const Element* values = weight.block(weight.pattern.begin(strip));
    const extent_t first = strip * outputs, left = Pattern::outputs - first, width = left < outputs ? left : outputs;
    unroll<registers / at_once>([&](auto pass) LACUNA_UNROLLED {
      multiply<Tokens, at_once, pass * at_once>(y + first, x, values, columns, width);
    });
    if constexpr (registers % at_once != 0) multiply<Tokens, 1, registers - 1>(y + first, x, values, columns, width);
  }

  /// All tokens: tiles of nearly equal height, and so many strips in turn as a near cache holds.
  template <class Element>
  static void multiply_all(rows<value, Pattern::outputs> y, rows<const value, Pattern::inputs> x,
                           const block_matrix<const Element, Pattern>& weight) noexcept {
    if (x.count == 0) return;
    constexpr extent_t near = 1 << 18;
    const extent_t tiles = (x.count + tile_tokens - 1) / tile_tokens;
    for (extent_t strip = 0, end = 0; strip < Pattern::strips; strip = end) {
      const extent_t first = weight.pattern.begin(strip);
      for (end = strip + 1; end < Pattern::strips; ++end)
        if ((weight.pattern.end(end) - first) * Pattern::block_size * sizeof(Element) > near) break;
      for (extent_t tile = 0; tile < tiles; ++tile) {
        const extent_t token = tile * x.count / tiles, count = (tile + 1) * x.count / tiles - token;
        unroll<tile_tokens>([&](auto less) LACUNA_UNROLLED {
          if (count == less + 1)
            for (extent_t at = strip; at < end; ++at) multiply_strip<less + 1>(y.row(token), x.row(token), weight, at);
        });
      }
    }
  }
};

}  // namespace by_lanes

LACUNA_END
