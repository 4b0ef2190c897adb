#pragma once
/// How a recipe is walked and rebuilt with some of its policies replaced.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

namespace detail {

// What a substitution does to a type: it replaces it, or it goes on with another rule inside it.

template <class From, class To>
struct replaces {};
template <class Scope, class Rule>
struct does_within {};

template <class Type, class Rule>
struct substituted;

/// Whether a type is what is to be replaced: the policy itself, or whatever fills the slot.
template <class Type, class From>
inline constexpr bool is_replaced = same<Type, From> || (same<slot_of<Type>, From> && !same<From, slots::none>);

/// The name tag of a recipe.
template <class Type>
struct name_tag_of {
  using type = void;
};
template <class Type>
  requires requires { typename Type::name_tag; }
struct name_tag_of<Type> {
  using type = typename Type::name_tag;
};

/// Whether a rule has something of its own to do with a type.
template <class Type, class Rule>
inline constexpr bool is_met = false;
template <class Type, class From, class To>
inline constexpr bool is_met<Type, replaces<From, To>> = is_replaced<Type, From>;
template <class Type, class Scope, class Rule>
inline constexpr bool is_met<Type, does_within<Scope, Rule>> =
    is_replaced<Type, Scope> || same<typename name_tag_of<Type>::type, Scope>;

template <class Type, class Rule>
struct met;
template <class Type, class From, class To>
struct met<Type, replaces<From, To>> {
  using type = To;
};
template <class Type, class Scope, class Rule>
struct met<Type, does_within<Scope, Rule>> : substituted<Type, Rule> {};

/// What takes the place of a slot's default, whatever that is.
template <class Slot, class Rule>
struct slot_filled_anew {
  using type = nothing;
};
template <class Slot, class To>
struct slot_filled_anew<Slot, replaces<Slot, To>> {
  using type = To;
};

/// A default that is not spelled and would change is spelled from then on.
template <class Recipe, class Field, class Rule>
struct substituted_default {
  using type = type_list<>;
};
template <class Recipe, class Slot, class Default, class Rule>
  requires(!Recipe::template spelled<Slot>)
struct substituted_default<Recipe, field<Slot, Default>, Rule> {
  using filled = typename slot_filled_anew<Slot, Rule>::type;
  using replaced = std::conditional_t<same<filled, nothing>, typename substituted<Default, Rule>::type, filled>;
  using type = std::conditional_t<same<replaced, Default>, type_list<>, type_list<replaced>>;
};

template <class Recipe, class Rule>
struct substituted_defaults {
  using type = type_list<>;
};
template <class Recipe, class Rule>
  requires requires { typename Recipe::recipe_fields; }
struct substituted_defaults<Recipe, Rule> {
  template <class... Fields>
  static join<typename substituted_default<Recipe, Fields, Rule>::type...> all(fields<Fields...>*);
  using type = decltype(all(static_cast<typename Recipe::recipe_fields*>(nullptr)));
};

template <class Recipe, class Parts>
struct rebuilt;
template <class Recipe, class... Parts>
struct rebuilt<Recipe, type_list<Parts...>> {
  using type = typename Recipe::template rebuild<Parts...>;
};
/// A recipe of other parts, where there is a change.
template <bool Changed, class Recipe, class Parts>
struct rebuilt_if {
  using type = Recipe;
};
template <class Recipe, class Parts>
struct rebuilt_if<true, Recipe, Parts> : rebuilt<Recipe, Parts> {};

template <class Type, class Rule, class Parts>
struct substituted_parts;
template <class Type, class Rule, class... Parts>
struct substituted_parts<Type, Rule, type_list<Parts...>> {
  using added = typename substituted_defaults<Type, Rule>::type;
  static constexpr bool changed = added::size > 0 || (!same<typename substituted<Parts, Rule>::type, Parts> || ...);
  using type =
      typename rebuilt_if<changed, Type, join<type_list<typename substituted<Parts, Rule>::type...>, added>>::type;
};

template <class Type, class Rule>
struct substituted {
  using type = Type;
};
template <class Type, class Rule>
  requires is_met<Type, Rule>
struct substituted<Type, Rule> : met<Type, Rule> {};
template <class Type, class Rule>
  requires(!is_met<Type, Rule> && requires { typename Type::parts; })
struct substituted<Type, Rule> : substituted_parts<Type, Rule, typename Type::parts> {};

}  // namespace detail

LACUNA_END
