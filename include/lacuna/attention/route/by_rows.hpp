#pragma once
/// Rows of two kinds, each with a route of its own.

#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/route/positions.hpp>

LACUNA_BEGIN

/// `Route` for the rows in `Set`, `Others` for all others.
template <class Set, class Route, class Others>
struct by_rows {
  using slot = slots::route;
  using set = checked<Set, slots::positions>;
  using own_route = combined_route<Route>;
  using other_route = combined_route<Others>;
  static constexpr auto name =
      fixed_string("by_rows<") + set::name + ", " + own_route::name + ", " + other_route::name + ">";
  using parts = type_list<Set, Route, Others>;
  template <class NewSet, class NewRoute, class NewOthers>
  using rebuild = by_rows<NewSet, NewRoute, NewOthers>;
  static constexpr bool sees_ahead = route_sees_ahead<own_route> || route_sees_ahead<other_route>;
  static constexpr bool depends_on_length =
      detail::set_depends_on_length<set> || route_depends_on_length<own_route> || route_depends_on_length<other_route>;

  static constexpr extent_t own_most = decltype(own_route::spans(0, 0))::most;
  static constexpr extent_t other_most = decltype(other_route::spans(0, 0))::most;
  static constexpr extent_t most = own_most > other_most ? own_most : other_most;

  LACUNA_HD static constexpr lacuna::spans<most> spans(extent_t query, extent_t keys) {
    return holds<set>(query, keys) ? widened(own_route::spans(query, keys)) : widened(other_route::spans(query, keys));
  }

 private:
  template <extent_t Count>
  LACUNA_HD static constexpr lacuna::spans<most> widened(const lacuna::spans<Count>& from) {
    if constexpr (Count == most) {
      return from;
    } else {
      lacuna::spans<most> to;
      for (extent_t i = 0; i < from.count; ++i) to.items[i] = from.items[i];
      to.count = from.count;
      return to;
    }
  }
};

/// Rows of the set see all, and all rows see them; other rows and keys do not meet. Longformer's global tokens with one
/// projection: `either<window<64>, global<listed<0>>>`.
/// Source: Beltagy, Peters and Cohan (2020), arXiv 2004.05150, section 3.1.
template <class Set>
struct global {
  using slot = slots::route;
  using set = checked<Set, slots::positions>;
  static constexpr auto name = fixed_string("global<") + set::name + ">";
  using parts = type_list<Set>;
  template <class NewSet>
  using rebuild = global<NewSet>;
  static constexpr bool sees_ahead = true;
  static constexpr bool depends_on_length = detail::set_depends_on_length<set>;

  LACUNA_HD static constexpr auto spans(extent_t query, extent_t keys) {
    auto seen = set::spans(keys);
    if (holds<set>(query, keys)) {
      seen = {};
      seen.add(0, keys);
    }
    return seen;
  }
};

LACUNA_END
