#pragma once
/// Blocks of the stream that see their neighbours.

#include <lacuna/attention/route/window.hpp>

LACUNA_BEGIN

/// The row's own block of `Block` positions and `Side` - 1 blocks on each side: `block_window<64, 2>` sees three.
/// Source: Zaheer et al. (2020), BigBird, arXiv 2007.14062, section 2 and appendix D (its sliding window).
template <extent_t Block, extent_t Side = 2>
struct block_window {
  static_assert(__is_base_of(nothing, rules::window_is_not_empty<Block>) || true);
  static_assert(__is_base_of(nothing, rules::window_is_not_empty<Side>) || true);
  using slot = slots::route;
  static constexpr extent_t size = Block == 0 ? 1 : Block;
  static constexpr auto name = fixed_string("block_window<") + decimal<Block>() + ", " + decimal<Side>() + ">";
  static constexpr bool sees_ahead = Block > 1 || Side > 1;

  LACUNA_HD static constexpr lacuna::spans<1> spans(extent_t query, extent_t keys) {
    const auto blocks = window<Side>::spans(query / size, (keys + size - 1) / size);
    if (blocks.count == 0) return {};
    const extent_t end = blocks.items[0].end * size;
    return {blocks.items[0].begin * size, end < keys ? end : keys};
  }
};

LACUNA_END
