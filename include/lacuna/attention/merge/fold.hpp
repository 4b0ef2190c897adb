#pragma once
/// Branches that add up into one softmax.

#include <lacuna/attention/route/branches.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/schedule/planned_tiles.hpp>

LACUNA_BEGIN

struct fold;
template <class Shape, class Parts>
struct corrected_scan;

namespace slots {
/// How branches join: `fold`, `mean_outputs`, `mean_seen_outputs`, or your own with a nested `schedule<Shape, Parts>`.
struct merge {
  using stand_in = fold;
  template <template <class, class> class>
  struct any_schedule;
  template <class Policy>
  static constexpr bool accepts = requires { typename any_schedule<Policy::template schedule>; };
  template <class Policy>
  struct refused {
    static_assert(
        always_false<Policy>,
        "lacuna::merge: the policy has no schedule (write template <class Shape, class Parts> using schedule = "
        "..., or use fold or mean_outputs)");
  };
};
}  // namespace slots

namespace rules {
template <bool Fine>
struct folded_branches_add_up {
  static_assert(Fine,
                "lacuna::fold: the branches add up to no sum of one score over routes with spans, nor to features and "
                "their difference (give all the same dot product, or merge them by mean_outputs)");
};
}  // namespace rules

namespace detail {

template <class Score, class OfAttention>
using score_in_branch = std::conditional_t<same<Score, score_of_attention>, OfAttention, Score>;

/// Whether all branches have one score, a dot product: it is, else `nothing`.
template <class Scores, class OfAttention>
struct score_in_common;
template <class First, class... Rest, class OfAttention>
struct score_in_common<type_list<First, Rest...>, OfAttention> {
  using first = score_in_branch<First, OfAttention>;
  static constexpr bool agree =
      requires { requires first::is_dot; } && (true && ... && same<first, score_in_branch<Rest, OfAttention>>);
  using type = std::conditional_t<agree, first, nothing>;
};

/// Features on a prefix and, in the other branch, what they lack: where the two add up to `difference`.
template <class Routes, class Scores, class OfAttention>
struct difference_of_two {
  static constexpr bool fine = false;
};
template <class Cover, class Route, class Features, class Correction, class OfAttention>
struct difference_of_two<type_list<Cover, Route>, type_list<Features, Correction>, OfAttention> {
  using features = score_in_branch<Features, OfAttention>;
  using correction = score_in_branch<Correction, OfAttention>;
  static constexpr bool fine = [] {
    if constexpr (requires { typename correction::feature_map; })
      return same<typename correction::feature_map, features> &&
             (same<Cover, causal> ? correction::template covers_past_alone<Route>
                                  : same<Cover, full> && !correction::template covers_past_alone<Route>);
    else
      return false;
  }();
  using route = Route;
  using score = correction;
};

template <class Parts, class Score>
struct parts_with_score : Parts {
  using score = Score;
};
template <class Parts, class Two>
struct parts_with_difference : Parts {
  using route = typename Two::route;
  using score = typename Two::score;
};

/// In the place of branches that do not add up.
struct one_full_route {
  using route = full;
  using score = dot;
};

template <class Shape, class Parts>
struct no_fold : planned_tiles<Shape, Parts> {
  static_assert(__is_base_of(nothing, rules::folded_branches_add_up<always_false<Parts>>) || true);
};

template <class Shape, class Parts>
constexpr auto find_fold() {
  using route = typename Parts::route;
  using common = typename score_in_common<typename route::scores, typename Parts::score>::type;
  using two = difference_of_two<typename route::routes, typename route::scores, typename Parts::score>;
  if constexpr (route::have_spans && !same<common, nothing>)
    return std::type_identity<planned_tiles<Shape, parts_with_score<Parts, common>>>{};
  else if constexpr (two::fine)
    return std::type_identity<corrected_scan<Shape, parts_with_difference<Parts, two>>>{};
  else
    return std::type_identity<no_fold<Shape, parts_with_difference<Parts, one_full_route>>>{};
}

}  // namespace detail

/// One sum over the keys of all branches, for each row of `(tokens, heads * head_width)`: a key that several show
/// counts as often, and the weights of all are one softmax (or what the normaliser makes of them). Routes with spans
/// and one dot product are one block plan, the branches' runs behind each other. Features on `causal` or `full` and a
/// `difference` of the same features on a route are the signed sum of Scatterbrain: features everywhere, and on the
/// route e^s less what they said there.
///
/// A key that counts once however many routes show it is `either<...>`. Cost: the pairs of every branch heads
/// head_width multiply-adds, twice; of a signed sum, see op/corrected_scan.hpp. Source: Chen et al. (2021),
/// Scatterbrain, arXiv 2110.15343, section 4 (the signed sum); sums of softmaxes that are merged by their denominators:
/// Milakov and Gimelshein (2018), arXiv 1805.02867, section 3.1.
struct fold {
  using slot = slots::merge;
  static constexpr auto name = fixed_string("fold");

  template <class Shape, class Parts>
  using schedule = typename decltype(detail::find_fold<Shape, Parts>())::type;
};

LACUNA_END
