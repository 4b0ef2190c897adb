#pragma once
/// A few visible blocks of a group of rows at a time, from the runs of its plan.

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/op/block_plan.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Visible blocks of a group of rows, with the row masks of those that are seen in part.
template <extent_t Most>
struct block_tile {
  std::uint32_t block[Most];
  const std::uint16_t* masks[Most];  ///< one per row; null where every row sees every key
  extent_t count = 0;
};

/// Where the walk over a group's runs stands.
struct run_cursor {
  const block_plan_view& plan;
  std::uint32_t run, end, inside = 0;

  LACUNA_INLINE run_cursor(const block_plan_view& of, extent_t group) noexcept
      : plan(of), run(of.begin[group]), end(of.begin[group + 1]) {}

  /// The next blocks, up to Most; false at the end.
  template <extent_t Most>
  LACUNA_INLINE bool fill(block_tile<Most>& tile) noexcept {
    tile.count = 0;
    while (run != end && tile.count < Most) {
      const block_run& at = plan.runs[run];
      tile.block[tile.count] = at.first + inside;
      tile.masks[tile.count] = at.mask == block_run::full ? nullptr : plan.masks + at.mask + inside * at.step;
      ++tile.count;
      if (++inside == at.count) inside = 0, ++run;
    }
    return tile.count != 0;
  }
};

}  // namespace by_lanes

LACUNA_END
