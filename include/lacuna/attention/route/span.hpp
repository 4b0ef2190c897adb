#pragma once
/// A route says which keys a query row sees. Its primitive is `spans(query, keys)`: ascending, disjoint intervals.
///
/// Everything else (`allows`, `pairs`, the block plan) is derived here, so that a route is one small struct:
///   struct even_past {
///     using slot = lacuna::slots::route;
///     static constexpr auto spans(extent_t query, extent_t keys) -> spans<1>;
///   };

#include <concepts>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

/// Keys [begin, end).
struct span {
  extent_t begin = 0;
  extent_t end = 0;
  constexpr bool operator==(const span&) const = default;
};

/// Up to `Most` spans, ascending and disjoint; empty and touching ones are merged away by `add`.
template <extent_t Most>
struct spans {
  static constexpr extent_t most = Most;
  span items[Most == 0 ? 1 : Most]{};
  extent_t count = 0;

  constexpr spans() = default;
  LACUNA_HD constexpr spans(extent_t begin, extent_t end) { add(begin, end); }

  /// Appends [begin, end), which starts at or after the last span's begin.
  LACUNA_HD constexpr void add(extent_t begin, extent_t end) {
    if (end <= begin) return;
    if (count > 0 && begin <= items[count - 1].end) {
      if (end > items[count - 1].end) items[count - 1].end = end;
      return;
    }
    if (count == Most) stop();  // more spans than the route declared: stop before memory is overwritten
    items[count].begin = begin;
    items[count].end = end;
    ++count;
  }
};

/// What a route offers: `spans(query, keys)` for a row at absolute position `query` of `keys` visible positions.
template <class Policy>
concept Route = requires(extent_t at) {
  { Policy::spans(at, at).count } -> std::convertible_to<extent_t>;
  { decltype(Policy::spans(at, at))::most } -> std::convertible_to<extent_t>;
};

/// Whether a route is decided by queries and keys (see attention/plan/selected.hpp).
template <class Policy>
inline constexpr bool is_dynamic_route = requires { Policy::products(extent_t{0}, extent_t{1}, extent_t{1}); };

/// Whether a route comes at run time, with a plan of its own: `plan<Tokens, Context>` and `pairs(first, tokens, keys)`,
/// the most that there can be (see attention/route/neighbours.hpp).
template <class Policy>
inline constexpr bool is_assigned_route = requires { typename Policy::template plan<1, 1>; };

/// Whether a route is several, joined by the attention's merge (see attention/route/branches.hpp).
template <class Policy>
inline constexpr bool is_branched = requires { requires Policy::is_branched; };

struct full;

namespace slots {
/// `causal`, `full`, `window<N>`, combinations by `both`, `either`, `except`, `by_rows`, dynamic ones such as
/// `top_k<N>`, a graph's `neighbours<N>`, several at once by `branches`, or your own.
struct route {
  using stand_in = full;
  template <class Policy>
  static constexpr bool accepts =
      Route<Policy> || is_dynamic_route<Policy> || is_assigned_route<Policy> || is_branched<Policy>;
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::route: the policy has no spans(query, keys) (write static constexpr lacuna::spans<1> "
                  "spans(lacuna::extent_t query, lacuna::extent_t keys))");
  };
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::attention: the route is missing (add lacuna::causal, lacuna::full or lacuna::window<64>)");
  };
};
}  // namespace slots

namespace rules {
template <bool Fine>
struct combined_routes_have_spans {
  static_assert(
      Fine,
      "lacuna::route: a combination is made of routes with spans, and one of these is decided by its keys (put "
      "the others inside it, as in top_k<8, both<...>>)");
};
template <bool Fine>
struct combined_routes_are_known {
  static_assert(Fine,
                "lacuna::route: a combination is made of routes with spans, and one of these is a graph that comes at "
                "run time (assign a graph without the edges that the other routes hide)");
};
template <bool Fine>
struct combined_routes_are_single {
  static_assert(Fine,
                "lacuna::route: branches stand outermost, since each has sums of its own (write branches<both<...>, "
                "both<...>>, or either<...> where a key counts once)");
};
}  // namespace rules

