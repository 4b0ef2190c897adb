#pragma once
/// Loops whose every turn is written out: what a compiler leaves as a loop keeps its registers in memory.

#include <lacuna/core/type_list.hpp>

/// Behind a lambda's parameters: inlined into the loop that calls it.
#define LACUNA_UNROLLED __attribute__((always_inline))

LACUNA_BEGIN

namespace by_lanes {

/// `f(count_constant<0>{}) ... f(count_constant<Count - 1>{})`, inlined.
template <extent_t Count, class Function>
LACUNA_INLINE constexpr void unroll(Function&& f) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>)
      LACUNA_UNROLLED { (f(count_constant<Index>{}), ...); }(std::make_index_sequence<Count>{});
}

}  // namespace by_lanes

LACUNA_END
