#pragma once
/// Blocks of the stream that see their neighbours.

#include <lacuna/attention/route/window.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct block_window_is_not_empty {
  static_assert(Fine,
                "lacuna::block_window: blocks of 0 positions, or 0 of them, see nothing (write block_window<64, 1> for "
                "the row's own block)");
};
}  // namespace rules

/// The row's own block of `Block` positions and `Side` - 1 blocks on each side: `block_window<64, 2>` sees three.
/// Source: Zaheer et al. (2020), BigBird, arXiv 2007.14062, section 2 and appendix D (its sliding window).
template <extent_t Block, extent_t Side = 2>
struct block_window {
  static_assert(__is_base_of(nothing, rules::block_window_is_not_empty<(Block > 0 && Side > 0)>) || true);
  using slot = slots::route;
  static constexpr extent_t size = Block == 0 ? 1 : Block;
  static constexpr auto name = fixed_string("block_window<") + decimal<Block>() + ", " + decimal<Side>() + ">";
  static constexpr bool sees_ahead = Block > 1 || Side > 1;

  LACUNA_HD static constexpr lacuna::spans<1> spans(extent_t query, extent_t keys) {
    const auto blocks = window < Side == 0 ? 1 : Side > ::spans(query / size, keys / size + (keys % size != 0 ? 1 : 0));
    if (blocks.count == 0) return {};
    const extent_t end = blocks.items[0].end;
    return {blocks.items[0].begin * size, end > keys / size ? keys : end * size};
  }
};

LACUNA_END