namespace detail {

template <class Policy>
struct combined_policy {
  static_assert(__is_base_of(nothing, rules::combined_routes_have_spans<!is_dynamic_route<Policy>>) || true);
  static_assert(__is_base_of(nothing, rules::combined_routes_are_known<!is_assigned_route<Policy>>) || true);
  static_assert(__is_base_of(nothing, rules::combined_routes_are_single<!is_branched<Policy>>) || true);
  static constexpr bool single = !is_dynamic_route<Policy> && !is_assigned_route<Policy> && !is_branched<Policy>;
  using type = std::conditional_t<single, checked<Policy, slots::route>, full>;
};

}  // namespace detail

/// A route written inside another one: it has to have spans.
template <class Policy>
using combined_route = typename detail::combined_policy<Policy>::type;

/// Whether what a row sees depends on how long the stream is by then, apart from keys that do not exist yet. Such a
/// route says `static constexpr bool depends_on_length = true`.
template <class Policy>
inline constexpr bool route_depends_on_length = requires { requires Policy::depends_on_length; };

/// Whether some row sees a key behind itself, or depends on the length. Then a stream cannot be cut: every cut would
/// change what rows see.
/// Found by asking the first rows of a stream; a route whose first rows do not tell says `static constexpr bool
/// sees_ahead`.
template <class Policy>
inline constexpr bool route_sees_ahead = [] {
  if constexpr (route_depends_on_length<Policy>) {
    return true;
  } else if constexpr (requires { Policy::sees_ahead; }) {
    return static_cast<bool>(Policy::sees_ahead);
  } else {
    constexpr extent_t asked = 40;
    for (extent_t query = 0; query < asked; ++query) {
      const auto visible = Policy::spans(query, 2 * asked);
      if (visible.count > 0 && visible.items[visible.count - 1].end > query + 1) return true;
    }
    return false;
  }
}();

/// Whether a row sees the past alone, but later tokens decide what of it. Such a route says `static constexpr bool
/// selection_leaks = true`.
template <class Policy>
inline constexpr bool route_selection_leaks = requires { requires Policy::selection_leaks; };

/// Into how many branches a route falls: one, unless it says more.
template <class Policy>
inline constexpr extent_t branch_count = [] {
  if constexpr (is_branched<Policy>)
    return Policy::count;
  else
    return extent_t{1};
}();
/// The most spans that a row has in one branch.
template <class Policy>
inline constexpr extent_t most_spans = [] {
  if constexpr (is_branched<Policy>)
    return Policy::most;
  else
    return decltype(Policy::spans(0, 0))::most;
}();
/// What a row sees in a branch.
template <class Policy>
LACUNA_HD constexpr spans<most_spans<Policy>> spans_of_branch(extent_t branch, extent_t query, extent_t keys) {
  if constexpr (is_branched<Policy>)
    return Policy::spans_of(branch, query, keys);
  else
    return Policy::spans(query, keys);
}

/// Whether a row sees a key.
template <class Policy>
LACUNA_HD constexpr bool allows(extent_t query, extent_t key, extent_t keys) {
  const auto visible = Policy::spans(query, keys);
  for (extent_t i = 0; i < visible.count; ++i)
    if (visible.items[i].begin <= key && key < visible.items[i].end) return true;
  return false;
}

/// Visible (query, key) pairs of rows [first, first + tokens) over `keys` positions: a sum of span lengths, each branch
/// for itself; of a route
/// that comes at run time, the most that there can be.
template <class Policy>
LACUNA_HD constexpr std::uint64_t pairs(extent_t first, extent_t tokens, extent_t keys) {
  if constexpr (is_assigned_route<Policy>) {
    return Policy::pairs(first, tokens, keys);
  } else {
    std::uint64_t total = 0;
    for (extent_t branch = 0; branch < branch_count<Policy>; ++branch)
      for (extent_t query = first; query < first + tokens; ++query) {
        const auto visible = spans_of_branch<Policy>(branch, query, keys);
        for (extent_t i = 0; i < visible.count; ++i) total += visible.items[i].end - visible.items[i].begin;
      }
    return total;
  }
}

LACUNA_END
