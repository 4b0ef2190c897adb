#pragma once
/// Slots: how a recipe takes policies by name, in any order, each at most once, and complains in one sentence.
///
/// A policy is a type with `using slot = slots::...;`. A recipe lists `field<slot, default>`s; `get<slot>` is the
/// user's policy or the default. A slot is a type with
///   `stand_in`             the harmless policy that takes its place after an error,
///   `accepts<Policy>`      (optional) what a policy of the slot has to offer,
///   `refused<Policy>`      (with `accepts`) a struct whose body is the complaint,
///   `missing<Recipe>`      (for `must`) a struct whose body is the complaint.

#include <lacuna/core/type_list.hpp>

LACUNA_BEGIN

/// Default: the user has to choose.
struct must {};
/// Default: the same policy as another slot of the recipe.
template <class Slot>
struct like {};

/// One slot of a recipe and its default: a policy, `must`, or `like<other slot>`.
template <class Slot, class Default>
struct field {};
/// A slot that takes any number of policies, in order.
template <class Slot>
struct many {};
/// All slots of a recipe.
template <class... Fields>
struct fields {};

namespace slots {
/// The slot of what has no slot.
struct none {};
}  // namespace slots

namespace detail {

template <class Policy>
struct slot_of_policy {
  using type = slots::none;
};
template <class Policy>
  requires requires { typename Policy::slot; }
struct slot_of_policy<Policy> {
  using type = typename Policy::slot;
};

template <class Slot, class Policy>
constexpr bool slot_accepts() {
  if constexpr (requires { Slot::template accepts<Policy>; })
    return Slot::template accepts<Policy>;
  else
    return true;
}

}  // namespace detail

/// The slot that a type fills; `slots::none` for anything that is not a policy.
template <class Policy>
using slot_of = typename detail::slot_of_policy<Policy>::type;

/// Whether a policy fills a slot and offers what the slot asks for.
template <class Policy, class Slot>
inline constexpr bool fills = [] {
  if constexpr (same<slot_of<Policy>, Slot>)
    return detail::slot_accepts<Slot, Policy>();
  else
    return false;
}();

namespace detail {

template <class Policy, class Slot>
struct checked_policy {
  static_assert(
      __is_base_of(nothing,
                   std::conditional_t<fills<Policy, Slot>, nothing, typename Slot::template refused<Policy>>) ||
      true);
  using type = std::conditional_t<fills<Policy, Slot>, Policy, typename Slot::stand_in>;
};

}  // namespace detail

/// A policy written inside another policy; the slot's stand-in, after a complaint, where it does not fill the slot.
template <class Policy, class Slot>
using checked = typename detail::checked_policy<Policy, Slot>::type;

namespace detail {

inline constexpr extent_t not_found = static_cast<extent_t>(-1);

template <class Slot, class... Policies>
constexpr extent_t find_policy() {
  constexpr bool hit[sizeof...(Policies) + 1]{fills<Policies, Slot>..., false};
  for (extent_t i = 0; i < sizeof...(Policies); ++i)
    if (hit[i]) return i;
  return not_found;
}

template <class Slot, class Fields>
struct default_of;
template <class Slot, class... Fields>
struct default_of<Slot, fields<Fields...>> {
  template <class Default>
  static Default pick(const field<Slot, Default>*);
  struct all : Fields... {};
  using type = decltype(pick(static_cast<all*>(nullptr)));
};

template <class Slot, class Fields, class... Policies>
struct chosen_policy;
template <class Slot, class Default, class Fields, class... Policies>
struct chosen_default {
  using type = Default;
};
template <class Slot, class Fields, class... Policies>
struct chosen_default<Slot, must, Fields, Policies...> {
  using type = typename Slot::stand_in;
};
template <class Slot, class Other, class Fields, class... Policies>
struct chosen_default<Slot, like<Other>, Fields, Policies...> : chosen_policy<Other, Fields, Policies...> {};

template <bool Found, class Slot, class Fields, class... Policies>
struct chosen_if : chosen_default<Slot, typename default_of<Slot, Fields>::type, Fields, Policies...> {};
template <class Slot, class Fields, class... Policies>
struct chosen_if<true, Slot, Fields, Policies...> {
  using type = type_at<find_policy<Slot, Policies...>(), Policies...>;
};
template <class Slot, class Fields, class... Policies>
struct chosen_policy : chosen_if<find_policy<Slot, Policies...>() != not_found, Slot, Fields, Policies...> {};

template <class Slot, class... Policies>
struct chosen_list {
  using type = join<std::conditional_t<fills<Policies, Slot>, type_list<Policies>, type_list<>>...>;
};

template <class Field>
struct field_slot;
template <class Slot, class Default>
struct field_slot<field<Slot, Default>> {
  using type = Slot;
  static constexpr bool single = true;
  static constexpr bool required = same<Default, must>;
};
template <class Slot>
struct field_slot<many<Slot>> {
  using type = Slot;
  static constexpr bool single = false;
  static constexpr bool required = false;
};

enum class problem { none, said_already, not_a_policy, no_such_slot, twice, refused, missing };

/// Whether a policy has said that it is wrong: where it then has no slot, nobody says so again.
template <class Policy>
inline constexpr bool has_complained = false;
template <class Policy>
  requires requires { Policy::complained; }
inline constexpr bool has_complained<Policy> = Policy::complained;

struct finding {
  problem what = problem::none;
  extent_t at = 0;
};

template <class Policy, class... Slots>
constexpr bool has_slot = (same<slot_of<Policy>, Slots> || ...);

template <class Fields, class... Policies>
struct inspection;
template <class... Fields, class... Policies>
struct inspection<fields<Fields...>, Policies...> {
  template <class Slot>
  static constexpr extent_t times = (extent_t{0} + ... + (same<slot_of<Policies>, Slot> ? 1 : 0));

