#pragma once
/// The variant algebra: another variant is one line away.

#include <lacuna/block/repeat.hpp>
#include <lacuna/block/shared.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

/// Where something is replaced: `in<recipe_name::attention>`, `in<slots::score>`, `in<ffn<hidden<512>, relu>>`,
/// `in<block_number<2>>`.
///
/// A scope is the name tag of a recipe, a slot (inside whatever fills it) or a type itself; of several, each is looked
/// for inside the one before it: `in<block_number<2>, recipe_name::attention>`. What fits the scope belongs to it, and
/// so do its defaults that nobody spelled. `in<>` is everywhere.
template <class... Scopes>
struct in {};
/// A scope: one block, counted from 0 as in the paths of parameters, with everything in it. A `repeat` that holds it is
/// taken apart, and paths stay as they are. All applications of a `shared` block have one set of weights and cannot be
/// told apart. What a decoder derives from its last block (its final norm) follows that block.
template <extent_t Number>
struct block_number {};

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

// One block of a numbered body.

/// Layers of a recipe, as far as they are numbered: a block is one.
template <class Type>
inline constexpr extent_t layers_of = same<slot_of<Type>, slots::block> ? 1 : 0;
template <extent_t Count, class Block>
inline constexpr extent_t layers_of<repeat<Count, Block>> = Count * layers_of<Block>;
template <class... Blocks>
inline constexpr extent_t layers_of<stack<Blocks...>> = (extent_t{0} + ... + layers_of<Blocks>);
template <extent_t Count, class Block, class Norms>
inline constexpr extent_t layers_of<shared<Count, Block, Norms>> = Count * layers_of<Block>;

/// A block that is repeated so many times, as the list of nothing or one block.
template <extent_t Count, class Block>
using repeated =
    std::conditional_t<Count == 0, type_list<>,
                       type_list<std::conditional_t<Count == 1, Block, repeat<(Count == 0 ? 1 : Count), Block>>>>;

/// The blocks that stand for a type when a rule was followed in its layer `Number`.
template <class Type, extent_t Number, class Rule>
struct substituted_layer {
  using type = type_list<typename substituted<Type, Rule>::type>;
};
template <extent_t Count, class Block, extent_t Number, class Rule>
struct substituted_layer<repeat<Count, Block>, Number, Rule> {
  static constexpr extent_t which = Number / layers_of<Block>;
  using changed = typename substituted_layer<Block, Number % layers_of<Block>, Rule>::type;
  using type = std::conditional_t<same<changed, type_list<Block>>, type_list<repeat<Count, Block>>,
                                  join<repeated<which, Block>, changed, repeated<Count - which - 1, Block>>>;
};
template <extent_t Count, class Block, class Norms, extent_t Number, class Rule>
struct substituted_layer<shared<Count, Block, Norms>, Number, Rule> {
  using type = type_list<shared<Count, Block, Norms>>;
};

/// Parts in a row, of which those that hold layers are numbered on.
template <extent_t First, extent_t Number, class Rule, class... Parts>
struct layer_among {
  using type = type_list<>;
};
template <extent_t First, extent_t Number, class Rule, class Part, class... Rest>
struct layer_among<First, Number, Rule, Part, Rest...> {
  static constexpr bool here = Number >= First && Number - First < layers_of<Part>;
  template <bool Here, class = void>
  struct replaced {
    using type = type_list<Part>;
  };
  template <class Unused>
  struct replaced<true, Unused> : substituted_layer<Part, Number - First, Rule> {};
  using type =
      join<typename replaced<here>::type, typename layer_among<First + layers_of<Part>, Number, Rule, Rest...>::type>;
};
template <class... Blocks, extent_t Number, class Rule>
struct substituted_layer<stack<Blocks...>, Number, Rule> {
  using type =
      type_list<typename rebuilt<stack<Blocks...>, typename layer_among<0, Number, Rule, Blocks...>::type>::type>;
};

template <class Type, extent_t Number, class Rule, class Parts>
struct layer_of_whole;
template <class Type, extent_t Number, class Rule, class... Parts>
struct layer_of_whole<Type, Number, Rule, type_list<Parts...>> {
  using parts = typename layer_among<0, Number, Rule, Parts...>::type;
  using type = typename rebuilt_if<!same<parts, type_list<Parts...>>, Type, parts>::type;
};
template <extent_t Number, class Rule>
struct does_in_layer {};
/// A body is one part, or several, of a whole recipe, such as a decoder.
template <class Type, extent_t Number, class Rule>
inline constexpr bool is_met<Type, does_in_layer<Number, Rule>> =
    same<slot_of<Type>, slots::none> && requires { typename Type::recipe_fields; };
template <class Type, extent_t Number, class Rule>
struct met<Type, does_in_layer<Number, Rule>> : layer_of_whole<Type, Number, Rule, typename Type::parts> {};

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
