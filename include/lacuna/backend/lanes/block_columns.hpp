#pragma once
/// What products of sparse weights on lanes share: the stored columns of a strip, stretches of inputs, and tokens
/// turned into lanes.

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/op/multiply_blocks.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Whether a pattern is one of `grouped_blocks`: entries at known places.
template <class Pattern>
inline constexpr bool is_grouped = requires { Pattern::group; };

/// Inputs that stay together: those of a block, or of a group.
template <class Pattern>
constexpr extent_t inputs_together() {
  if constexpr (is_grouped<Pattern>)
    return Pattern::group;
  else
    return Pattern::block_inputs;
}

/// The columns that some entries of a strip store, each with `block_outputs` values: a block of C inputs is C columns.
/// What lies beyond the last input is none.
template <class Pattern>
struct block_columns {
  const typename Pattern::number* numbers;
  extent_t first_input = 0;  ///< of groups, of the first one
  extent_t count = 0;

  /// Of the entries [from, to) of a strip; of groups, whole ones.
  LACUNA_INLINE block_columns(const Pattern& pattern, extent_t strip, extent_t from, extent_t to) noexcept
      : numbers(pattern.numbers + from), count((to - from) * Pattern::block_inputs) {
    if constexpr (is_grouped<Pattern>) {
      first_input = (from - pattern.begin(strip)) / Pattern::kept * Pattern::group;
    } else if constexpr (Pattern::inputs % Pattern::block_inputs != 0) {
      if (from != to) {
        const extent_t end = pattern.first_input(to - 1) + Pattern::block_inputs;
        if (end > Pattern::inputs) count -= end - Pattern::inputs;
      }
    }
  }
  LACUNA_INLINE block_columns(const Pattern& pattern, extent_t strip) noexcept
      : block_columns(pattern, strip, pattern.begin(strip), pattern.end(strip)) {}

  LACUNA_INLINE extent_t input(extent_t column) const noexcept {
    if constexpr (is_grouped<Pattern>)
      return first_input + column / Pattern::kept * Pattern::group + numbers[column];
    else
      return extent_t{numbers[column / Pattern::block_inputs]} * Pattern::block_inputs + column % Pattern::block_inputs;
  }
};

/// Bytes of the inputs that are turned at once, on the stack; twice as many for strips of four outputs and more on
/// AVX-512, whose second cache is larger.
inline constexpr extent_t scratch_bytes = 65536;

/// How a weight of strips no wider than a register is computed for many tokens: `rows` outputs and `registers`
/// registers of tokens at once. The inputs of a part are turned at once; a part has one or several stretches.
///
/// More registers of tokens share the reading of a value; but sums that wait in y for the next part cost more: one part
/// is better, and two registers do.
template <class Lanes, class Pattern>
struct token_tiling {
  static constexpr extent_t lanes = Lanes::lane_count;
  /// Wide registers, and many: more outputs share the reading of an input.
  static constexpr bool roomy = lanes >= 16 && Lanes::register_count > 16;
  static constexpr extent_t rows = roomy && Pattern::block_outputs % 8 == 0 ? 8
                                   : Pattern::block_outputs < 4             ? Pattern::block_outputs
                                                                            : 4;
  static constexpr extent_t together = inputs_together<Pattern>();
  static constexpr extent_t all = (Pattern::inputs + together - 1) / together * together;
  static constexpr extent_t room =  ///< registers
      (roomy && rows >= 4 ? 2 : 1) * scratch_bytes / sizeof(typename Lanes::element) / lanes;
  static constexpr extent_t registers = [] {
    extent_t most = rows == 1 ? 8 : rows == 2 ? 4 : 2;
    while (most > 2 && most * all > room) most /= 2;
    return most * together > room ? 1 : most;
  }();
  static constexpr bool possible = together <= room;  ///< or tokens go one by one
  /// The inputs of each of as few stretches as there can be of so many registers.
  static constexpr extent_t in_stretches_of(extent_t most) {
    const extent_t fitting = most / registers / together * together;
    if (fitting == 0) return together;
    if (fitting >= all) return all;
    const extent_t count = (all + fitting - 1) / fitting;
    return ((all + count - 1) / count + together - 1) / together * together;
  }
  /// Inputs of a stretch: where one output is computed at a time, as many as the first cache holds beside the rest.
  static constexpr extent_t stretch_inputs = in_stretches_of(rows == 1 ? room / 4 : room);
  static constexpr extent_t stretches = possible ? (Pattern::inputs + stretch_inputs - 1) / stretch_inputs : 1;
  static constexpr extent_t part_stretches = [] {
    const extent_t fitting = room / registers / stretch_inputs;
    return fitting == 0 || fitting > stretches ? stretches : fitting;
  }();
  static constexpr extent_t part_inputs = part_stretches * stretch_inputs;
  static constexpr extent_t parts = (stretches + part_stretches - 1) / part_stretches;
  /// The stretch with which a part begins.
  static constexpr extent_t first_stretch(extent_t part) { return part < parts ? part * part_stretches : stretches; }
  static constexpr extent_t part_columns(extent_t part) {
    return part + 1 < parts ? part_inputs : Pattern::inputs - part * part_inputs;
  }
};

