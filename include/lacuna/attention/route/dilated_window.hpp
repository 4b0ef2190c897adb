#pragma once
/// Every row sees every n-th key of its neighbourhood.

#include <lacuna/attention/route/window.hpp>

LACUNA_BEGIN

/// The step from one seen key to the next: `dilated_window<64, dilation{4}>`.
struct dilation {
  extent_t step = 1;
  constexpr explicit dilation(extent_t of = 1) : step(of) {}
  constexpr bool operator==(const dilation&) const = default;
};

namespace rules {
template <extent_t Width>
struct dilated_window_is_not_empty {
  static_assert(Width > 0, "lacuna::dilated_window: a width of 0 sees nothing (write window<1> for the row itself)");
};
template <extent_t Step>
struct dilation_is_not_zero {
  static_assert(Step > 0, "lacuna::dilated_window: a dilation of 0 repeats one key (choose dilation{1} or more)");
};
}  // namespace rules

/// Keys query + i Step with |i| < `Width`: as many as `window<Width>` sees, spread over Step times the stretch.
/// Source: Beltagy, Peters and Cohan (2020), arXiv 2004.05150, section 3.1.
template <extent_t Width, dilation Dilation>
struct dilated_window {
  static_assert(__is_base_of(nothing, rules::dilated_window_is_not_empty<Width>) || true);
  static_assert(__is_base_of(nothing, rules::dilation_is_not_zero<Dilation.step>) || true);
  using slot = slots::route;
  static constexpr extent_t step = Dilation.step == 0 ? 1 : Dilation.step;
  static constexpr extent_t most = Width == 0 ? 1 : 2 * Width - 1;
  static constexpr auto name =
      fixed_string("dilated_window<") + decimal<Width>() + ", dilation{" + decimal<Dilation.step>() + "}>";
  static constexpr bool sees_ahead = Width > 1;

  LACUNA_HD static constexpr lacuna::spans<most> spans(extent_t query, extent_t keys) {
    lacuna::spans<most> seen;
    const extent_t back = query / step < Width - 1 ? query / step : Width - 1;
    extent_t key = query - back * step;
    for (extent_t left = back + Width; left > 0 && key < keys; --left) {
      seen.add(key, key + 1);
      if (step >= keys - key) break;  // a step may be larger than any key
      key += step;
    }
    return seen;
  }
};

LACUNA_END
