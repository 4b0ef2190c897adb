#pragma once
/// Design spaces: all combinations of some choices, as a compile-time list of recipes with readable names.

#include <lacuna/model/vary.hpp>

LACUNA_BEGIN

namespace detail {

/// An address for each type: equal ones are found without comparing all pairs of types.
template <class Type>
inline constexpr char type_mark = 0;

enum class space_problem {
  none,
  unknown_part,
  no_axis,
  no_choice,
  other_slot,
  absent,
  nameless,
  not_a_predicate,
  not_a_choice,
  same_names,
  same_recipes,
  empty,
  too_few
};

/// The combinations that are left, found once.
template <class Space>
inline constexpr auto kept_combinations = Space::find_kept();

template <class Recipe, class Axes, class Constraints>
struct space_of;
template <class Recipe, class... Axes, class... Constraints>
struct space_of<Recipe, type_list<Axes...>, type_list<Constraints...>> {
  using recipe = Recipe;
  static constexpr extent_t combinations = (extent_t{1} * ... * Axes::size);
  template <extent_t Number>
  using choices = typename choices_of<Number, type_list<Axes...>>::type;
  template <extent_t Number>
  using at = combination<Recipe, type_list<Axes...>, choices<Number>>;
  static constexpr extent_t letters() { return ((2 * sizeof...(Axes)) + ... + longest_name(typename Axes::choices{})); }

  template <class From, class... Choices>
  static constexpr bool keeps_slot(type_list<Choices...>) {
    using slot = replaced_slot<From>;
    return same<slot, slots::none> || (same<slot, slot_of<policy_of<Choices>>> && ...);
  }
  template <class... Choices>
  static constexpr bool all_named(type_list<Choices...>) {
    return (readable_name<Choices>::present && ...);
  }
  template <class Choice, class... Choices>
  static constexpr bool holds(type_list<Choices...>) {
    return (same<policy_of<Choices>, policy_of<Choice>> || ...);
  }
  template <class Choice>
  static constexpr bool is_choice = (holds<Choice>(typename Axes::choices{}) || ...);
  template <class Predicate>
  static constexpr bool well_made(lacuna::where<Predicate>*) {
    return requires { Predicate::template allows<at<0>>; };
  }
  template <class... Choices>
  static constexpr bool well_made(without<Choices...>*) {
    return true;
  }
  template <class Predicate>
  static constexpr bool of_choices(lacuna::where<Predicate>*) {
    return true;
  }
  template <class... Choices>
  static constexpr bool of_choices(without<Choices...>*) {
    return (is_choice<Choices> && ...);
  }

  /// Numbers of the combinations that are left.
  struct kept_numbers {
    extent_t at[combinations + 1]{};
    extent_t count = 0;
  };
  template <class Combination>
  static constexpr bool is_kept() {
    return true;
  }
  /// In the order in which they are written: a predicate does not see what was left out before it.
  template <class Combination, class First, class... Rest>
  static constexpr bool is_kept() {
    if constexpr (is_kept_by<First>::template of<Combination>())
      return is_kept<Combination, Rest...>();
    else
      return false;
  }
  template <std::size_t... Number>
  static constexpr kept_numbers find_kept(std::index_sequence<Number...>) {
    kept_numbers kept;
    const auto consider = [&](extent_t number, bool allowed) {
      if (allowed) kept.at[kept.count++] = number;
    };
    (consider(Number, is_kept<at<Number>, Constraints...>()), ...);
    return kept;
  }
  static constexpr kept_numbers find_kept() { return find_kept(std::make_index_sequence<combinations>{}); }

  template <std::size_t... Number>
  static constexpr bool all_differ(const kept_numbers& kept, std::index_sequence<Number...>) {
    constexpr const char* marks[]{&type_mark<typename at<Number>::recipe>...};
    for (extent_t i = 0; i < kept.count; ++i)
      for (extent_t j = 0; j < i; ++j)
        if (marks[kept.at[i]] == marks[kept.at[j]]) return false;
    return true;
  }

  /// What is wrong with its parts, whatever is left of the combinations.
  static constexpr space_problem find_in_parts() {
    if constexpr (sizeof...(Axes) == 0)
      return space_problem::no_axis;
    else if constexpr (!((Axes::size > 1) && ...))
      return space_problem::no_choice;
    else if constexpr (!(keeps_slot<typename Axes::from>(typename Axes::choices{}) && ...))
      return space_problem::other_slot;
    else if constexpr (!(occurs<Recipe, typename Axes::from, typename Axes::where> && ...))
      return space_problem::absent;
    else if constexpr (!(all_named(typename Axes::choices{}) && ...))
      return space_problem::nameless;
    else if constexpr (!(well_made(static_cast<Constraints*>(nullptr)) && ...))
      return space_problem::not_a_predicate;
    else if constexpr (!(of_choices(static_cast<Constraints*>(nullptr)) && ...))
      return space_problem::not_a_choice;
    else if constexpr (!(names_tell_apart(typename Axes::choices{}) && ...))
      return space_problem::same_names;
    else
      return space_problem::none;
  }
  static constexpr space_problem find() {
    if constexpr (constexpr space_problem of_parts = find_in_parts(); of_parts != space_problem::none)
      return of_parts;
    else if constexpr (kept_combinations<space_of>.count == 0)
      return space_problem::empty;
    else if constexpr (!all_differ(kept_combinations<space_of>, std::make_index_sequence<combinations>{}))
      return space_problem::same_recipes;
    else
      return space_problem::none;
  }
};

/// What is used of a space: its own variants, or the recipe itself after a complaint.
template <bool Usable, class Space>
struct variants_of {
  static constexpr extent_t count = kept_combinations<Space>.count;
  template <extent_t Index>
  using at = typename Space::template at<kept_combinations<Space>.at[Index < count ? Index : 0]>;
  template <extent_t Index>
  using named = typename Space::template choices<kept_combinations<Space>.at[Index < count ? Index : 0]>;
  static constexpr extent_t letters = Space::letters();
};
template <class Space>
struct variants_of<false, Space> {
  static constexpr extent_t count = 1;
  template <extent_t>
  using at = combination<typename Space::recipe, type_list<>, type_list<>>;
  template <extent_t>
  using named = type_list<>;
  static constexpr extent_t letters = 1;
};

template <extent_t Letters, class... Choices>
constexpr text_buffer<Letters> joined_names(type_list<Choices...>) {
  text_buffer<Letters> text;
  const char* before = "";
  ((text << before << choice_name<Choices>.c_str(), before = ", "), ...);
  return text;
}

}  // namespace detail

