#pragma once
/// Keys that every row sees.

#include <lacuna/attention/route/positions.hpp>

LACUNA_BEGIN

/// The keys of a set of positions, for every row: `columns<leading<4>>` are attention sinks, `columns<listed<0, 90>>`
/// global keys. Rows before such a key see ahead. Source: Beltagy, Peters and Cohan (2020), arXiv 2004.05150, section
/// 3.1 (the columns of its global tokens).
template <class Set>
struct columns {
  using slot = slots::route;
  using set = checked<Set, slots::positions>;
  static constexpr auto name = fixed_string("columns<") + set::name + ">";
  using parts = type_list<Set>;
  template <class NewSet>
  using rebuild = columns<NewSet>;
  static constexpr bool depends_on_length = detail::set_depends_on_length<set>;
  /// Row 0 sees every column.
  static constexpr bool sees_ahead = [] {
    constexpr auto all = set::spans(static_cast<extent_t>(-1));
    bool ahead = false;
    for (extent_t i = 0; i < all.count; ++i) ahead = ahead || all.items[i].end > 1;
    return ahead;
  }();

  LACUNA_HD static constexpr auto spans(extent_t, extent_t keys) { return set::spans(keys); }
};

LACUNA_END