/// Where the entries of each strip begin that belong to a stretch of inputs: of free blocks in several stretches,
/// looked up; derived data of a backend.
template <class Lanes, class Element, class Pattern>
struct stretch_begins {
  using tiling = token_tiling<Lanes, Pattern>;
  tensor<std::uint32_t, (tiling::stretches - 1) * Pattern::strips> begins;

  constexpr void pack(const block_matrix<const Element, Pattern>& weight) {
    for (extent_t strip = 0; strip < Pattern::strips; ++strip) {
      extent_t entry = weight.pattern.begin(strip);
      for (extent_t stretch = 1; stretch < tiling::stretches; ++stretch) {
        while (entry < weight.pattern.end(strip) &&
               weight.pattern.first_input(entry) < stretch * tiling::stretch_inputs)
          ++entry;
        begins[(stretch - 1) * Pattern::strips + strip] = static_cast<std::uint32_t>(entry);
      }
    }
  }
};

/// The entry of a strip with which a stretch of inputs begins.
template <class Tiling, class Pattern, class Packed>
LACUNA_INLINE extent_t stretch_begin(const Pattern& pattern, const Packed& packed, extent_t strip,
                                     extent_t stretch) noexcept {
  if (stretch == 0) return pattern.begin(strip);
  if (stretch == Tiling::stretches) return pattern.end(strip);
  if constexpr (is_grouped<Pattern>) {
    return pattern.begin(strip) + stretch * Tiling::stretch_inputs / Pattern::group * Pattern::kept;
  } else if constexpr (requires { packed.stretches.begins; }) {
    return packed.stretches.begins[(stretch - 1) * Pattern::strips + strip];
  } else {
    extent_t low = pattern.begin(strip), high = pattern.end(strip);
    while (low < high) {
      const extent_t middle = (low + high) / 2;
      if (pattern.first_input(middle) < stretch * Tiling::stretch_inputs)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
}

/// Columns [first, first + count) of up to `Registers` registers of rows, each column the lanes of its own registers:
/// to[(column * Registers + register) * lanes + lane]. Rows that are not there are zeros.
template <class Lanes, extent_t Registers, class Value, extent_t Columns>
void turn_in(Value* to, rows<const Value, Columns> from, extent_t first, extent_t count) noexcept {
  constexpr extent_t lanes = Lanes::lane_count;
  for (extent_t t = 0; t < Registers; ++t)
    for (extent_t c = 0; c < count; c += lanes) {
      const extent_t some = count - c < lanes ? count - c : lanes;
      Lanes square[lanes];
      for (extent_t r = 0; r < lanes; ++r) {
        const extent_t row = t * lanes + r;
        if (row >= from.count)
          square[r] = Lanes(Value(0));
        else if (some == lanes)
          square[r] = Lanes::load(from.row(row) + first + c);
        else
          square[r] = Lanes::load_part(from.row(row) + first + c, some);
      }
      transpose(square);
      for (extent_t r = 0; r < some; ++r) square[r].store(to + ((c + r) * Registers + t) * lanes);
    }
}

/// The values of a stretch of a strip as they are computed with: themselves, or widened a part at a time. Calls
/// `f(values, first column, columns)`.
template <class Lanes, extent_t Outputs, class Element, class Function>
LACUNA_INLINE void for_widened(const Element* values, extent_t columns, Function&& f) noexcept {
  using value = typename Lanes::element;
  if constexpr (same<Element, value>) {
    f(values, extent_t{0}, columns);
  } else {
    constexpr extent_t lanes = Lanes::lane_count, most = Outputs < 256 ? 256 / Outputs : 1;
    value widened[(most * Outputs + lanes - 1) / lanes * lanes];
    for (extent_t first = 0; first < columns; first += most) {
      const extent_t some = columns - first < most ? columns - first : most, count = some * Outputs;
      const Element* from = values + first * Outputs;
      extent_t i = 0;
      for (; i + lanes <= count; i += lanes) Lanes::load(from + i).store(widened + i);
      if (i < count) Lanes::load_part(from + i, count - i).store(widened + i);
      f(static_cast<const value*>(widened), first, some);
    }
  }
}

}  // namespace by_lanes

LACUNA_END
