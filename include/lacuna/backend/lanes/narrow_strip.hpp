#pragma once
/// Products of sparse weights whose strips are narrower than a register, or fill one: many tokens in lanes; or several
/// columns of one token.

#include <lacuna/backend/lanes/block_columns.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// A number in each lane, one for every `Repeat` lanes: `number(0)`, ... The lane type may have a quicker way.
template <class Lanes, extent_t Repeat, class Function>
LACUNA_INLINE Lanes repeated(Function&& number) noexcept {
  using value = typename Lanes::element;
  constexpr extent_t count = Lanes::lane_count / Repeat;
  value numbers[count];
  unroll<count>([&](extent_t j) LACUNA_UNROLLED { numbers[j] = number(j); });
  if constexpr (requires { Lanes::template repeated<Repeat>(numbers); }) {
    return Lanes::template repeated<Repeat>(numbers);
  } else {
    value copied[Lanes::lane_count];
    unroll<Lanes::lane_count>([&](extent_t j) LACUNA_UNROLLED { copied[j] = numbers[j / Repeat]; });
    return Lanes::load(copied);
  }
}

/// A strip no wider than a register.
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
    unroll<sets>([&](extent_t u) LACUNA_UNROLLED { sums[u] = Lanes(value(0)); });
    if constexpr (outputs == 1 && inputs % lanes == 0) {
      // Blocks along the inputs: both factors lie in memory as they are multiplied.
      constexpr extent_t registers = inputs / lanes;
      const extent_t entries = columns.count / inputs;
      for (extent_t entry = 0; entry < entries; ++entry)
        unroll<registers>([&](extent_t r) LACUNA_UNROLLED {
          sums[r % sets] = multiply_add(Lanes::load(values + entry * inputs + r * lanes),
                                        Lanes::load(x + columns.input(entry * inputs) + r * lanes), sums[r % sets]);
        });
      extent_t column = entries * inputs;
      for (; column < columns.count; column += lanes) {
        const extent_t some = columns.count - column < lanes ? columns.count - column : lanes;
        sums[0] = multiply_add(Lanes::load_part(values + column, some),
                               Lanes::load_part(x + columns.input(column), some), sums[0]);
      }
      unroll<sets - 1>([&](extent_t u) LACUNA_UNROLLED { sums[0] = sums[0] + sums[u + 1]; });
      y[0] = sum_of(sums[0]);
    } else if constexpr (lanes % outputs == 0) {
      constexpr extent_t beside = lanes / outputs;
      extent_t column = 0;
      // The inputs of columns [from, from + some), and zeros.
      const auto inputs_of = [&](extent_t from, extent_t some) LACUNA_UNROLLED {
        return repeated<Lanes, outputs>([&](extent_t j) LACUNA_UNROLLED {
          const value read = x[columns.input(from + (j < some ? j : 0))];
          return j < some ? read : value(0);
        });
      };
      const auto add = [&](Lanes& to, extent_t from) LACUNA_UNROLLED {
        to = multiply_add(Lanes::load(values + from * outputs), inputs_of(from, beside), to);
      };
      for (; column + sets * beside <= columns.count; column += sets * beside)
        unroll<sets>([&](extent_t u) LACUNA_UNROLLED { add(sums[u], column + u * beside); });
      for (; column + beside <= columns.count; column += beside) add(sums[0], column);
      if (const extent_t some = columns.count - column; some != 0)
        sums[1] =
            multiply_add(Lanes::load_part(values + column * outputs, some * outputs), inputs_of(column, some), sums[1]);
      unroll<sets - 1>([&](extent_t u) LACUNA_UNROLLED { sums[0] = sums[0] + sums[u + 1]; });
      value folded[lanes];
      sums[0].store(folded);
      unroll<outputs>([&](extent_t o) LACUNA_UNROLLED {
        value sum = 0;
        unroll<beside>([&](extent_t j) LACUNA_UNROLLED { sum += folded[j * outputs + o]; });
        if (o < width) y[o] = sum;
      });
    } else {
      // Two columns in turn, so that an addition does not wait for the one before it.
      extent_t column = 0;
      for (; column + 2 <= columns.count; column += 2)
        unroll<2>([&](extent_t u) LACUNA_UNROLLED {
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
    unroll<Rows * Registers>([&](extent_t i) LACUNA_UNROLLED {
      const extent_t row = i / Registers, r = i % Registers;
      sums[0][row][r] = continues ? Lanes::load(to + i * lanes) : Lanes(value(0));
      unroll<sets - 1>([&](extent_t u) LACUNA_UNROLLED { sums[u + 1][row][r] = Lanes(value(0)); });
    });
    const auto add = [&](Lanes(&sum)[Rows][Registers], extent_t column) LACUNA_UNROLLED {
      const value* from = turned + (columns.input(skipped + column) - start) * step;
      Lanes in[Registers];
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { in[r] = Lanes::load(from + r * lanes); });
      unroll<Rows>([&](extent_t row) LACUNA_UNROLLED {
        const Lanes weight(values[column * outputs + row]);
        unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sum[row][r] = multiply_add(weight, in[r], sum[row][r]); });
      });
    };
    extent_t column = 0;
    if constexpr (sets > 1) {
      for (extent_t whole = count / sets; whole > 0; --whole, column += sets)
        unroll<sets>([&](extent_t u) LACUNA_UNROLLED { add(sums[u], column + u); });
      for (extent_t left = count % sets; left > 0; --left, ++column) add(sums[0], column);
    } else {
      // What counts the columns takes places of multiply-adds, most where two threads share a core.
#pragma GCC unroll 2
      for (extent_t left = count; left > 0; --left, ++column) add(sums[0], column);
    }
    unroll<Rows * Registers>([&](extent_t i) LACUNA_UNROLLED {
      const extent_t row = i / Registers, r = i % Registers;
      Lanes sum = sums[0][row][r];
      unroll<sets - 1>([&](extent_t u) LACUNA_UNROLLED { sum = sum + sums[u + 1][row][r]; });
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

  /// Which groups a tile computes: those [first, end). In stretches the inputs of one stay in the first cache for all
  /// strips of a group; the entries are then read in an order that no processor foresees, and have to be near.
  struct some_groups {
    extent_t first, end;
    bool in_stretches;
  };
  /// Columns of a strip in a stretch below which less is gained than lost.
  static constexpr extent_t least_in_stretch = 32;

  /// y of `Registers` registers of tokens (fewer in the last only where one stretch holds all inputs). Until the last
  /// stretch of inputs a square of outputs and tokens lies turned in its own place in y.
  template <extent_t Registers, class Element, class Packed>
  static void multiply_tile(rows<value, Pattern::outputs> y, rows<const value, Pattern::inputs> x,
                            const block_matrix<const Element, Pattern>& weight, const Packed& packed,
                            const some_groups& of) noexcept {
    constexpr extent_t step = Registers * lanes;
    alignas(64) value turned[tiling::part_inputs * step];
    alignas(64) value sums[group * step], last[ragged && tiling::parts > 1 ? group * step : 1];
    for (extent_t part = 0; part < tiling::parts; ++part) {
      const extent_t start = part * tiling::part_inputs;
      turn_in<Lanes, Registers>(turned, x, start, tiling::part_columns(part));
      const bool continues = part > 0, ends = part + 1 == tiling::parts;
      for (extent_t at = of.first; at < of.end; ++at) {
        const extent_t output = at * group;
        const bool whole = output + group <= Pattern::outputs;
        value* to = sums;
        if constexpr (ragged && tiling::parts > 1)
          if (!whole) to = last;
        if (continues && whole)
          for_each_square<Registers>(
              y, output, [&](value* from, extent_t place) LACUNA_UNROLLED { Lanes::load(from).store(to + place); });
        const extent_t end = (output + group) / outputs, strips = end < Pattern::strips ? end : Pattern::strips;
        const auto multiply = [&](extent_t from, extent_t behind, bool more) LACUNA_UNROLLED {
          for (extent_t strip = output / outputs; strip < strips; ++strip)
            multiply_part<Registers>(to + (strip * outputs - output) * step, turned, start, weight, strip,
                                     stretch_begin<tiling>(weight.pattern, packed, strip, from),
                                     stretch_begin<tiling>(weight.pattern, packed, strip, behind), more);
        };
        const extent_t first = tiling::first_stretch(part), next = tiling::first_stretch(part + 1);
        if (!of.in_stretches)
          multiply(first, next, continues);
        else
          for (extent_t stretch = first; stretch < next; ++stretch)
            multiply(stretch, stretch + 1, continues || stretch > first);
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

  /// The groups from `group` on whose entries a near cache holds, one at least.
  template <class Element>
  LACUNA_INLINE static extent_t near_groups(const block_matrix<const Element, Pattern>& weight,
                                            extent_t first) noexcept {
    constexpr extent_t near = extent_t{1} << 17, bytes = Pattern::block_size * sizeof(Element);
    const extent_t begin = weight.pattern.begin(first * group / outputs);
    extent_t end = first + 1;
    // The last group may be one of fewer strips: it is taken along or not by what the one before it has.
    while (end < groups && (weight.pattern.end(end * group / outputs - 1) - begin) * bytes < near) ++end;
    return end;
  }

  /// All tokens: tiles of whole registers of tokens. The last tile takes some tokens again where they do not fill a
  /// register; few tokens go one by one, or fill a part of one.
  template <class Element, class Packed, class One>
  static void multiply_all(rows<value, Pattern::outputs> y, rows<const value, Pattern::inputs> x,
                           const block_matrix<const Element, Pattern>& weight, const Packed& packed,
                           One&& one) noexcept {
    extent_t single = x.count;
    if constexpr (tiling::possible) {
      single = x.count % lanes;
      const bool again = single > 0 && x.count >= lanes;
      const bool in_part = tiling::parts == 1 && !again && single > 1 && 2 * single >= lanes;
      const bool in_stretches =
          tiling::part_stretches > 1 &&
          weight.pattern.entries() * Pattern::block_inputs > least_in_stretch * Pattern::strips * tiling::stretches;
      for (some_groups of{0, 0, in_stretches}; (x.count >= lanes || in_part) && of.first < groups; of.first = of.end) {
        of.end = in_stretches ? near_groups(weight, of.first) : groups;
        const auto tile = [&]<extent_t Registers>(count_constant<Registers>, extent_t from,
                                                  extent_t count) LACUNA_UNROLLED {
          multiply_tile<Registers>(y.slice(from, count), x.slice(from, count), weight, packed, of);
        };
        extent_t done = 0;
        // As many as the larger ones leave.
        const auto tiles = [&]<extent_t Registers>(count_constant<Registers> registers, extent_t number)
                               LACUNA_UNROLLED {
                                 for (; number > 0; --number, done += Registers * lanes)
                                   tile(registers, done, Registers * lanes);
                               };
        constexpr extent_t most = tiling::registers;
        tiles(count_constant<most>{}, x.count / (most * lanes));
        if constexpr (most > 2) tiles(count_constant<2>{}, x.count / (2 * lanes) % (most / 2));
        if constexpr (most > 1) tiles(count_constant<1>{}, x.count / lanes % 2);
        if (again) tile(count_constant<1>{}, x.count - lanes, lanes);
        if constexpr (tiling::parts == 1)
          if (in_part) tile(count_constant<1>{}, 0, x.count);
      }
      if (again || in_part) single = 0;
    }
    // Counted down, as above.
    for (; single > 0; --single) one(y.row(x.count - single), x.row(x.count - single));
  }
};

}  // namespace by_lanes

LACUNA_END
