#pragma once
/// Several branches of one attention, each with keys of its own; the merge says how they join.

#include <lacuna/attention/cache/linear.hpp>
#include <lacuna/attention/project/separate.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/score/dot.hpp>
#include <lacuna/attention/source/tokens.hpp>

LACUNA_BEGIN

/// In a branch: the score of the attention around it.
struct score_of_attention {};

/// A route with a score of its own: `branch<causal, favor<64>>`. A route alone is a branch with the attention's score.
template <class Route, class Score = score_of_attention>
struct branch {
  using parts = type_list<Route, Score>;
  template <class NewRoute, class NewScore>
  using rebuild = branch<NewRoute, NewScore>;
};

namespace detail {

template <class Branch>
struct read_branch {
  using route = Branch;
  using score = score_of_attention;
};
template <class Route, class Score>
struct read_branch<lacuna::branch<Route, Score>> {
  using route = Route;
  using score = Score;
};
template <class Route>
struct route_of_branch {
  static constexpr bool fine =
      fills<Route, slots::route> && !requires { requires Route::is_branched; } && !is_assigned_route<Route>;
  using type = std::conditional_t<fine, Route, full>;
};
template <class Score>
inline constexpr bool is_score_of_branch = same<Score, score_of_attention> || same<slot_of<Score>, slots::score>;
/// A score that fills another slot is refused by `branches` itself.
template <class Score>
struct checked_score_of_branch {
  using type = score_of_attention;
};
template <class Score>
  requires(same<slot_of<Score>, slots::score>)
struct checked_score_of_branch<Score> {
  using type = checked<Score, slots::score>;
};

template <class Branch>
constexpr auto name_of_branch() {
  using route = typename route_of_branch<typename read_branch<Branch>::route>::type;
  using score = typename read_branch<Branch>::score;
  constexpr auto of_route = [] {
    if constexpr (requires { route::name; })
      return route::name;
    else
      return fixed_string("route");
  }();
  if constexpr (requires { score::name; })
    return fixed_string("branch<") + of_route + ", " + score::name + ">";
  else
    return of_route;
}
template <class First, class... Rest>
constexpr auto names_of_branches() {
  if constexpr (sizeof...(Rest) == 0)
    return name_of_branch<First>();
  else
    return name_of_branch<First>() + ", " + names_of_branches<Rest...>();
}

/// The most spans that a row has in one of the branches; 0 for one that is decided by its keys.
template <class Route>
constexpr extent_t most_spans_of() {
  if constexpr (lacuna::Route<Route>)
    return decltype(Route::spans(0, 0))::most;
  else
    return 0;
}

}  // namespace detail

namespace rules {
template <bool Fine>
struct branches_are_routes {
  static_assert(
      Fine,
      "lacuna::branches: expected one or more branches, each a route that no graph brings, or a branch<route, "
      "score> (write branches<window<64>, columns<leading<4>>>)");
};
template <bool Fine>
struct branches_share_their_tokens {
  static_assert(Fine,
                "lacuna::branches: a source in place of tokens, or projections with a schedule of their own, have no "
                "branches (use tokens and separate_projections with branches)");
};
}  // namespace rules

/// Attention over several routes at once, from the same queries, keys and values. The slot `merge` says how the
/// branches join: `fold` (if absent) makes one softmax of all of them, in which a key counts as often as it is shown;
/// `mean_outputs` averages what each of them gives. `branches<window<64>, columns<leading<4>>>`; with scores of their
/// own `branches<branch<causal, favor<64>>, branch<window<64>, dot>>`.
///
/// `(tokens, width) -> (tokens, width)` like any attention. The pairs of every branch heads head_width multiply-adds,
/// twice, where scores are products. Branches that multiply queries by keys over routes with spans keep keys and values
/// once for all; others have a state of their own. Source: branches that are merged are common to Scatterbrain (Chen et
/// al., 2021, arXiv 2110.15343) and the Routing Transformer (Roy et al., 2020, arXiv 2003.05997).
template <class... Branches>
struct branches {
  static constexpr bool fine = sizeof...(Branches) > 0 &&
                               (true && ... &&
                                detail::route_of_branch<typename detail::read_branch<Branches>::route>::fine) &&
                               (true && ... &&
                                detail::is_score_of_branch<typename detail::read_branch<Branches>::score>);
  static_assert(__is_base_of(nothing, rules::branches_are_routes<fine>) || true);
  using slot = slots::route;
  using parts = type_list<Branches...>;
  template <class... New>
  using rebuild = branches<New...>;
  static constexpr bool is_branched = true;
  using routes = std::conditional_t<
      fine, type_list<typename detail::route_of_branch<typename detail::read_branch<Branches>::route>::type...>,
      type_list<full>>;
  using scores = std::conditional_t<
      fine, type_list<typename detail::checked_score_of_branch<typename detail::read_branch<Branches>::score>::type...>,
      type_list<score_of_attention>>;
  static constexpr extent_t count = routes::size;
  static constexpr auto name = [] {
    if constexpr (fine)
      return fixed_string("branches<") + detail::names_of_branches<Branches...>() + ">";
    else
      return fixed_string("branches");
  }();
  static constexpr bool sees_ahead = [] {
    return []<class... Routes>(type_list<Routes...>) { return (false || ... || route_sees_ahead<Routes>); }(routes{});
  }();
  static constexpr bool depends_on_length = [] {
    return []<class... Routes>(type_list<Routes...>) {
      return (false || ... || route_depends_on_length<Routes>);
    }(routes{});
  }();
  static constexpr bool selection_leaks = [] {
    return
        []<class... Routes>(type_list<Routes...>) { return (false || ... || route_selection_leaks<Routes>); }(routes{});
  }();
  /// Whether all branches are known before the tokens are.
  static constexpr bool have_spans = [] {
    return []<class... Routes>(type_list<Routes...>) { return (true && ... && Route<Routes>); }(routes{});
  }();
  static constexpr extent_t most = [] {
    return []<class... Routes>(type_list<Routes...>) {
      extent_t largest = 0;
      for (const extent_t each : {detail::most_spans_of<Routes>()...}) largest = each > largest ? each : largest;
      return largest;
    }(routes{});
  }();

  /// What a row sees in one of the branches, where all have spans.
  LACUNA_HD static constexpr lacuna::spans<most> spans_of(extent_t number, extent_t query, extent_t keys) {
    lacuna::spans<most> found;
    for_each_index<count>([&](auto each) {
      if (extent_t{each} != number) return;
      const auto of = listed_at<each, routes>::spans(query, keys);
      for (extent_t i = 0; i < of.count; ++i) found.add(of.items[i].begin, of.items[i].end);
    });
    return found;
  }

  /// Whether the other parts of an attention have the same tokens for all branches.
  template <class Recipe>
  static constexpr bool goes_with = same<typename Recipe::template get<slots::source>, tokens> && !requires {
    typename Recipe::template get<slots::projections>::template schedule<nothing, nothing>;
  };
  template <class Recipe>
  using complaint = rules::branches_share_their_tokens<goes_with<Recipe>>;
};

LACUNA_END
