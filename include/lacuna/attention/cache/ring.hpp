#pragma once
/// A cache whose size does not grow with the stream.

#include <lacuna/attention/cache/linear.hpp>
#include <lacuna/attention/route/span.hpp>
#include <lacuna/op/block_plan.hpp>

LACUNA_BEGIN

/// How many positions at the front a ring never overwrites: `ring_cache<256, pinned{4}>`.
struct pinned {
  extent_t count = 0;
  constexpr explicit pinned(extent_t of = 0) : count(of) {}
  constexpr bool operator==(const pinned&) const = default;
};

/// What a ring's positions count.
enum class ring_positions : std::uint8_t {
  of_the_text,  ///< tokens of the stream
  of_the_cache  ///< tokens that the cache still holds
};

namespace rules {
template <extent_t Positions>
struct ring_is_not_empty {
  static_assert(Positions > 0, "lacuna::ring_cache: a ring of 0 positions keeps nothing (give it the window's width)");
};
template <bool Fine>
struct ring_keeps_what_is_seen {
  static_assert(Fine,
                "lacuna::ring_cache: the route sees keys that the ring has overwritten, or ahead (give the ring the "
                "window's width, pin leading keys with pinned{N}, or use linear_cache)");
};
template <bool Fine>
struct positions_can_be_moved {
  static_assert(Fine,
                "lacuna::ring_cache: positions inside the cache need queries and keys that can be turned on from where "
                "they were written, and this position cannot (use rope<>, or ring_positions::of_the_text)");
};
}  // namespace rules

/// The last `Positions` positions, and the first `Pinned` for good: what a causal window of that width sees, with
/// attention sinks. State: Positions + Pinned positions and up to three blocks more, whatever the context, so that a
/// stream may be as long as one likes. Rows are served 8 at a time, each group right after its keys are written.
///
/// Positions are those of the text, or `ring_positions::of_the_cache`: once the stream is longer than Pinned +
/// Positions, a row's pinned keys are as near as if nothing had ever stood between them and the rest, so that distances
/// never exceed those of training. All other distances are those of the text already: for each row the pinned keys
/// alone are turned on from where they were written, by the number of tokens that were evicted, and rows are served one
/// at a time: O(Pinned * kv_width) more per row, and the pinned keys once more in the state. Source: Xiao et al.
/// (2023), StreamingLLM, arXiv 2309.17453, section 3.2; the released code keeps keys without positions and turns all of
/// them.
template <extent_t Positions, pinned Pinned = pinned{}, ring_positions Counted = ring_positions::of_the_text>
struct ring_cache {
  static_assert(__is_base_of(nothing, rules::ring_is_not_empty<Positions>) || true);
  using slot = slots::cache;
  static constexpr auto name = [] {
    constexpr auto sizes =
        fixed_string("ring_cache<") + decimal<Positions>() + ", pinned{" + decimal<Pinned.count>() + "}";
    if constexpr (Counted == ring_positions::of_the_cache)
      return sizes + ", of_the_cache>";
    else
      return sizes + ">";
  }();
  static constexpr bool moves_pinned = Counted == ring_positions::of_the_cache && Pinned.count > 0;
  static constexpr bool forgets = true;

  static constexpr extent_t pinned_blocks = blocks_of(Pinned.count);
  /// A group's 8 rows lie in at most two blocks: the newest is not full, and its first row looks back from the other.
  static constexpr extent_t ring_blocks = blocks_of(Positions + block_keys + group_rows - 2);

  static constexpr extent_t blocks(extent_t context) {
    return context < pinned_blocks + ring_blocks ? context : pinned_blocks + ring_blocks;
  }
  static constexpr bool keeps(extent_t query, extent_t key) {
    return key < Pinned.count || key + Positions > query || Positions == 0;
  }
  /// How many positions the cache has lost when a row is served.
  LACUNA_HD static constexpr extent_t evicted(extent_t query) {
    return query + 1 > Positions + Pinned.count ? query + 1 - Positions - Pinned.count : 0;
  }
  /// The first position that is not pinned.
  static constexpr extent_t first_moving = Pinned.count;
  /// Whether a block is still stored once `newest` was written.
  LACUNA_HD static constexpr bool stores(extent_t block, extent_t newest) {
    return block < pinned_blocks || block + ring_blocks > newest;
  }

  struct address {
    LACUNA_HD constexpr extent_t operator()(extent_t block) const noexcept {
      return block < pinned_blocks ? block : pinned_blocks + (block - pinned_blocks) % ring_blocks;
    }
  };
};

/// Whether a cache turns its pinned keys on when it forgets others.
template <class Cache>
inline constexpr bool cache_moves_pinned = requires { requires Cache::moves_pinned; };

namespace detail {

/// Whether a forgetting cache still holds what the rows of a route see. Asked of the first rows, the last ones, and
/// those around the place where the cache is full; rows in between that see more than their neighbours stop the program
/// when they come.
template <class Cache, class Policy, extent_t Context>
constexpr bool cache_serves() {
  if constexpr (!cache_forgets<Cache>) {
    return true;
  } else if constexpr (route_sees_ahead<Policy>) {
    return false;
  } else {
    constexpr extent_t asked = 48, full = Cache::blocks(blocks_of(Context)) * block_keys;
    for (extent_t i = 0; i < 4 * asked; ++i) {
      const extent_t query = i < asked       ? i
                             : i < 3 * asked ? (full > asked ? full - asked : 0) + (i - asked)
                                             : Context - 1 - (i - 3 * asked);
      if (query >= Context) continue;
      for (extent_t branch = 0; branch < branch_count<Policy>; ++branch) {
        const auto seen = spans_of_branch<Policy>(branch, query, query + 1);
        // Later keys are kept longer: of each span the first key says it, and the first that is not pinned.
        for (extent_t s = 0; s < seen.count; ++s) {
          const extent_t begin = seen.items[s].begin, end = seen.items[s].end;
          const extent_t moving = begin < Cache::first_moving ? Cache::first_moving : begin;
          if (!Cache::keeps(query, begin) || (moving < end && !Cache::keeps(query, moving))) return false;
        }
      }
    }
    return true;
  }
}

}  // namespace detail

LACUNA_END
