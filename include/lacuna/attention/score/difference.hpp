#pragma once
/// Features with the keys that the route shows corrected: sparse and low rank together.

#include <lacuna/attention/schedule/corrected_scan.hpp>

LACUNA_BEGIN

/// What features cover where a recipe does not say: `causal` if the route never sees ahead, else `full`.
struct derived_cover {};

namespace rules {
template <bool Fine>
struct difference_needs_an_estimate {
  static_assert(Fine,
                "lacuna::difference: these features estimate no exponential, so that there is nothing to correct (use "
                "favor<64> or hyperbolic_favor<64>)");
};
template <bool Fine>
struct difference_covers_a_prefix {
  static_assert(Fine,
                "lacuna::difference: features cover causal or full (name one of the two, or leave the second argument "
                "out)");
};
}  // namespace rules

/// Weights e^s, s = q.k / sqrt(head width), on the keys that the route shows; on all others that `Cover` admits what
/// the features say they are on average, phi(q).phi(k) / features. The route is the sparse support, not what a row
/// sees: it sees all that `Cover` admits. With a route that never sees ahead, features cover `causal`, and a stream can
/// be cut; with any other they cover `full`. A second argument overrides that: `difference<favor<64>, full>`.
///
/// Per row and head, one sum over the state of all keys, the shown keys' part of it subtracted: see
/// op/corrected_scan.hpp for the cost. Where subtracting leaves less of the estimates than rounding puts there (1e-6 of
/// them in f32, 1e-14 in f64), or all of a row's sums too small to divide by, the row is that of the route alone, and
/// is counted. Released code raises the denominator to 1e-6 or 1e-24. Weights are below 0 nowhere but on the way.
/// Source: Chen et al. (2021), Scatterbrain, arXiv 2110.15343, section 4; the scales of the released
/// sblocal_attention.py.
template <class Features, class Cover = derived_cover>
struct difference : std::conditional_t<estimates_exponentials<Features>, Features, favor<2>> {
  using feature_map = std::conditional_t<estimates_exponentials<Features>, Features, favor<2>>;
  static_assert(__is_base_of(nothing, rules::difference_needs_an_estimate<estimates_exponentials<Features>>) || true);
  static constexpr bool covers_prefix = same<Cover, derived_cover> || same<Cover, causal> || same<Cover, full>;
  static_assert(__is_base_of(nothing, rules::difference_covers_a_prefix<covers_prefix>) || true);
  using slot = slots::score;
  using parts = type_list<Features, Cover>;
  template <class NewFeatures, class NewCover>
  using rebuild = difference<NewFeatures, NewCover>;
  static constexpr bool estimates_exponential = false;
  static constexpr auto name = [] {
    if constexpr (same<Cover, causal>)
      return fixed_string("difference<") + feature_map::name + ", causal>";
    else if constexpr (same<Cover, full>)
      return fixed_string("difference<") + feature_map::name + ", full>";
    else
      return fixed_string("difference<") + feature_map::name + ">";
  }();

  /// Whether features cover what came before alone, with the route that is corrected.
  template <class Route>
  static constexpr bool covers_past_alone = same<Cover, causal> || (!same<Cover, full> && !route_sees_ahead<Route>);

  template <class Shape, class Parts>
  using schedule = corrected_scan<Shape, Parts>;
};

LACUNA_END
