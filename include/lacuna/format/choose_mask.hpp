#pragma once
/// Which entries of a weight its mask keeps: by magnitude, in the pattern of a format, without memory beside the mask.
/// Of equal magnitudes the first one is kept, row by row.

#include <lacuna/format/block_diagonal.hpp>
#include <lacuna/format/blocked.hpp>
#include <lacuna/format/n_m.hpp>

LACUNA_BEGIN

/// Among which blocks the largest are chosen.
enum class mask_scope : std::uint8_t {
  weight,  ///< all blocks of a weight: the smallest residual
  strip    ///< those of each strip alone, so that all strips are as full: each row, where blocks are single entries
};

namespace detail {

/// Scores as integers in the same order. What is below 0 or no number comes before all others.
constexpr std::uint64_t order_of(double score) noexcept {
  return score >= 0 ? __builtin_bit_cast(std::uint64_t, score + 0.0) + 1 : 0;  // -0 is 0
}

/// The largest of many scores: those above a bound, and the first ones that equal it.
struct largest_scores {
  std::uint64_t bound = 0;
  extent_t equal = 0;

  /// Asked about every score once, in order.
  constexpr bool take(double score) noexcept {
    const std::uint64_t at = order_of(score);
    if (at == bound && equal > 0) {
      --equal;
      return true;
    }
    return at > bound;
  }
};
/// The `wanted` largest of `count` scores, `score(i)`: eight passes that count them by a byte each, and no copy.
template <class Score>
constexpr largest_scores find_largest(extent_t count, extent_t wanted, Score&& score) {
  if (wanted > count) wanted = count;
  std::uint64_t known = 0;
  for (int shift = 56; shift >= 0; shift -= 8) {
    extent_t counts[256]{};
    for (extent_t i = 0; i < count; ++i) {
      const std::uint64_t at = order_of(score(i));
      if (shift == 56 || at >> (shift + 8) == known) ++counts[at >> shift & 255];
    }
    std::uint64_t byte = 255;
    while (counts[byte] < wanted) wanted -= counts[byte--];
    known = known << 8 | byte;
  }
  return {known, wanted};
}

/// A weight `(outputs, inputs)` as blocks, numbered strip by strip. Weights and masks are anything that is read and
/// written by `of(output, input)`.
struct block_grid {
  extent_t outputs, inputs, block_outputs, block_inputs;

