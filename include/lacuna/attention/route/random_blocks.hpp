#pragma once
/// Blocks of the stream that see a few other blocks, drawn once.

#include <lacuna/attention/route/window.hpp>
#include <lacuna/core/random.hpp>

LACUNA_BEGIN

/// What `random_blocks` draws: `random_blocks<64, draws{.count = 3, .seed = 1}>`.
struct draws {
  extent_t count = 3;
  std::uint64_t seed = 0;
  bool past_only = false;  ///< from earlier blocks alone: what a row sees does not depend on the stream's length
  constexpr bool operator==(const draws&) const = default;
};

namespace rules {
template <extent_t Block>
struct random_blocks_are_not_empty {
  static_assert(Block > 0,
                "lacuna::random_blocks: blocks of 0 positions hold nothing (choose random_blocks<1> or more)");
};
}  // namespace rules

/// For each block of `Block` rows, `count` distinct blocks of keys, uniformly drawn without replacement from all but
/// the first, the last, and the row's own with its two neighbours, which BigBird sees anyway. The same for all heads
/// and layers (the released code draws per head), and for every call: the drawing is counter-based. Blocks with fewer
/// candidates see all of those. O(count^2) per row.
/// Source: Zaheer et al. (2020), BigBird, arXiv 2007.14062, section 2 and appendix D.
template <extent_t Block, draws Draws = draws{}>
struct random_blocks {
  static_assert(__is_base_of(nothing, rules::random_blocks_are_not_empty<Block>) || true);
  using slot = slots::route;
  static constexpr extent_t size = Block == 0 ? 1 : Block;
  static constexpr auto name =
      fixed_string("random_blocks<") + decimal<Block>() + ", draws{" + decimal<Draws.count>() + "}>";
  static constexpr bool depends_on_length = !Draws.past_only;
  static constexpr bool sees_ahead = !Draws.past_only;

  LACUNA_HD static constexpr lacuna::spans<Draws.count> spans(extent_t query, extent_t keys) {
    const extent_t row = query / size, blocks = keys / size + (keys % size != 0 ? 1 : 0);
    lacuna::spans<Draws.count> seen;
    extent_t drawn[Draws.count == 0 ? 1 : Draws.count]{};
    const extent_t count = draw(drawn, row, blocks);
    for (extent_t i = 0; i < count; ++i) {
      const extent_t begin = drawn[i] * size;
      seen.add(begin, size < keys - begin ? begin + size : keys);
    }
    return seen;
  }

 private:
  /// The drawn blocks, ascending; how many. Source of the drawing: Floyd's sampling without replacement (Bentley and
  /// Floyd, 1987), which needs no table of the candidates.
  LACUNA_HD static constexpr extent_t draw(extent_t* drawn, extent_t row, extent_t blocks) {
    // Candidates are numbered in order; [near, near_end) is the gap around the row's own block.
    const extent_t last = Draws.past_only ? row : blocks == 0 ? 0 : blocks - 1;
    const extent_t near = row > 1 ? row - 1 : 1, near_end = row + 2;
    const extent_t before = near < last ? near - 1 : last > 1 ? last - 1 : 0;
    const extent_t behind = Draws.past_only || near_end >= last ? 0 : last - near_end;
    const extent_t candidates = before + behind;
    const extent_t count = Draws.count < candidates ? Draws.count : candidates;
    extent_t taken = 0;
    for (extent_t top = candidates - count; top < candidates; ++top) {
      const std::uint64_t word = random_bits(Draws.seed, row, top).word[0];
      extent_t pick = static_cast<extent_t>(word * (top + 1) >> 32);
      for (extent_t i = 0; i < taken; ++i)
        if (drawn[i] == pick) {
          pick = top;
          break;
        }
      extent_t at = taken++;
      for (; at > 0 && drawn[at - 1] > pick; --at) drawn[at] = drawn[at - 1];
      drawn[at] = pick;
    }
    for (extent_t i = 0; i < count; ++i) drawn[i] = drawn[i] < before ? drawn[i] + 1 : drawn[i] - before + near_end;
    return count;
  }
};

LACUNA_END