namespace rules {
template <detail::space_problem Found>
struct design_space_is_sound {
  using enum detail::space_problem;
  static_assert(
      Found != unknown_part,
      "lacuna::design_space: an argument is no part of a space (after the recipe, write vary<...>, without<...> "
      "and where<...>)");
  static_assert(Found != no_axis,
                "lacuna::design_space: nothing is varied (add a vary<...>, such as vary<slots::route, causal, full>)");
  static_assert(Found != no_choice,
                "lacuna::vary: fewer than two choices vary nothing (list what is there already, too, where it is one)");
  static_assert(
      Found != other_slot,
      "lacuna::vary: a choice fills another slot than what it replaces (vary each slot by a vary of its own)");
  static_assert(
      Found != absent,
      "lacuna::vary: what is varied does not occur in the recipe (name a policy or a slot that it holds, in a "
      "scope that it holds)");
  static_assert(Found != nameless,
                "lacuna::vary: a choice has no name (give the policy a static constexpr auto name, or write "
                "called<text, policy>)");
  static_assert(
      Found != not_a_predicate,
      "lacuna::where: the predicate does not judge variants (give it template <class Variant> static constexpr "
      "bool allows = ...)");
  static_assert(Found != not_a_choice,
                "lacuna::without: what it leaves out is no choice of the space (name choices as the varies list them)");
  static_assert(Found != same_names,
                "lacuna::design_space: names do not tell the choices of a vary apart (write called<text, policy>, the "
                "text without commas)");
  static_assert(
      Found != same_recipes,
      "lacuna::design_space: two variants are the same recipe (list a choice once, and leave out by without<...> "
      "what another choice makes pointless)");
  static_assert(Found != empty, "lacuna::design_space: no variant is left (allow more by where<...> and without<...>)");
  static_assert(
      Found != too_few,
      "lacuna::sampled_space: it found fewer variants than it shall draw (draw fewer, or allow more by where<...> "
      "and without<...>)");
};
template <bool Fine>
struct design_space_has_the_variant {
  static_assert(Fine, "lacuna::design_space: it has no such variant (count from 0 to its size - 1)");
};
}  // namespace rules

/// One variant of a space: an empty type and value.
template <class Space, extent_t Index>
struct design_variant {
  static_assert(__is_base_of(nothing, rules::design_space_has_the_variant<(Index < Space::size || !Space::usable)>) ||
                true);
  static constexpr extent_t index = Index;
  using recipe = typename Space::variants::template at<Index>::recipe;
  /// The policies that were chosen, in the order of the varies.
  using choices = typename Space::variants::template at<Index>::choices;
  /// Whether a policy was chosen.
  template <class Choice>
  static constexpr bool has = Space::variants::template at<Index>::template has<Choice>;
  /// The names of its choices: "silu, window<64>, layer_norm".
  static constexpr auto name =
      detail::joined_names<Space::variants::letters>(typename Space::variants::template named<Index>{});
};

/// `design_space<stories, vary<silu, silu, relu>, vary<slots::route, causal, both<causal, window<64>>>>`: all
/// combinations, `size` of them, as `variant<0>` to `variant<size - 1>`. The last vary changes fastest.
///
/// Each vary replaces what the ones before it left. Combinations that make no sense together are left out by
/// `without<choices...>` and `where<predicate>`, in the order in which these are written. No two variants have a recipe
/// or a name in common. Counting and naming bind no model: recipes cost memory and time of the compiler when they are
/// used.
template <class Recipe, class... Parts>
struct design_space {
  using recipe = Recipe;
  using space = detail::space_of<Recipe, join<typename detail::part_of_space<Parts>::axes...>,
                                 join<typename detail::part_of_space<Parts>::constraints...>>;
  static constexpr detail::space_problem problem = [] {
    if constexpr ((detail::part_of_space<Parts>::known && ...))
      return space::find();
    else
      return detail::space_problem::unknown_part;
  }();
  static_assert(__is_base_of(nothing, rules::design_space_is_sound<problem>) || true);
  static constexpr bool usable =
      problem == detail::space_problem::none || problem == detail::space_problem::same_recipes;
  using variants = detail::variants_of<usable, space>;

  static constexpr extent_t size = variants::count;
  template <extent_t Index>
  using variant = design_variant<design_space, Index>;
};

/// Calls `f(variant)` for every variant of a space, in order; the argument is a value of its type:
/// `for_each_variant<space>([](auto variant) { use<typename decltype(variant)::recipe>(variant.name.c_str()); });`
template <class Space, class Function>
constexpr void for_each_variant(Function&& f) {
  for_each_index<Space::size>([&](auto index) { f(typename Space::template variant<decltype(index)::value>{}); });
}

LACUNA_END
