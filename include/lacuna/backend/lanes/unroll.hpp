#pragma once
/// Loops whose every turn is written out: what a compiler leaves as a loop keeps its registers in memory.

#include <lacuna/core/type_list.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// `f(count_constant<0>{}) ... f(count_constant<Count - 1>{})`, inlined. A lambda that takes `extent_t` is compiled
/// once, even for no turn; one that takes `auto` once per turn, for which the number is a constant in every sense.
template <extent_t Count, class Function>
LACUNA_INLINE constexpr void unroll(Function&& f) {
  // Most loops have few turns, and an index sequence would take two more templates for each loop.
  if constexpr (Count > 0) f(count_constant<0>{});
  if constexpr (Count > 1) f(count_constant<1>{});
  if constexpr (Count > 2) f(count_constant<2>{});
  if constexpr (Count > 3) f(count_constant<3>{});
  if constexpr (Count > 4) f(count_constant<4>{});
  if constexpr (Count > 5) f(count_constant<5>{});
  if constexpr (Count > 6) f(count_constant<6>{});
  if constexpr (Count > 7) f(count_constant<7>{});
  if constexpr (Count > 8)
    [&]<std::size_t... Index>(std::index_sequence<Index...>)
        LACUNA_UNROLLED { (f(count_constant<8 + Index>{}), ...); }(std::make_index_sequence<Count - 8>{});
}

/// The largest divisor of `count` that is at most `most`: turns to write out at once, so that none are left over.
constexpr extent_t divisor_up_to(extent_t count, extent_t most) {
  extent_t found = most < count ? most : count;
  while (count % found != 0) --found;
  return found;
}

}  // namespace by_lanes

LACUNA_END
