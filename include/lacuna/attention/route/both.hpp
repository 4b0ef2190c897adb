#pragma once
/// The intersection of two routes.

#include <lacuna/attention/route/full.hpp>

LACUNA_BEGIN

/// Keys that both routes see: exact on spans, so the combination is planned like any other route.
template <class Left, class Right>
struct both {
  using slot = slots::route;
  using left_route = combined_route<Left>;
  using right_route = combined_route<Right>;
  static constexpr auto name = fixed_string("both<") + left_route::name + ", " + right_route::name + ">";
  using parts = type_list<Left, Right>;
  template <class NewLeft, class NewRight>
  using rebuild = both<NewLeft, NewRight>;

  static constexpr bool sees_ahead = route_sees_ahead<left_route> && route_sees_ahead<right_route>;
  static constexpr bool depends_on_length = route_depends_on_length<left_route> || route_depends_on_length<right_route>;

  static constexpr extent_t most = decltype(left_route::spans(0, 0))::most + decltype(right_route::spans(0, 0))::most;

  LACUNA_HD static constexpr lacuna::spans<most> spans(extent_t query, extent_t keys) {
    const auto left = left_route::spans(query, keys);
    const auto right = right_route::spans(query, keys);
    lacuna::spans<most> common;
    for (extent_t l = 0, r = 0; l < left.count && r < right.count;) {
      const span a = left.items[l], b = right.items[r];
      common.add(a.begin < b.begin ? b.begin : a.begin, a.end < b.end ? a.end : b.end);
      a.end < b.end ? ++l : ++r;
    }
    return common;
  }
};

LACUNA_END
