#pragma once
/// Where the cache keeps a position's block: an address policy.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct linear_cache;

namespace slots {
/// `linear_cache`, `ring_cache<256>`, `paged_cache<4096>`, or your own: `blocks(needed)` and a nested `address`. A cache that overwrites
/// says `static constexpr bool forgets = true` and `keeps(query, key)`: whether a key is still there when its row is
/// served.
struct cache {
  using stand_in = linear_cache;
  template <class Policy>
  static constexpr bool accepts = requires {
    typename Policy::address;
    { Policy::blocks(extent_t{1}) + extent_t{0} };
  };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::cache: the policy does not offer blocks and address (derive it from lacuna::linear_cache "
                  "and redefine both)");
  };
};
}  // namespace slots

/// Whether a cache overwrites what it held.
template <class Cache>
inline constexpr bool cache_forgets = requires { requires Cache::forgets; };

/// Block b of the stream is block b of the store: every position up to the context is kept.
struct linear_cache {
  using slot = slots::cache;
  static constexpr auto name = fixed_string("linear_cache");

  /// Blocks to store when the context has `context` of them.
  static constexpr extent_t blocks(extent_t context) { return context; }

  struct address {
    LACUNA_HD constexpr extent_t operator()(extent_t block) const noexcept { return block; }
  };
};

LACUNA_END
