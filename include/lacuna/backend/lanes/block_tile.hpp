#pragma once
/// A few visible blocks of some rows at a time, from the runs of their plan.

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/op/block_plan.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Visible blocks of some rows, with the row masks of those that are seen in part.
template <extent_t Most>
struct block_tile {
  std::uint32_t block[Most];
  const std::uint16_t* masks[Most];  ///< one per row; null where every row sees every key
  extent_t count = 0;

  /// A bit for each key of block b that one of `Rows` rows from `first` on sees.
  template <extent_t Rows>
  LACUNA_INLINE std::uint32_t seen(extent_t b, extent_t first) const noexcept {
    if (masks[b] == nullptr) [[likely]]
      return (1u << block_keys) - 1u;
    std::uint32_t any = 0;
    unroll<Rows>([&](extent_t row) LACUNA_UNROLLED { any |= masks[b][first + row]; });
    return any;
  }
  /// Whether one of them sees a key at all: where rows look at different places, many do not.
  template <extent_t Rows>
  LACUNA_INLINE bool shows(extent_t b, extent_t first) const noexcept {
    return seen<Rows>(b, first) != 0;
  }
};

/// Where the walk over a group's runs stands.
struct run_cursor {
  const block_plan_view& plan;
  std::uint32_t run, end, inside = 0;

  LACUNA_INLINE run_cursor(const block_plan_view& of, extent_t group) noexcept
      : plan(of), run(of.begin[group]), end(of.begin[group + 1]) {}

  LACUNA_INLINE bool done() const noexcept { return run == end; }
  LACUNA_INLINE std::uint32_t block() const noexcept { return plan.runs[run].first + inside; }
  /// The masks of the block's rows; null where every row sees every key.
  LACUNA_INLINE const std::uint16_t* masks() const noexcept {
    const block_run& at = plan.runs[run];
    return at.mask == block_run::full ? nullptr : plan.masks + at.mask + inside * at.step;
  }
  LACUNA_INLINE void step() noexcept {
    if (++inside == plan.runs[run].count) inside = 0, ++run;
  }
  /// The next blocks, up to Most; false at the end.
  template <extent_t Most>
  LACUNA_INLINE bool fill(block_tile<Most>& tile) noexcept {
    for (tile.count = 0; !done() && tile.count < Most; ++tile.count, step()) {
      tile.block[tile.count] = block();
      tile.masks[tile.count] = masks();
    }
    return tile.count != 0;
  }
};

/// Rows of two neighbouring groups. They mostly see the same blocks, which then come from the second cache once for
/// both: its lines, and not multiply-adds, are what tiles of a single group wait for.
inline constexpr extent_t paired_rows = 2 * group_rows;

/// Visible blocks of two groups. Not to be copied: masks lie in it.
template <extent_t Most>
struct paired_tile : block_tile<Most> {
  std::uint16_t merged[Most][paired_rows];
};

/// Where the walk over the runs of two groups stands: their blocks in order, those of both once. The last pair of a
/// plan may be one group of at most 8 rows.
struct pair_cursor {
  run_cursor low, high;
  extent_t rows;
  bool alone;

  LACUNA_INLINE pair_cursor(const block_plan_view& of, extent_t pair, extent_t count) noexcept
      : low(of, 2 * pair), high(of, 2 * pair), rows(count), alone(count <= group_rows) {
    high.run = low.end;
    high.end = alone ? low.end : of.begin[2 * pair + 2];
  }
  LACUNA_INLINE bool done() const noexcept { return low.done() && high.done(); }

  /// The next blocks, up to Most; false at the end.
  template <extent_t Most>
  LACUNA_INLINE bool fill(paired_tile<Most>& tile) noexcept {
    if (alone) return fill_alone(tile);
    for (tile.count = 0; !done() && tile.count < Most; ++tile.count) {
      const bool only_low = high.done(), only_high = low.done();
      const std::uint32_t block = only_low || (!only_high && low.block() < high.block()) ? low.block() : high.block();
      const bool in_low = !only_high && low.block() == block, in_high = !only_low && high.block() == block;
      const std::uint16_t *of_low = in_low ? low.masks() : nullptr, *of_high = in_high ? high.masks() : nullptr;
      std::uint16_t(&merged)[paired_rows] = tile.merged[tile.count];
      tile.block[tile.count] = block;
      tile.masks[tile.count] = merged;
      if (in_low && in_high && of_low == nullptr && of_high == nullptr)
        tile.masks[tile.count] = nullptr;
      else
        for (extent_t row = 0; row < group_rows; ++row) {
          merged[row] = of_low != nullptr ? of_low[row] : in_low ? every_key : no_key;
          merged[group_rows + row] = of_high != nullptr ? of_high[row] : in_high ? every_key : no_key;
        }
      if (in_low) low.step();
      if (in_high) high.step();
    }
    return tile.count != 0;
  }

 private:
  static constexpr std::uint16_t every_key = 0xffffu, no_key = 0;

  template <extent_t Most>
  LACUNA_INLINE bool fill_alone(paired_tile<Most>& tile) noexcept {
    low.fill(tile);
    for (extent_t b = 0; b < tile.count; ++b) {
      if (tile.masks[b] == nullptr) continue;
      for (extent_t row = 0; row < group_rows; ++row) {
        tile.merged[b][row] = row < rows ? tile.masks[b][row] : no_key;
        tile.merged[b][group_rows + row] = no_key;
      }
      tile.masks[b] = tile.merged[b];
    }
    return tile.count != 0;
  }
};

}  // namespace by_lanes

LACUNA_END
