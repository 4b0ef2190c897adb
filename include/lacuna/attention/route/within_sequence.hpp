#pragma once
/// A route inside each of several sequences that lie in one stream: no pad tokens, and no look across.

#include <lacuna/attention/cache/linear.hpp>
#include <lacuna/attention/gate/no_gate.hpp>
#include <lacuna/attention/plan/planner.hpp>
#include <lacuna/attention/project/separate.hpp>
#include <lacuna/attention/route/branches.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/score/dot.hpp>
#include <lacuna/attention/source/tokens.hpp>
#include <lacuna/tensor/sequences.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct sequences_have_routes_with_spans {
  static_assert(Fine,
                "lacuna::within_sequence: the route is decided by its keys, or comes at run time itself (use a route "
                "with spans in a recipe for several sequences, and pack a recipe once)");
};
template <bool Fine>
struct sequences_stay_apart {
  static_assert(Fine,
                "lacuna::within_sequence: a part of the attention would mix sequences or forget keys of theirs (leave "
                "out feature maps, sources, class_projections, local_enhancement and caches that overwrite)");
};
}  // namespace rules

template <class Route, class Sequences>
struct within_sequence;

namespace detail {

template <class Score>
inline constexpr bool is_dot_in_branch = same<Score, score_of_attention> || requires { requires Score::is_dot; };

/// A route's branches, each inside sequences.
template <class Inner, class Sequences>
struct branches_within {
  using routes = type_list<>;
  using scores = type_list<>;
  using asked_scores = type_list<>;
};
template <class Inner, class Sequences>
  requires is_branched<Inner>
struct branches_within<Inner, Sequences> {
  template <class... Routes>
  static type_list<within_sequence<Routes, Sequences>...> wrap(type_list<Routes...>);
  using routes = decltype(wrap(typename Inner::routes{}));
  using asked_scores = typename Inner::scores;
  template <class... Scores>
  static type_list<std::conditional_t<is_dot_in_branch<Scores>, Scores, score_of_attention>...> dots(
      type_list<Scores...>);
  using scores = decltype(dots(asked_scores{}));
};
template <class List>
inline constexpr bool scores_are_dots = true;
template <class... Scores>
inline constexpr bool scores_are_dots<type_list<Scores...>> = (true && ... && is_dot_in_branch<Scores>);

}  // namespace detail

/// The plan of a route that begins anew with every sequence; a function of where the sequences lie.
template <class Policy, extent_t Most, extent_t Tokens, extent_t Context>
struct packed_plan : stored_plan<Tokens, Context, most_spans<Policy>, Context, branch_count<Policy>> {
  sequence_table<Most, Context> table;

  constexpr status check(const sequence_lengths& of) const { return table.check(of); }
  constexpr void assign(const sequence_lengths& of) { table.assign(of); }
  constexpr status fits(extent_t tokens, bool whole) const { return table.fits(tokens, whole); }

  constexpr void prepare(extent_t first, extent_t tokens) {
    extent_t number = 0;
    this->prepare_rows(first, tokens, [&](extent_t t, auto& to, extent_t branch = 0) {
      const extent_t at = first + t, keys = first + tokens;
      // Each branch asks a group's rows from the first on.
      while (number > 0 && table.start(number) > at) --number;
      while (number + 1 < table.count() && table.start(number + 1) <= at) ++number;
      const extent_t start = table.start(number), end = table.end(number, keys);
      const auto keys_seen = spans_of_branch<Policy>(branch, at - start, end - start);
      for (extent_t i = 0; i < keys_seen.count; ++i)
        to.add(start + keys_seen.items[i].begin,
               start + keys_seen.items[i].end < end ? start + keys_seen.items[i].end : end);
    });
  }
};

/// Every row sees what `Route` shows it of its own sequence, as if it were alone; nothing of the others. The sequences
/// are given to the model, `model.try_assign(sequence_lengths{lengths, count})`, and hold until the next ones; before
/// the first, all tokens are one sequence. The pairs of each sequence heads head_width multiply-adds, twice.
/// `packed<Recipe, sequences<N>>` puts it around every route of a recipe. Source: Zhai et al. (2022), ByteTransformer,
/// arXiv 2210.03052, section III.D (sequences without pad tokens); Zhao et al. (2024), Prepacking, arXiv 2404.09529.
template <class Route, class Sequences>
struct within_sequence {
  using slot = slots::route;
  static constexpr bool has_spans = [] {
    if constexpr (is_branched<Route>)
      return Route::have_spans;
    else
      return !is_dynamic_route<Route> && !is_assigned_route<Route>;
  }();
  static_assert(__is_base_of(nothing, rules::sequences_have_routes_with_spans<has_spans>) || true);
  using stand_in = std::conditional_t<lacuna::is_branched<Route>, branches<full>, full>;
  using inner = std::conditional_t<has_spans, checked<Route, slots::route>, stand_in>;
  using several = checked<Sequences, slots::sequences>;
  using parts = type_list<Route>;
  template <class New>
  using rebuild = within_sequence<New, Sequences>;
  static constexpr auto name = fixed_string("within_sequence<") + inner::name + ", " + several::name + ">";
  static constexpr bool sees_ahead = route_sees_ahead<inner>;
  static constexpr bool tells_sequences_apart = true;
  static constexpr bool is_branched = lacuna::is_branched<inner>;
  static constexpr bool have_spans = has_spans;
  using routes = typename detail::branches_within<inner, several>::routes;
  using scores = typename detail::branches_within<inner, several>::scores;
  static constexpr extent_t count = routes::size;

  /// Whether the other parts of an attention keep to the plan, or to single rows.
  template <class Recipe>
  static constexpr bool goes_with =
      detail::scores_are_dots<typename detail::branches_within<inner, several>::asked_scores> &&
      requires { requires Recipe::template get<slots::score>::is_dot; } &&
      same<typename Recipe::template get<slots::source>, tokens> &&
      !requires { typename Recipe::template get<slots::projections>::template schedule<nothing, nothing>; } &&
      !gate_mixes_tokens<typename Recipe::template get<slots::gate>> &&
      !cache_forgets<typename Recipe::template get<slots::cache>>;
  template <class Recipe>
  using complaint = rules::sequences_stay_apart<goes_with<Recipe>>;

  template <extent_t Tokens, extent_t Context>
  using plan = packed_plan<inner, several::value, Tokens, Context>;
  /// The most pairs that there can be: those of one sequence.
  static constexpr std::uint64_t pairs(extent_t first, extent_t tokens, extent_t keys) {
    return lacuna::pairs<inner>(first, tokens, keys);
  }
};

LACUNA_END
