#pragma once
/// The product of a sparse weight on lanes, for any pattern of blocks. Strips as wide as a register have outputs in
/// lanes: an input is broadcast to the values of its column as they are stored. Narrower strips have tokens in lanes: a
/// value is broadcast to the input of many tokens, turned beforehand into scratch on the stack; for one token, several
/// columns of a strip lie side by side in a register.

#include <lacuna/backend/lanes/block_columns.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// A number in each lane, one for every `Repeat` lanes: `number(0)`, ... The lane type may have a quicker way.
template <class Lanes, extent_t Repeat, class Function>
LACUNA_INLINE Lanes repeated(Function&& number) noexcept {
  using value = typename Lanes::element;
  constexpr extent_t count = Lanes::lane_count / Repeat;
  value numbers[count];
  unroll<count>([&](auto j) LACUNA_UNROLLED { numbers[j] = number(j); });
  if constexpr (requires { Lanes::template repeated<Repeat>(numbers); }) {
    return Lanes::template repeated<Repeat>(numbers);
  } else {
    value copied[Lanes::lane_count];
    unroll<Lanes::lane_count>([&](auto j) LACUNA_UNROLLED { copied[j] = numbers[j / Repeat]; });
    return Lanes::load(copied);
  }
}

/// A strip of at least a register's outputs.
template <class Lanes, class Pattern>
struct wide_strip {
  using value = typename Lanes::element;
  static constexpr extent_t lanes = Lanes::lane_count, outputs = Pattern::block_outputs;
  static constexpr extent_t registers = (outputs + lanes - 1) / lanes, part = outputs % lanes;
  /// Registers of one pass, and tokens of a tile: sums, one column's values and an input fit the register file.
  static constexpr extent_t at_once = registers < 2 ? 1 : 2;
  static constexpr extent_t tile_tokens = Lanes::register_count > 16 || at_once == 1 ? 12 : 6;

