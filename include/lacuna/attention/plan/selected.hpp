#pragma once
/// Block plans of dynamic routes: made for each head from its queries and keys, kept for backward.
///
/// A dynamic route offers, besides `slot` and `name`,
///   most(context)                    the most spans of a row
///   most_keys(context)               (optional) the most keys of a row: bounds the plan's storage where they are few
///   sees_ahead                       whether a row may see what comes after it
///   pairs(first, tokens, keys, context)   how many pairs rows [first, first + tokens) see, or at most
///   products(first, tokens, keys)    how many products of a query and a key the selection forms
///   workspace<Value, Tokens, Shape>  what it needs room for, of an `attention_shape`
///   start(workspace, asked)          once per head and pass; for the first head only where the route says
///                                    `once_for_all_heads = true`
///   row(workspace, asked, t, spans)  the spans of row t, ascending
///   checks<Shape>                    (optional) what it asks of the attention, as assertions
///   parameters<Role, Shape>, initialise(parameters)   (optional) tensors that the choice rests on, without gradient
///   state<Role, Shape>               (optional) what it remembers of the stream
///   selection_leaks                  (optional) `true` where rows see the past alone, but later tokens decide what of it
///   asks_scores                      (optional) `true` where it asks for scores row by row, keys ascending: backends
///                                    then form them by whole blocks
/// and, where it rests on numbers drawn once for all layers, `draws(heads, head_width)` and `draw(to, heads,
/// head_width)`; where `asked` (a `selection_input`) has the queries, the scores, the place in the stream, its
/// parameters and state, and what was drawn.

#include <lacuna/attention/plan/planner.hpp>
#include <lacuna/op/attend.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace detail {

template <class Policy>
constexpr extent_t draws_of(extent_t heads, extent_t head_width) {
  if constexpr (requires { Policy::draws(heads, head_width); })
    return Policy::draws(heads, head_width);
  else
    return 0;
}

/// The most keys that a row of a dynamic route sees.
template <class Policy>
constexpr extent_t most_keys_of(extent_t context) {
  if constexpr (requires { Policy::most_keys(context); })
    return Policy::most_keys(context);
  else
    return context;
}

/// Whether backends may form its scores.
template <class Policy>
inline constexpr bool asks_scores = requires { requires Policy::asks_scores; };

/// Whether the first head chooses for all of them.
template <class Policy>
inline constexpr bool chooses_once = requires { requires Policy::once_for_all_heads; };

/// The tensors of a dynamic route: parameters and state; none, unless it has some.
template <class Policy, class Role, class Shape, class = void>
struct parameters_of_route : no_tensors<parameters_of_route<Policy, Role, Shape>> {};
template <class Policy, class Role, class Shape>
struct parameters_of_route<Policy, Role, Shape, std::void_t<typename Policy::template parameters<Role, Shape>>>
    : Policy::template parameters<Role, Shape> {};
template <class Policy, class Role, class Shape, class = void>
struct state_of_route : no_tensors<state_of_route<Policy, Role, Shape>> {};
template <class Policy, class Role, class Shape>
struct state_of_route<Policy, Role, Shape, std::void_t<typename Policy::template state<Role, Shape>>>
    : Policy::template state<Role, Shape> {};
template <class Policy, class Parameters>
LACUNA_HD constexpr void initialise_route(Parameters& parameters) {
  if constexpr (requires { Policy::initialise(parameters); }) Policy::initialise(parameters);
}

template <class Policy, class Shape, class = void>
struct checks_of_route {};
template <class Policy, class Shape>
struct checks_of_route<Policy, Shape, std::void_t<typename Policy::template checks<Shape>>>
    : Policy::template checks<Shape> {};

}  // namespace detail

/// The numbers that a dynamic route draws once.
template <class Policy, class Value, extent_t Heads, extent_t HeadWidth>
struct route_draws {
  static constexpr extent_t count = detail::draws_of<Policy>(Heads, HeadWidth);
  tensor<Value, (count == 0 ? 1 : count)> drawn;

