#pragma once
/// The variant algebra: another variant is one line away.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

namespace detail {

template <class Type, class From, class To>
struct substituted;

/// Whether a type is what is to be replaced: the policy itself, or whatever fills the slot.
template <class Type, class From>
inline constexpr bool is_replaced = same<Type, From> || (same<slot_of<Type>, From> && !same<From, slots::none>);

/// A default that is not spelled and would change is spelled from then on.
template <class Recipe, class Field, class From, class To>
struct substituted_default {
  using type = type_list<>;
};
template <class Recipe, class Slot, class Default, class From, class To>
  requires(!Recipe::template spelled<Slot>)
struct substituted_default<Recipe, field<Slot, Default>, From, To> {
  using replaced = typename substituted<Default, From, To>::type;
  using type = std::conditional_t<same<Slot, From>, type_list<To>,
                                  std::conditional_t<same<replaced, Default>, type_list<>, type_list<replaced>>>;
};

template <class Recipe, class From, class To>
struct substituted_defaults {
  using type = type_list<>;
};
template <class Recipe, class From, class To>
  requires requires { typename Recipe::recipe_fields; }
struct substituted_defaults<Recipe, From, To> {
  template <class... Fields>
  static join<typename substituted_default<Recipe, Fields, From, To>::type...> all(fields<Fields...>*);
  using type = decltype(all(static_cast<typename Recipe::recipe_fields*>(nullptr)));
};

template <class Recipe, class Parts>
struct rebuilt;
template <class Recipe, class... Parts>
struct rebuilt<Recipe, type_list<Parts...>> {
  using type = typename Recipe::template rebuild<Parts...>;
};

template <class Type, class From, class To, class Parts>
struct substituted_parts;
template <class Type, class From, class To, class... Parts>
struct substituted_parts<Type, From, To, type_list<Parts...>> {
  using added = typename substituted_defaults<Type, From, To>::type;
  static constexpr bool changed = added::size > 0 || (!same<typename substituted<Parts, From, To>::type, Parts> || ...);
  template <bool Changed, class Recipe>
  struct result {
    using type = Recipe;
  };
  template <class Recipe>
  struct result<true, Recipe>
      : rebuilt<Recipe, join<type_list<typename substituted<Parts, From, To>::type...>, added>> {};
  using type = typename result<changed, Type>::type;
};

template <class Type, class From, class To>
struct substituted {
  using type = Type;
};
template <class Type, class From, class To>
  requires is_replaced<Type, From>
struct substituted<Type, From, To> {
  using type = To;
};
template <class Type, class From, class To>
  requires(!is_replaced<Type, From> && requires { typename Type::parts; })
struct substituted<Type, From, To> : substituted_parts<Type, From, To, typename Type::parts> {};

/// Whether a type is a slot. (A variable, since nvcc cannot mangle a requires-expression in an alias.)
template <class Type>
inline constexpr bool is_slot = requires { typename Type::stand_in; };
/// The slot in which `From` is replaced: itself, or the slot it fills.
template <class From>
using replaced_slot = std::conditional_t<is_slot<From>, From, slot_of<From>>;

}  // namespace detail

namespace rules {
template <bool Fine>
struct substitute_keeps_the_slot {
  static_assert(Fine,
                "lacuna::substitute: the replacement fills another slot (replace a policy by one of the same slot)");
};
}  // namespace rules

namespace detail {

template <class Recipe, class From, class To>
struct checked_substitute {
  using slot = replaced_slot<From>;
  static constexpr bool fine = same<slot, slots::none> || same<slot, slot_of<To>>;
  static_assert(__is_base_of(nothing, rules::substitute_keeps_the_slot<fine>) || true);
  using type = typename substituted<Recipe, std::conditional_t<fine, From, void>, To>::type;
};

}  // namespace detail

/// The recipe with `From` replaced by `To` everywhere, also where `From` is a default that nobody spelled.
/// `From` is a policy (`substitute<stories, silu, relu>`) or a slot (`substitute<stories, slots::route, full>`).
template <class Recipe, class From, class To>
using substitute = typename detail::checked_substitute<Recipe, From, To>::type;

LACUNA_END
