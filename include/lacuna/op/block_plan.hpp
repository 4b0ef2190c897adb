#pragma once
/// The block plan: the contract between routes and the attention kernels.
///
/// Keys come in blocks of 16 positions, queries in groups of 8 rows. Per group the plan lists runs of blocks; a run is
/// full (every row of the group sees every key) or masked (one 16-bit row mask per row, and per block or for the whole
/// run). A kernel never sees a route.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// Keys per block of the cache and of the plan.
inline constexpr extent_t block_keys = 16;
/// Query rows per group of the plan.
inline constexpr extent_t group_rows = 8;

/// Blocks that hold `keys` positions.
LACUNA_HD constexpr extent_t blocks_of(extent_t keys) { return (keys + block_keys - 1) / block_keys; }
/// Groups that hold `queries` rows.
LACUNA_HD constexpr extent_t groups_of(extent_t queries) { return (queries + group_rows - 1) / group_rows; }

/// `count` blocks from `first` on; masked runs find block i's row masks at `masks[mask + i * step]`. A step of 0
/// repeats them: rows that see a long stretch whole beside rows that see none of it.
struct block_run {
  static constexpr std::uint32_t full = 0xffffffffu;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t mask = full;
  std::uint32_t step = 0;
};

/// A plan as kernels read it.
struct block_plan_view {
  const std::uint32_t* begin = nullptr;  ///< `groups + 1` offsets into `runs`
  const block_run* runs = nullptr;
  const std::uint16_t* masks = nullptr;
  extent_t queries = 0;
  std::uint64_t pairs = 0;  ///< visible (query, key) pairs, for cost counters
  extent_t first = 0;       ///< position of the first row

  /// The plan of one group of rows.
  LACUNA_HD constexpr block_plan_view of_group(extent_t group) const {
    const extent_t from = group * group_rows;
    block_plan_view part{begin + group, runs, masks, queries - from < group_rows ? queries - from : group_rows, 0,
                         first + from};
    for (extent_t row = 0; row < part.queries; ++row)
      part.for_each_block(row, [&](extent_t, std::uint32_t mask) {
        for (; mask != 0; mask &= mask - 1) ++part.pairs;
      });
    return part;
  }

  /// The plan of one row.
  LACUNA_HD constexpr block_plan_view of_row(extent_t query) const {
    block_plan_view part{begin + query / group_rows, runs, masks + query % group_rows, 1, 0, first + query};
    part.for_each_block(0, [&](extent_t, std::uint32_t mask) {
      for (; mask != 0; mask &= mask - 1) ++part.pairs;
    });
    return part;
  }

  /// Whether a row sees any key.
  LACUNA_HD constexpr bool shows_something(extent_t query) const {
    const extent_t group = query / group_rows, row = query % group_rows;
    for (std::uint32_t r = begin[group]; r < begin[group + 1]; ++r) {
      if (runs[r].mask == block_run::full) return true;
      for (std::uint32_t b = 0; b < runs[r].count; ++b)
        if (masks[runs[r].mask + b * runs[r].step + row] != 0) return true;
    }
    return false;
  }

  /// Calls `visit(block, mask)` for every block of which `query` sees at least one key: ascending, and where a route
  /// has branches, so in each of them.
  template <class Visitor>
  LACUNA_HD constexpr void for_each_block(extent_t query, Visitor&& visit) const {
    const extent_t group = query / group_rows, row = query % group_rows;
    for (std::uint32_t r = begin[group]; r < begin[group + 1]; ++r)
      for (std::uint32_t b = 0; b < runs[r].count; ++b) {
        const std::uint32_t mask =
            runs[r].mask == block_run::full ? 0xffffu : masks[runs[r].mask + b * runs[r].step + row];
        if (mask != 0) visit(static_cast<extent_t>(runs[r].first + b), mask);
      }
  }
};

LACUNA_END
