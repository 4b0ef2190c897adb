#pragma once
/// A route without the keys of another.

#include <lacuna/attention/route/full.hpp>

LACUNA_BEGIN

/// Keys that the first route sees and the second does not: exact on spans.
template <class Route, class Removed>
struct except {
  using slot = slots::route;
  using kept_route = combined_route<Route>;
  using removed_route = combined_route<Removed>;
  static constexpr auto name = fixed_string("except<") + kept_route::name + ", " + removed_route::name + ">";
  using parts = type_list<Route, Removed>;
  template <class NewRoute, class NewRemoved>
  using rebuild = except<NewRoute, NewRemoved>;
  static constexpr bool sees_ahead = route_sees_ahead<kept_route>;
  static constexpr bool depends_on_length =
      route_depends_on_length<kept_route> || route_depends_on_length<removed_route>;

  static constexpr extent_t most = decltype(kept_route::spans(0, 0))::most + decltype(removed_route::spans(0, 0))::most;

  LACUNA_HD static constexpr lacuna::spans<most> spans(extent_t query, extent_t keys) {
    const auto kept = kept_route::spans(query, keys);
    const auto removed = removed_route::spans(query, keys);
    lacuna::spans<most> left_over;
    extent_t r = 0;
    for (extent_t i = 0; i < kept.count; ++i) {
      extent_t begin = kept.items[i].begin;
      const extent_t end = kept.items[i].end;
      while (r < removed.count && removed.items[r].end <= begin) ++r;
      for (extent_t at = r; at < removed.count && removed.items[at].begin < end; ++at) {
        left_over.add(begin, removed.items[at].begin);
        begin = removed.items[at].end;
      }
      left_over.add(begin, end);
    }
    return left_over;
  }
};

LACUNA_END
