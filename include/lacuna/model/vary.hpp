#pragma once
/// What a design space is made of: choices, their combinations, and what is left out.

#include <lacuna/model/called.hpp>
#include <lacuna/model/substitute.hpp>

LACUNA_BEGIN

/// What is varied, and the choices: `vary<slots::activation, relu, silu, gelu>`, `vary<causal, causal, full>`, or in a
/// scope alone: `vary<no_bias, in<recipe_name::ffn>, no_bias, bias>`. `From` has the meaning that it has in
/// `substitute`; it is not a choice itself unless it is listed.
template <class From, class... Choices>
struct vary;

/// Keeps the combinations that `Predicate::template allows<Variant>` is true for. `Variant::recipe` is the whole
/// recipe, so that a budget is a predicate: `parameter_count<typename Variant::recipe> < 1'000'000`.
template <class Predicate>
struct where {};
/// Leaves out the combinations that have all of these choices: `without<causal, ring_cache<64>>`.
template <class... Choices>
struct without {};

namespace detail {

template <class From, class Where, class... Choices>
struct axis {
  using from = From;
  using where = Where;
  using choices = type_list<Choices...>;
  static constexpr extent_t size = sizeof...(Choices);
};

// The parts of a space.

template <class Part>
struct part_of_space {
  using axes = type_list<>;
  using constraints = type_list<>;
  static constexpr bool known = false;
};
template <class From, class... Choices>
struct part_of_space<vary<From, Choices...>> {
  using axes = type_list<axis<From, in<>, Choices...>>;
  using constraints = type_list<>;
  static constexpr bool known = true;
};
template <class From, class... Scopes, class... Choices>
struct part_of_space<vary<From, in<Scopes...>, Choices...>> {
  using axes = type_list<axis<From, in<Scopes...>, Choices...>>;
  using constraints = type_list<>;
  static constexpr bool known = true;
};
template <class Predicate>
struct part_of_space<lacuna::where<Predicate>> {
  using axes = type_list<>;
  using constraints = type_list<lacuna::where<Predicate>>;
  static constexpr bool known = true;
};
template <class... Choices>
struct part_of_space<without<Choices...>> {
  using axes = type_list<>;
  using constraints = type_list<without<Choices...>>;
  static constexpr bool known = true;
};

// Combinations.

template <class Recipe, class Axis, class Choice>
using varied = typename substituted<
    Recipe, typename scoped_rule<typename Axis::where, replaces<typename Axis::from, policy_of<Choice>>>::type>::type;

/// A recipe after all choices, one axis after the other.
template <class Recipe, class Axes, class Choices>
struct varied_by_all {
  using type = Recipe;
};
template <class Recipe, class Axis, class... Axes, class Choice, class... Choices>
struct varied_by_all<Recipe, type_list<Axis, Axes...>, type_list<Choice, Choices...>>
    : varied_by_all<varied<Recipe, Axis, Choice>, type_list<Axes...>, type_list<Choices...>> {};

/// The choices of combination `Number`: the last axis changes fastest.
template <extent_t Number, class Axes>
struct choices_of;
template <extent_t Number>
struct choices_of<Number, type_list<>> {
  using type = type_list<>;
};
template <extent_t Number, class First, class... Rest>
struct choices_of<Number, type_list<First, Rest...>> {
  static constexpr extent_t stride = (extent_t{1} * ... * Rest::size);
  using type = join<type_list<listed_at<Number / stride, typename First::choices>>,
                    typename choices_of<Number % stride, type_list<Rest...>>::type>;
};

/// One combination of choices, before it is known which are left out.
template <class Recipe, class Axes, class Choices>
struct combination;
template <class Recipe, class Axes, class... Choices>
struct combination<Recipe, Axes, type_list<Choices...>> {
  using recipe = typename varied_by_all<Recipe, Axes, type_list<Choices...>>::type;
  using choices = type_list<policy_of<Choices>...>;
  template <class Policy>
  static constexpr bool has = (same<policy_of<Choices>, policy_of<Policy>> || ...);
};

template <class Constraint>
struct is_kept_by;
template <class Predicate>
struct is_kept_by<lacuna::where<Predicate>> {
  template <class Combination>
  static constexpr bool of() {
    if constexpr (requires { Predicate::template allows<Combination>; })
      return static_cast<bool>(Predicate::template allows<Combination>);
    else
      return true;
  }
};
template <class... Choices>
struct is_kept_by<without<Choices...>> {
  template <class Combination>
  static constexpr bool of() {
    return !(Combination::template has<Choices> && ...);
  }
};

}  // namespace detail

LACUNA_END
