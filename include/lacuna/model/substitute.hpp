#pragma once
/// The variant algebra: another variant is one line away.

#include <lacuna/model/block_number.hpp>

LACUNA_BEGIN

/// Where something is replaced: `in<recipe_name::attention>`, `in<slots::score>`, `in<ffn<hidden<512>, relu>>`,
/// `in<block_number<2>>`.
///
/// A scope is the name tag of a recipe, a slot (inside whatever fills it) or a type itself; of several, each is looked
/// for inside the one before it: `in<block_number<2>, recipe_name::attention>`. What fits the scope belongs to it, and
/// so do its defaults that nobody spelled. `in<>` is everywhere.
template <class... Scopes>
struct in {};

namespace detail {

template <class Scope, class Rule>
struct rule_in {
  using type = does_within<Scope, Rule>;
};
template <extent_t Number, class Rule>
struct rule_in<block_number<Number>, Rule> {
  using type = does_in_layer<Number, Rule>;
};
/// A rule inside all scopes of an `in`, the outermost first.
template <class Where, class Rule>
struct scoped_rule;
template <class Rule>
struct scoped_rule<in<>, Rule> {
  using type = Rule;
};
template <class Scope, class... Rest, class Rule>
struct scoped_rule<in<Scope, Rest...>, Rule> {
  using type = typename rule_in<Scope, typename scoped_rule<in<Rest...>, Rule>::type>::type;
};

/// Makes a change wherever it stands: what finds out whether a place occurs.
struct does_mark {};
struct found_mark {};
template <class Type>
inline constexpr bool is_met<Type, does_mark> = true;
template <class Type>
struct met<Type, does_mark> {
  using type = found_mark;
};

template <class Type>
inline constexpr bool is_scope = false;
template <class... Scopes>
inline constexpr bool is_scope<in<Scopes...>> = true;

/// Whether a scope is somewhere in a recipe.
template <class Recipe, class Where>
inline constexpr bool has_scope =
    !same<typename substituted<Recipe, typename scoped_rule<Where, does_mark>::type>::type, Recipe>;

/// Whether a type is a slot. (A variable, since nvcc cannot mangle a requires-expression in an alias.)
template <class Type>
inline constexpr bool is_slot = requires { typename Type::stand_in; };
/// The slot in which `From` is replaced: itself, or the slot it fills.
template <class From>
using replaced_slot = std::conditional_t<is_slot<From>, From, slot_of<From>>;

}  // namespace detail

/// Whether `From`, a policy or a slot, is in a recipe, or in a scope of it, spelled or as a default:
/// `occurs<stories, no_bias, in<recipe_name::attention>>`. What does not occur, `substitute` leaves as it is.
template <class Recipe, class From, class Where = in<>>
inline constexpr bool occurs =
    !same<typename detail::substituted<
              Recipe, typename detail::scoped_rule<Where, detail::replaces<From, detail::found_mark>>::type>::type,
          Recipe>;

namespace rules {
template <bool Fine>
struct substitute_keeps_the_slot {
  static_assert(Fine,
                "lacuna::substitute: the replacement fills another slot (replace a policy by one of the same slot)");
};
template <bool Fine>
struct substitute_is_told_where {
  static_assert(
      Fine,
      "lacuna::substitute: its last argument is no scope (write in<recipe_name::attention>, in<slots::route>, "
      "in<block_number<0>>, or nothing)");
};
template <bool Fine>
struct substitute_finds_its_scope {
  static_assert(Fine,
                "lacuna::substitute: the scope does not occur in the recipe (name a recipe_name, a slot, a type or a "
                "block_number that it holds, the outermost first)");
};
}  // namespace rules

namespace detail {

template <class Recipe, class From, class To, class Where>
struct checked_substitute {
  using slot = replaced_slot<From>;
  static constexpr bool kept = same<slot, slots::none> || same<slot, slot_of<To>>;
  static_assert(__is_base_of(nothing, rules::substitute_keeps_the_slot<kept>) || true);
  static_assert(__is_base_of(nothing, rules::substitute_is_told_where<is_scope<Where>>) || true);
  using where = std::conditional_t<is_scope<Where>, Where, in<>>;
  static constexpr bool found = has_scope<Recipe, where>;
  static_assert(__is_base_of(nothing, rules::substitute_finds_its_scope<found>) || true);
  using rule = typename scoped_rule<where, replaces<std::conditional_t<kept, From, void>, To>>::type;
  using type = typename substituted<Recipe, rule>::type;
};

}  // namespace detail

/// The recipe with `From` replaced by `To` everywhere, or in a scope, also where `From` is a default that nobody
/// spelled. `From` is a policy (`substitute<stories, silu, relu>`) or a slot (`substitute<stories, slots::route,
/// full>`); `substitute<stories, no_bias, bias, in<recipe_name::attention>>` leaves the feed-forward alone.
template <class Recipe, class From, class To, class Where = in<>>
using substitute = typename detail::checked_substitute<Recipe, From, To, Where>::type;

LACUNA_END