  constexpr extent_t strips() const noexcept { return (outputs + block_outputs - 1) / block_outputs; }
  constexpr extent_t places() const noexcept { return (inputs + block_inputs - 1) / block_inputs; }
  /// Calls `f(output, input)` for the entries of a block that lie inside the weight.
  template <class Function>
  constexpr void for_each(extent_t block, Function&& f) const {
    const extent_t output = block / places() * block_outputs, input = block % places() * block_inputs;
    for (extent_t o = output; o < output + block_outputs && o < outputs; ++o)
      for (extent_t i = input; i < input + block_inputs && i < inputs; ++i) f(o, i);
  }
  /// The sum of the squares of a block's entries.
  template <class Weight>
  constexpr double squares(const Weight& of, extent_t block) const {
    double sum = 0;
    for_each(block, [&](extent_t o, extent_t i) {
      const auto entry = static_cast<double>(widen(of(o, i)));
      sum += entry * entry;
    });
    return sum;
  }
  template <class Mask>
  constexpr void keep(Mask& mask, extent_t block, bool keeps) const {
    for_each(block, [&](extent_t o, extent_t i) { mask(o, i) = static_cast<std::uint8_t>(keeps); });
  }
  template <class Mask>
  constexpr bool keeps(Mask& mask, extent_t block) const {
    return mask(block / places() * block_outputs, block % places() * block_inputs) != 0;
  }
};

/// Keeps the `count` blocks whose entries have the largest squares together.
template <class Weight, class Mask>
constexpr void keep_largest_blocks(const Weight& of, Mask& mask, const block_grid& grid, extent_t count) {
  const extent_t blocks = grid.strips() * grid.places();
  const auto score = [&](extent_t block) { return grid.squares(of, block); };
  largest_scores largest = find_largest(blocks, count, score);
  for (extent_t block = 0; block < blocks; ++block) grid.keep(mask, block, largest.take(score(block)));
}
/// Keeps as many in every strip, as near to `count` in all as that goes from below, and those left over in the strips
/// where the next largest block is.
template <class Weight, class Mask>
constexpr void keep_largest_blocks_per_strip(const Weight& of, Mask& mask, const block_grid& grid, extent_t count) {
  const extent_t strips = grid.strips(), places = grid.places();
  const extent_t each = count / strips < places ? count / strips : places;
  for (extent_t strip = 0; strip < strips; ++strip) {
    const auto score = [&](extent_t place) { return grid.squares(of, strip * places + place); };
    largest_scores largest = find_largest(places, each, score);
    for (extent_t place = 0; place < places; ++place)
      grid.keep(mask, strip * places + place, largest.take(score(place)));
  }
  const auto score = [&](extent_t block) { return grid.keeps(mask, block) ? -1.0 : grid.squares(of, block); };
  const extent_t left = count > each * strips && each < places ? count - each * strips : 0;
  largest_scores largest = find_largest(strips * places, left, score);
  for (extent_t block = 0; block < strips * places; ++block)
    if (largest.take(score(block))) grid.keep(mask, block, true);
}
/// Keeps `kept` of every `group` inputs, the same ones for `shared_by` outputs: kept times as many squares are summed
/// as the weight has entries. `group` divides the inputs.
template <class Weight, class Mask>
constexpr void keep_n_of_m(const Weight& of, Mask& mask, extent_t outputs, extent_t inputs, extent_t kept,
                           extent_t group, extent_t shared_by) {
  const block_grid grid{outputs, inputs, shared_by, 1};
  for (extent_t first = 0; first < grid.strips() * inputs; first += group) {
    for (extent_t place = first; place < first + group; ++place) grid.keep(mask, place, false);
    for (extent_t chosen = 0; chosen < kept && chosen < group; ++chosen) {
      extent_t best = first + group;
      std::uint64_t largest = 0;
      for (extent_t place = first; place < first + group; ++place) {
        if (grid.keeps(mask, place)) continue;
        const std::uint64_t at = order_of(grid.squares(of, place));
        if (best == first + group || at > largest) best = place, largest = at;
      }
      grid.keep(mask, best, true);
    }
  }
}

/// The mask that the largest entries make, in the pattern of a format: `by_magnitude<Outputs, Inputs>(weight, mask,
/// scope)`.
template <class Format>
struct masks_of;
template <extent_t BlockOutputs, extent_t BlockInputs, density Stored>
struct masks_of<blocked<BlockOutputs, BlockInputs, Stored>> {
  template <extent_t Outputs, extent_t Inputs, class Weight, class Mask>
  static constexpr void by_magnitude(const Weight& of, Mask& mask, mask_scope scope) {
    using pattern = typename blocked<BlockOutputs, BlockInputs, Stored>::template bound<Outputs, Inputs>::pattern_type;
    constexpr block_grid grid{Outputs, Inputs, BlockOutputs, BlockInputs};
    if (scope == mask_scope::strip)
      keep_largest_blocks_per_strip(of, mask, grid, pattern::capacity);
    else
      keep_largest_blocks(of, mask, grid, pattern::capacity);
  }
};
template <extent_t Kept, extent_t Group, extent_t SharedBy>
struct masks_of<n_m<Kept, Group, SharedBy>> {
  template <extent_t Outputs, extent_t Inputs, class Weight, class Mask>
  static constexpr void by_magnitude(const Weight& of, Mask& mask, mask_scope) {
    keep_n_of_m(of, mask, Outputs, Inputs, Kept, Group, SharedBy);
  }
};
template <extent_t Blocks>
struct masks_of<block_diagonal<Blocks>> {
  template <extent_t Outputs, extent_t Inputs, class Weight, class Mask>
  static constexpr void by_magnitude(const Weight&, Mask& mask, mask_scope) {
    for (extent_t o = 0; o < Outputs; ++o)
      for (extent_t i = 0; i < Inputs; ++i)
        mask(o, i) = static_cast<std::uint8_t>(o / (Outputs / Blocks) == i / (Inputs / Blocks));
  }
};

}  // namespace detail

LACUNA_END
