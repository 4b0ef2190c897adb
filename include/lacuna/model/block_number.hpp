#pragma once
/// One block of many, as the place of a substitution.

#include <lacuna/block/recomputed.hpp>
#include <lacuna/block/repeat.hpp>
#include <lacuna/block/shared.hpp>
#include <lacuna/block/tapped.hpp>
#include <lacuna/model/substitution.hpp>

LACUNA_BEGIN

/// A scope: one block, counted from 0 as in the paths of parameters, with everything in it. A `repeat` that holds it is
/// taken apart, and paths stay as they are. All applications of a `shared` block have one set of weights and cannot be
/// told apart. What a decoder derives from its last block (its final norm) follows that block.
template <extent_t Number>
struct block_number {};

namespace detail {

/// Layers of a recipe, as far as they are numbered: a block is one.
template <class Type>
inline constexpr extent_t layers_of = same<slot_of<Type>, slots::block> ? 1 : 0;
template <extent_t Count, class Block>
inline constexpr extent_t layers_of<repeat<Count, Block>> = Count * layers_of<Block>;
template <class... Blocks>
inline constexpr extent_t layers_of<stack<Blocks...>> = (extent_t{0} + ... + layers_of<Blocks>);
template <extent_t Count, class Block, class Norms>
inline constexpr extent_t layers_of<shared<Count, Block, Norms>> = Count * layers_of<Block>;
template <class Block>
inline constexpr extent_t layers_of<tapped<Block>> = layers_of<Block>;
template <class Block>
inline constexpr extent_t layers_of<recomputed<Block>> = layers_of<Block>;

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

/// What was wrapped around blocks stays around all of them: a tap behind the last, one room for all.
template <template <class> class Wrapper, class List>
struct wrapped_again;
template <template <class> class Wrapper, class... Blocks>
struct wrapped_again<Wrapper, type_list<Blocks...>> {
  using type = Wrapper<stack<Blocks...>>;
};
template <template <class> class Wrapper, class Only>
struct wrapped_again<Wrapper, type_list<Only>> {
  using type = Wrapper<Only>;
};
template <class Block, extent_t Number, class Rule>
  requires(!is_met<tapped<Block>, Rule>)
struct substituted_layer<tapped<Block>, Number, Rule> {
  using type = type_list<typename wrapped_again<tapped, typename substituted_layer<Block, Number, Rule>::type>::type>;
};
template <class Block, extent_t Number, class Rule>
  requires(!is_met<recomputed<Block>, Rule>)
struct substituted_layer<recomputed<Block>, Number, Rule> {
  using type =
      type_list<typename wrapped_again<recomputed, typename substituted_layer<Block, Number, Rule>::type>::type>;
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

}  // namespace detail

LACUNA_END