  constexpr void build() {
    if constexpr (count > 0) Policy::draw(drawn.data, Heads, HeadWidth);
  }
};

/// One head of one pass, as a selection sees it; and all heads, for those that choose for all alike.
template <class Value, class Cache, class Rule, class AllQueries, class AllKeys, class Parameters, class State>
struct selection_input {
  using value = Value;
  static constexpr extent_t key_columns = Cache::head_width;
  static constexpr extent_t all_columns = AllQueries::columns;
  rows<const Value, Cache::head_width> query;
  const Cache& cache;
  const Rule& rule;
  extent_t head;
  extent_t first;
  const AllQueries& all_queries;
  const AllKeys& all_keys;
  const Value* drawn;
  const Parameters& parameters;
  State& state;

  /// Positions so far, this pass included.
  LACUNA_HD constexpr extent_t keys() const noexcept { return first + query.count; }
  /// The score of row t and a key, mapped by the normaliser.
  LACUNA_HD constexpr Value score(extent_t t, extent_t key) const noexcept {
    const auto* k = cache.key_block(key / block_keys, 0) + key % block_keys;
    const Value* q = query.row(t);
    Value sum = 0;
    for (extent_t d = 0; d < Cache::head_width; ++d) sum += q[d] * static_cast<Value>(widen(k[d * block_keys]));
    return mapped(sum, t, key);
  }
  /// The score that a product becomes.
  LACUNA_HD constexpr Value mapped(Value product, extent_t t, extent_t key) const noexcept {
    return Rule::normaliser::map(rule.raw(product, head, first + t, key));
  }
};

/// An input whose products come from a backend, `Products::blocks` blocks of a row at a time: `products(query, cache,
/// block, blocks, sums)` writes 16 sums per block.
template <class Input, class Products>
struct scored_by_blocks : Input {
  using value = typename Input::value;
  struct stretch {
    extent_t row = 0, begin = 0, end = 0;
    alignas(tensor_alignment) value sums[Products::blocks * block_keys];
  };
  const Products& products;
  stretch& formed;

  value score(extent_t t, extent_t key) const noexcept {
    if (formed.row != t || key < formed.begin || key >= formed.end) {
      const extent_t block = key / block_keys, left = blocks_of(this->keys()) - block;
      const extent_t count = left < Products::blocks ? left : Products::blocks;
      products(this->query.row(t), this->cache, block, count, formed.sums);
      formed.row = t, formed.begin = block * block_keys, formed.end = (block + count) * block_keys;
    }
    return this->mapped(formed.sums[key - formed.begin], t, key);
  }
};

/// The work of `op::select`: a route's choice for one head, into a plan.
template <class Policy, class Plan, class Workspace, class Input>
struct route_selection {
  Plan& plan;
  Workspace& workspace;
  const Input& input;

  using value = typename Input::value;
  static constexpr bool asks_scores = detail::asks_scores<Policy>;

  LACUNA_HD constexpr void run() const { run_on(input); }
  /// With scores from a backend's products.
  template <class Products>
  void run(const Products& products) const {
    typename scored_by_blocks<Input, Products>::stretch formed;
    run_on(scored_by_blocks<Input, Products>{input, products, formed});
  }
  LACUNA_HD constexpr std::uint64_t multiply_adds() const noexcept {
    const std::uint64_t products = Policy::products(input.first, input.query.count, input.keys());
    constexpr extent_t own = decltype(input.query)::columns, all = Input::all_columns;
    if constexpr (detail::chooses_once<Policy>)
      return input.head == 0 ? products * all : 0;
    else
      return products * own;
  }

 private:
  LACUNA_ANY_CALLEE
  template <class Scored>
  LACUNA_HD constexpr void run_on(const Scored& scored) const {
    if (input.head == 0 || !detail::chooses_once<Policy>) Policy::start(workspace, scored);
    plan.prepare_rows(input.first, input.query.count,
                      [&](extent_t t, auto& spans) { Policy::row(workspace, scored, t, spans); });
  }
};

LACUNA_END