  /// y = or += the product of `Tokens` tokens with `Registers` registers of a strip, from register `First` on. Several
  /// sums hide the latency of the addition where few are computed at once.
  template <extent_t Tokens, extent_t Registers, extent_t First, class Element>
  LACUNA_INLINE static void multiply(value* y, const value* x, const Element* values,
                                     const block_columns<Pattern>& columns, extent_t width) noexcept {
    constexpr extent_t sets = Tokens * Registers >= 8 ? 1 : 8 / (Tokens * Registers);
    Lanes sums[sets][Tokens][Registers];
    unroll<sets * Tokens * Registers>([&](auto i) LACUNA_UNROLLED {
      sums[i / (Tokens * Registers)][i / Registers % Tokens][i % Registers] = Lanes(value(0));
    });
    const auto add = [&](Lanes(&to)[Tokens][Registers], extent_t column) LACUNA_UNROLLED {
      const Element* stored = values + column * outputs + First * lanes;
      const value* input = x + columns.input(column);
      Lanes weights[Registers];
      unroll<Registers>([&](auto r) LACUNA_UNROLLED {
        if constexpr (part != 0 && First + r + 1 == registers)
          weights[r] = Lanes::load_part(stored + r * lanes, part);
        else
          weights[r] = Lanes::load(stored + r * lanes);
      });
      unroll<Tokens>([&](auto t) LACUNA_UNROLLED {
        const Lanes in(input[t * Pattern::inputs]);
        unroll<Registers>([&](auto r) LACUNA_UNROLLED { to[t][r] = multiply_add(weights[r], in, to[t][r]); });
      });
    };
    extent_t column = 0;
    // Counted down: g++ 12 takes care of more columns than memory holds, and warns.
    if constexpr (sets > 1)
      for (extent_t whole = columns.count / sets; whole > 0; --whole, column += sets)
        unroll<sets>([&](auto u) LACUNA_UNROLLED { add(sums[u], column + u); });
    for (extent_t left = sets == 1 ? columns.count : columns.count % sets; left > 0; --left, ++column)
      add(sums[0], column);
    unroll<Tokens>([&](auto t) LACUNA_UNROLLED {
      unroll<Registers>([&](auto r) LACUNA_UNROLLED {
        constexpr extent_t at = (First + r) * lanes;
        Lanes sum = sums[0][t][r];
        unroll<sets - 1>([&](auto u) LACUNA_UNROLLED { sum = sum + sums[u + 1][t][r]; });
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

/// A strip narrower than a register.
template <class Lanes, class Pattern>
struct narrow_strip {
  using value = typename Lanes::element;
  using columns_type = block_columns<Pattern>;
  static constexpr extent_t lanes = Lanes::lane_count, outputs = Pattern::block_outputs;
  using tiling = token_tiling<Lanes, Pattern>;

  /// sum of values * inputs over the columns of a strip, one token, and one output after another in lanes.
  template <class Element>
  LACUNA_INLINE static void multiply_strip(value* y, const value* x, const Element* values, const columns_type& columns,
                                           extent_t width) noexcept {
    constexpr extent_t sets = 4, inputs = Pattern::block_inputs;
    Lanes sums[sets];
    unroll<sets>([&](auto u) LACUNA_UNROLLED { sums[u] = Lanes(value(0)); });
    if constexpr (outputs == 1 && inputs % lanes == 0) {
      // Blocks along the inputs: both factors lie in memory as they are multiplied.
      constexpr extent_t registers = inputs / lanes;
      const extent_t entries = columns.count / inputs;
      for (extent_t entry = 0; entry < entries; ++entry)
        unroll<registers>([&](auto r) LACUNA_UNROLLED {
          sums[r % sets] = multiply_add(Lanes::load(values + entry * inputs + r * lanes),
                                        Lanes::load(x + columns.input(entry * inputs) + r * lanes), sums[r % sets]);
        });
      extent_t column = entries * inputs;
      for (; column < columns.count; column += lanes) {
        const extent_t some = columns.count - column < lanes ? columns.count - column : lanes;
        sums[0] = multiply_add(Lanes::load_part(values + column, some),
                               Lanes::load_part(x + columns.input(column), some), sums[0]);
      }
      unroll<sets - 1>([&](auto u) LACUNA_UNROLLED { sums[0] = sums[0] + sums[u + 1]; });
      y[0] = sum_of(sums[0]);
    } else if constexpr (lanes % outputs == 0) {
      constexpr extent_t beside = lanes / outputs;
      extent_t column = 0;
      const auto add = [&](Lanes& to, extent_t from) LACUNA_UNROLLED {
        const Lanes in =
            repeated<Lanes, outputs>([&](extent_t j) LACUNA_UNROLLED { return x[columns.input(from + j)]; });
        to = multiply_add(Lanes::load(values + from * outputs), in, to);
      };
      for (; column + sets * beside <= columns.count; column += sets * beside)
        unroll<sets>([&](auto u) LACUNA_UNROLLED { add(sums[u], column + u * beside); });
      for (; column + beside <= columns.count; column += beside) add(sums[0], column);
      unroll<sets - 1>([&](auto u) LACUNA_UNROLLED { sums[0] = sums[0] + sums[u + 1]; });
      value folded[lanes];
      sums[0].store(folded);
      unroll<outputs>([&](auto o) LACUNA_UNROLLED {
        value sum = 0;
        unroll<beside>([&](auto j) LACUNA_UNROLLED { sum += folded[j * outputs + o]; });
        for (extent_t left = column; left < columns.count; ++left)
          sum += x[columns.input(left)] * static_cast<value>(widen(values[left * outputs + o]));
        if (o < width) y[o] = sum;
      });
    } else {
      // Two columns in turn, so that an addition does not wait for the one before it.
      extent_t column = 0;
      for (; column + 2 <= columns.count; column += 2)
        unroll<2>([&](auto u) LACUNA_UNROLLED {
          sums[u] = multiply_add(Lanes::load_part(values + (column + u) * outputs, outputs),
                                 Lanes(x[columns.input(column + u)]), sums[u]);
        });
      if (column < columns.count)
        sums[0] = multiply_add(Lanes::load_part(values + column * outputs, outputs), Lanes(x[columns.input(column)]),
                               sums[0]);
      (sums[0] + sums[1]).store_part(y, width);
    }
  }

  template <class Element>
  static void multiply_token(value* y, const value* x, const block_matrix<const Element, Pattern>& weight) noexcept {
    for (extent_t strip = 0; strip < Pattern::strips; ++strip) {
      const extent_t first = strip * outputs, left = Pattern::outputs - first;
      multiply_strip(y + first, x, weight.block(weight.pattern.begin(strip)), columns_type(weight.pattern, strip),
                     left < outputs ? left : outputs);
    }
  }

  /// sums(row, token) = or += value(column, row) x(column, token) for `Rows` outputs and `Registers` registers of
  /// tokens.
  template <extent_t Rows, extent_t Registers>
  LACUNA_INLINE static void add_columns(value* to, const value* values, const columns_type& columns, extent_t skipped,
                                        extent_t count, const value* turned, extent_t start, bool continues) noexcept {
    constexpr extent_t step = Registers * lanes, sets = Rows * Registers >= 6 ? 1 : 8 / (Rows * Registers);
    Lanes sums[sets][Rows][Registers];
    unroll<Rows * Registers>([&](auto i) LACUNA_UNROLLED {
      constexpr extent_t row = i / Registers, r = i % Registers;
      sums[0][row][r] = continues ? Lanes::load(to + i * lanes) : Lanes(value(0));
      unroll<sets - 1>([&](auto u) LACUNA_UNROLLED { sums[u + 1][row][r] = Lanes(value(0)); });
    });
    const auto add = [&](Lanes(&sum)[Rows][Registers], extent_t column) LACUNA_UNROLLED {
      const value* from = turned + (columns.input(skipped + column) - start) * step;
      Lanes in[Registers];
      unroll<Registers>([&](auto r) LACUNA_UNROLLED { in[r] = Lanes::load(from + r * lanes); });
      unroll<Rows>([&](auto row) LACUNA_UNROLLED {
        const Lanes weight(values[column * outputs + row]);
        unroll<Registers>([&](auto r) LACUNA_UNROLLED { sum[row][r] = multiply_add(weight, in[r], sum[row][r]); });
      });
    };
    extent_t column = 0;
    if constexpr (sets > 1)
      for (extent_t whole = count / sets; whole > 0; --whole, column += sets)
        unroll<sets>([&](auto u) LACUNA_UNROLLED { add(sums[u], column + u); });
    for (extent_t left = sets == 1 ? count : count % sets; left > 0; --left, ++column) add(sums[0], column);
    unroll<Rows * Registers>([&](auto i) LACUNA_UNROLLED {
      constexpr extent_t row = i / Registers, r = i % Registers;
      Lanes sum = sums[0][row][r];
      unroll<sets - 1>([&](auto u) LACUNA_UNROLLED { sum = sum + sums[u + 1][row][r]; });
      sum.store(to + i * lanes);
    });
  }

  /// Outputs that are turned together: whole strips, whole registers and, where strips divide it, a line of a cache.
  static constexpr extent_t group = [] {
    constexpr extent_t line = 64 / sizeof(value), least = line > lanes && line % outputs == 0 ? line : lanes;
    extent_t common = least;
    while (common % outputs != 0) common += lanes;
    return common;
  }();
  static constexpr extent_t groups = (Pattern::outputs + group - 1) / group;
  static constexpr bool ragged = Pattern::outputs % group != 0;

  /// y of `Registers` registers of tokens (fewer in the last only where one stretch holds all inputs). Until the last
  /// stretch of inputs a square of outputs and tokens lies turned in its own place in y.
  template <extent_t Registers, class Element, class Packed>
  static void multiply_tile(rows<value, Pattern::outputs> y, rows<const value, Pattern::inputs> x,
                            const block_matrix<const Element, Pattern>& weight, const Packed& packed) noexcept {
    constexpr extent_t step = Registers * lanes;
    alignas(64) value turned[tiling::part_inputs * step];
    alignas(64) value sums[group * step], last[ragged && tiling::parts > 1 ? group * step : 1];
    for (extent_t part = 0; part < tiling::parts; ++part) {
      const extent_t start = part * tiling::part_inputs;
      turn_in<Lanes, Registers>(turned, x, start, tiling::part_columns(part));
      const bool continues = part > 0, ends = part + 1 == tiling::parts;
      for (extent_t at = 0; at < groups; ++at) {
        const extent_t output = at * group;
        const bool whole = output + group <= Pattern::outputs;
        value* to = sums;
        if constexpr (ragged && tiling::parts > 1)
          if (!whole) to = last;
        if (continues && whole)
          for_each_square<Registers>(
              y, output, [&](value* from, extent_t place) LACUNA_UNROLLED { Lanes::load(from).store(to + place); });
        const extent_t end = (output + group) / outputs, strips = end < Pattern::strips ? end : Pattern::strips;
        for (extent_t strip = output / outputs; strip < strips; ++strip)
          multiply_part<Registers>(to + (strip * outputs - output) * step, turned, start, weight, strip,
                                   part_begin<tiling>(weight.pattern, packed, strip, part),
                                   part_begin<tiling>(weight.pattern, packed, strip, part + 1), continues);
        clear(to + (strips * outputs - output) * step, (end - strips) * outputs * step);
        if (ends)
          turn_out<Registers>(y, output, to);
        else if (whole)
          for_each_square<Registers>(y, output, [&](value* place_in_y, extent_t place) LACUNA_UNROLLED {
            Lanes::load(to + place).store(place_in_y);
          });
      }
    }
  }

  LACUNA_INLINE static void clear(value* to, extent_t count) noexcept {
    for (extent_t i = 0; i < count; i += lanes) Lanes(value(0)).store(to + i);
  }

  /// One strip, one stretch of inputs.
  template <extent_t Registers, class Element>
  LACUNA_INLINE static void multiply_part(value* to, const value* turned, extent_t start,
                                          const block_matrix<const Element, Pattern>& weight, extent_t strip,
                                          extent_t from, extent_t end, bool continues) noexcept {
    constexpr extent_t step = Registers * lanes, rows_at_once = tiling::rows, rest = outputs % rows_at_once;
    const columns_type columns(weight.pattern, strip, from, end);
    if (columns.count == 0) {
      if (!continues) clear(to, outputs * step);
      return;
    }
    for_widened<Lanes, outputs>(weight.block(from), columns.count,
                                [&](const value* values, extent_t first, extent_t count) LACUNA_UNROLLED {
                                  const bool more = continues || first > 0;
                                  for (extent_t row = 0; row + rows_at_once <= outputs; row += rows_at_once)
                                    add_columns<rows_at_once, Registers>(to + row * step, values + row, columns, first,
                                                                         count, turned, start, more);
                                  if constexpr (rest != 0)
                                    add_columns<rest, Registers>(to + (outputs - rest) * step, values + outputs - rest,
                                                                 columns, first, count, turned, start, more);
                                });
  }

  /// `f(place in y, place in the sums)` for every register of the squares of a group, as they lie until they are
  /// turned.
  template <extent_t Registers, class Function>
  LACUNA_INLINE static void for_each_square(rows<value, Pattern::outputs> y, extent_t output, Function&& f) noexcept {
    for (extent_t first = 0; first < group; first += lanes)
      for (extent_t r = 0; r < lanes; ++r)
        for (extent_t t = 0; t < Registers; ++t)
          f(y.row(t * lanes + r) + output + first, ((first + r) * Registers + t) * lanes);
  }

  /// A group of finished outputs, a token's side by side.
  template <extent_t Registers>
  LACUNA_INLINE static void turn_out(rows<value, Pattern::outputs> y, extent_t output, const value* from) noexcept {
    for (extent_t t = 0; t < Registers; ++t)
      for (extent_t first = 0; first < group && output + first < Pattern::outputs; first += lanes) {
        Lanes square[lanes];
        for (extent_t r = 0; r < lanes; ++r) square[r] = Lanes::load(from + ((first + r) * Registers + t) * lanes);
        transpose(square);
        const extent_t left = Pattern::outputs - output - first;
        for (extent_t r = 0; r < lanes && t * lanes + r < y.count; ++r)
          if (left >= lanes)
            square[r].store(y.row(t * lanes + r) + output + first);
          else
            square[r].store_part(y.row(t * lanes + r) + output + first, left);
      }
  }

  /// All tokens: tiles of whole registers of tokens. The last one takes some tokens again where they do not fill a
  /// register; few tokens go one by one, or fill a part of one.
  template <class Element, class Packed, class One>
  static void multiply_all(rows<value, Pattern::outputs> y, rows<const value, Pattern::inputs> x,
                           const block_matrix<const Element, Pattern>& weight, const Packed& packed,
                           One&& one) noexcept {
    extent_t done = 0;
    if constexpr (tiling::possible) {
      const auto some = [&]<extent_t Registers>(count_constant<Registers>) LACUNA_UNROLLED {
        for (; x.count - done >= Registers * lanes; done += Registers * lanes)
          multiply_tile<Registers>(y.slice(done, Registers * lanes), x.slice(done, Registers * lanes), weight, packed);
      };
      some(count_constant<tiling::registers>{});
      if constexpr (tiling::registers > 2) some(count_constant<2>{});
      if constexpr (tiling::registers > 1) some(count_constant<1>{});
      const extent_t left = x.count - done;
      if (left > 0 && x.count >= lanes) {
        multiply_tile<1>(y.slice(x.count - lanes, lanes), x.slice(x.count - lanes, lanes), weight, packed);
        return;
      }
      if constexpr (tiling::parts == 1)
        if (left > 1 && 2 * left >= lanes) {
          multiply_tile<1>(y, x, weight, packed);
          return;
        }
    }
    for (; done < x.count; ++done) one(y.row(done), x.row(done));
  }
};

/// y = x W^T: see `op::multiply_blocks`.
template <class Lanes, class Pattern, class Element, class Packed>
LACUNA_INLINE void multiply_blocks(rows<typename Lanes::element, Pattern::outputs> y,
                                   rows<const typename Lanes::element, Pattern::inputs> x,
                                   const block_matrix<const Element, Pattern>& weight, const Packed& packed) noexcept {
  if constexpr (Pattern::block_outputs >= Lanes::lane_count)
    wide_strip<Lanes, Pattern>::multiply_all(y, x, weight);
  else
    narrow_strip<Lanes, Pattern>::multiply_all(y, x, weight, packed, [&](auto* to, const auto* from) {
      if constexpr (requires { packed.multiply_token(to, from); })
        packed.multiply_token(to, from);
      else
        narrow_strip<Lanes, Pattern>::multiply_token(to, from, weight);
    });
}

}  // namespace by_lanes

LACUNA_END