  static constexpr finding find() {
    constexpr extent_t n = sizeof...(Policies), f = sizeof...(Fields);
    constexpr bool policy[n + 1]{!same<slot_of<Policies>, slots::none>..., true};
    constexpr bool known[n + 1]{has_slot<Policies, typename field_slot<Fields>::type...>..., true};
    constexpr bool said[n + 1]{has_complained<Policies>..., true};
    constexpr bool fine[n + 1]{slot_accepts<slot_of<Policies>, Policies>()..., true};
    constexpr extent_t used[f + 1]{times<typename field_slot<Fields>::type>..., 0};
    constexpr bool single[f + 1]{field_slot<Fields>::single..., false};
    constexpr bool required[f + 1]{field_slot<Fields>::required..., false};
    for (extent_t i = 0; i < n; ++i) {
      if (!policy[i]) return {problem::not_a_policy, i};
      if (!known[i]) return {said[i] ? problem::said_already : problem::no_such_slot, i};
    }
    for (extent_t i = 0; i < f; ++i)
      if (single[i] && used[i] > 1) return {problem::twice, i};
    for (extent_t i = 0; i < n; ++i)
      if (!fine[i]) return {problem::refused, i};
    for (extent_t i = 0; i < f; ++i)
      if (required[i] && used[i] == 0) return {problem::missing, i};
    return {};
  }
};

/// The complaint itself, completed by `recipe` below: naming it here keeps the recipe a valid class on clang.
template <problem What, class Recipe, class Culprit>
struct complaint {};
template <class Recipe, class Culprit>
struct complaint<problem::not_a_policy, Recipe, Culprit> {
  static_assert(always_false<Culprit>,
                "lacuna::recipe: an argument is not a policy (write a policy such as heads<8>, not a bare type)");
};
template <class Recipe, class Culprit>
struct complaint<problem::no_such_slot, Recipe, Culprit> {
  static_assert(always_false<Culprit>,
                "lacuna::recipe: a policy has no slot in this recipe (move it to the recipe that has its slot)");
};
template <class Recipe, class Culprit>
struct complaint<problem::twice, Recipe, Culprit> {
  static_assert(always_false<Culprit>, "lacuna::recipe: two policies fill the same slot (keep one of them)");
};
template <class Recipe, class Culprit>
struct complaint<problem::refused, Recipe, Culprit> : slot_of<Culprit>::template refused<Culprit> {};
template <class Recipe, class Culprit>
struct complaint<problem::missing, Recipe, Culprit> : Culprit::template missing<Recipe> {};

template <finding Found, class Recipe, class Fields, class... Policies>
struct complaint_about;
template <finding Found, class Recipe, class... Fields, class... Policies>
struct complaint_about<Found, Recipe, fields<Fields...>, Policies...> {
  static constexpr bool of_field = Found.what == problem::twice || Found.what == problem::missing;
  template <bool OfField, class = void>
  struct culprit {
    using type = type_at<Found.at, Policies..., nothing>;
  };
  template <class Unused>
  struct culprit<true, Unused> {
    using type = typename field_slot<type_at<Found.at, Fields..., many<slots::none>>>::type;
  };
  using type = complaint<Found.what, Recipe, typename culprit<of_field>::type>;
};

/// The types that a type is written with, innermost first, found without completing one of them.
template <class Type>
struct inside_out {
  using type = type_list<Type>;
};
template <template <class...> class Outer, class... Inner>
struct inside_out<Outer<Inner...>> {
  using type = join<typename inside_out<Inner>::type..., type_list<Outer<Inner...>>>;
};
template <template <extent_t> class Outer, extent_t Count>
struct inside_out<Outer<Count>> {
  using type = type_list<Outer<Count>>;
};
template <template <extent_t, class> class Outer, extent_t Count, class Inner>
struct inside_out<Outer<Count, Inner>> {
  using type = join<typename inside_out<Inner>::type, type_list<Outer<Count, Inner>>>;
};
template <template <extent_t, class, class> class Outer, extent_t Count, class Inner, class Option>
struct inside_out<Outer<Count, Inner, Option>> {
  using type = join<typename inside_out<Inner>::type, type_list<Outer<Count, Inner, Option>>>;
};

/// Completes types in order. What is wrong deep inside a recipe speaks here, a few lines below the user's own.
template <class List>
struct completed;
template <class... Types>
struct completed<type_list<Types...>> {
  static_assert((true && ... && (__is_base_of(nothing, Types) || true)));
};

}  // namespace detail

/// Base of every recipe: looks policies up and complains once. `Name` is a tag type that compilers print.
template <class Name, class Fields, class... Policies>
struct recipe {
  static_assert(__is_base_of(nothing, detail::completed<join<typename detail::inside_out<Policies>::type...>>) || true);
  static_assert(__is_base_of(nothing, typename detail::complaint_about<detail::inspection<Fields, Policies...>::find(),
                                                                       Name, Fields, Policies...>::type) ||
                true);

  using name_tag = Name;
  using recipe_fields = Fields;
  using policies = type_list<Policies...>;

  /// The policy in a slot: the user's, or the default.
  template <class Slot>
  using get = typename detail::chosen_policy<Slot, Fields, Policies...>::type;
  /// The policies of a `many` slot, in order.
  template <class Slot>
  using list = typename detail::chosen_list<Slot, Policies...>::type;
  /// Whether the user spelled a policy for the slot.
  template <class Slot>
  static constexpr bool spelled = detail::find_policy<Slot, Policies...>() != detail::not_found;
};

LACUNA_END
