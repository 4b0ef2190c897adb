#pragma once
/// Every row sees its neighbourhood.

#include <lacuna/attention/route/span.hpp>

LACUNA_BEGIN

namespace rules {
template <extent_t Width>
struct window_is_not_empty {
  static_assert(Width > 0, "lacuna::window: a window of 0 sees nothing (write window<1> for the row itself)");
};
}  // namespace rules

/// Keys with |query - key| < Width: 2 Width - 1 of them; `both<causal, window<W>>` sees the last W.
/// Source: Beltagy, Peters and Cohan (2020), arXiv 2004.05150, section 3.1 (there a window is counted on both sides).
template <extent_t Width>
struct window {
  static_assert(__is_base_of(nothing, rules::window_is_not_empty<Width>) || true);
  using slot = slots::route;
  static constexpr auto name = fixed_string("window<") + decimal<Width>() + ">";

  LACUNA_HD static constexpr lacuna::spans<1> spans(extent_t query, extent_t keys) {
    const extent_t begin = query + 1 > Width ? query + 1 - Width : 0;
    const extent_t end = query < keys && Width < keys - query ? query + Width : keys;
    return {begin, end};
  }
};

LACUNA_END
