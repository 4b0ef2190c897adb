#pragma once
/// Sets of positions, for routes that single some out: global columns, row classes.

#include <lacuna/attention/route/span.hpp>

LACUNA_BEGIN

template <extent_t Count>
struct leading;

namespace slots {
/// `leading<4>`, `listed<0, 5, 90>`, `edges<64>`, or your own: `spans(keys)`.
struct positions {
  using stand_in = leading<1>;
  template <class Policy>
  static constexpr bool accepts = requires(extent_t keys) {
    { Policy::spans(keys).count } -> std::convertible_to<extent_t>;
    { decltype(Policy::spans(keys))::most } -> std::convertible_to<extent_t>;
  };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::positions: the policy has no spans(keys) (write static constexpr lacuna::spans<1> "
                  "spans(lacuna::extent_t keys))");
  };
};
}  // namespace slots

namespace detail {

/// Whether a set asks how many positions there are. It says so itself, as routes do.
template <class Set>
inline constexpr bool set_depends_on_length = requires { requires Set::depends_on_length; };

}  // namespace detail

/// Whether a set of positions, `keys` in all or up to this one, holds it.
template <class Set>
LACUNA_HD constexpr bool holds(extent_t position, extent_t keys) {
  const auto held = Set::spans(position < keys ? keys : position + 1);
  for (extent_t i = 0; i < held.count; ++i)
    if (held.items[i].begin <= position && position < held.items[i].end) return true;
  return false;
}

/// Positions [0, Count): attention sinks. Source: Xiao et al. (2023), arXiv 2309.17453, section 3.2.
template <extent_t Count>
struct leading {
  using slot = slots::positions;
  static constexpr auto name = fixed_string("leading<") + decimal<Count>() + ">";

  LACUNA_HD static constexpr lacuna::spans<1> spans(extent_t keys) { return {0, Count < keys ? Count : keys}; }
};

namespace detail {

template <extent_t... Positions>
constexpr bool ascending() {
  constexpr extent_t of[]{Positions...};
  for (extent_t i = 1; i < sizeof...(Positions); ++i)
    if (of[i] <= of[i - 1]) return false;
  return true;
}

}  // namespace detail

namespace rules {
template <bool Fine>
struct listed_positions_ascend {
  static_assert(Fine, "lacuna::listed: the positions do not ascend (write each once, the smallest first)");
};
}  // namespace rules

/// Single positions, ascending.
template <extent_t First, extent_t... Rest>
struct listed {
  static constexpr bool fine = detail::ascending<First, Rest...>();
  static_assert(__is_base_of(nothing, rules::listed_positions_ascend<fine>) || true);
  using slot = slots::positions;
  static constexpr auto name =
      ((fixed_string("listed<") + decimal<First>()) + ... + (fixed_string(", ") + decimal<Rest>())) + ">";

  LACUNA_HD static constexpr lacuna::spans<1 + sizeof...(Rest)> spans(extent_t keys) {
    lacuna::spans<1 + sizeof...(Rest)> held;
    held.add(First, First < keys ? First + 1 : First);
    if constexpr (fine) (held.add(Rest, Rest < keys ? Rest + 1 : Rest), ...);
    return held;
  }
};

namespace rules {
template <extent_t Block>
struct edges_are_not_empty {
  static_assert(Block > 0, "lacuna::edges: blocks of 0 positions hold nothing (choose edges<1> or more)");
};
}  // namespace rules

/// The first and the last block of `Block` positions; the last may be in part.
template <extent_t Block>
struct edges {
  static_assert(__is_base_of(nothing, rules::edges_are_not_empty<Block>) || true);
  using slot = slots::positions;
  static constexpr extent_t size = Block == 0 ? 1 : Block;
  static constexpr auto name = fixed_string("edges<") + decimal<Block>() + ">";
  static constexpr bool depends_on_length = true;

  LACUNA_HD static constexpr lacuna::spans<2> spans(extent_t keys) {
    lacuna::spans<2> held;
    held.add(0, size < keys ? size : keys);
    held.add(keys > size ? (keys - 1) / size * size : 0, keys);
    return held;
  }
};

LACUNA_END
