#pragma once
/// Attention over atoms: keys and values that a source makes, in place of tokens or beside them.
///
/// A source that adds atoms names this schedule, `template <class Shape, class Parts> using schedule =
/// planned_sources<Shape, Parts>`, and offers
///   sight<Route, Context>   what a row sees: `atoms`, their number; `shows_tokens`; `sees_ahead`; `tokens(query,
///                           keys)`, spans of tokens, where it shows them; `visible(query)`, spans of atom numbers
///   bound<Shape, Sight>     a component without an output: `parameters`, `state`, `memory`, `initialise`,
///                           `multiply_adds`, and
///     make(values, query, key, value, place, run)        writes the atoms of a pass into the cache
///     make_backward(values, adjoints, query, key, value, place, dplace, dquery, dkey, dvalue, run)
///                           their adjoints, which `dplace` holds, to what they were made from; all accumulate
///   checks<Shape, Parts>    what it asks of the attention, as assertions; `fine`, whether it is met
/// where a place (`atom_place`) is the cache and the position of the first atom in it.

#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/schedule/planned_tiles.hpp>
#include <lacuna/attention/score/dot.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct atoms_have_no_distance {
  static_assert(
      Fine,
      "lacuna::attention: what a source adds to the keys has no distance to a row (use rope<> or no position, "
      "and a score without a penalty, or tokens with these)");
};
template <bool Fine>
struct atoms_are_kept {
  static_assert(Fine,
                "lacuna::attention: a source keeps what it adds behind all tokens (leave the cache out, or use tokens "
                "with this cache)");
};
template <bool Fine>
struct atoms_are_scored {
  static_assert(Fine,
                "lacuna::attention: a source adds keys to a dot product over a route with spans (leave out the feature "
                "map, or the route that is decided by its keys, or use tokens with it)");
};
}  // namespace rules

/// Where the atoms of a source are: a cache, and the position of the first of them.
template <class Cache, class Value>
struct atom_place {
  Cache cache;
  extent_t first;
  Value scale;  ///< of scores
};

/// A route over the tokens and, in the blocks behind theirs, the atoms.
template <class Sight, extent_t Context>
struct route_with_atoms {
  /// Blocks of the tokens: the first atom has position `first_atom`.
  static constexpr extent_t token_blocks = Sight::shows_tokens ? blocks_of(Context) : 0;
  static constexpr extent_t first_atom = token_blocks * block_keys;
  static constexpr extent_t blocks = token_blocks + blocks_of(Sight::atoms);
  static constexpr extent_t most = [] {
    constexpr extent_t atoms = decltype(Sight::visible(0))::most;
    if constexpr (Sight::shows_tokens)
      return decltype(Sight::tokens(0, 0))::most + atoms;
    else
      return atoms;
  }();

  LACUNA_ANY_CALLEE
  LACUNA_HD static constexpr lacuna::spans<most> spans(extent_t query, extent_t keys) {
    lacuna::spans<most> seen;
    if constexpr (Sight::shows_tokens) {
      const auto tokens = Sight::tokens(query, keys);
      for (extent_t i = 0; i < tokens.count; ++i)
        seen.add(tokens.items[i].begin, tokens.items[i].end < keys ? tokens.items[i].end : keys);
    }
    const auto atoms = Sight::visible(query);
    for (extent_t i = 0; i < atoms.count; ++i)
      seen.add(first_atom + atoms.items[i].begin, first_atom + atoms.items[i].end);
    return seen;
  }
};

/// The plan of such a route: the same for all heads, and for all layers that have the route and the source.
template <class Policy, extent_t Tokens>
struct plan_with_atoms : stored_plan<Tokens, Policy::blocks * block_keys, Policy::most> {
  constexpr void prepare(extent_t first, extent_t tokens) {
    this->prepare_rows(first, tokens, Policy::blocks * block_keys,
                       [&](extent_t t, auto& to) { to = Policy::spans(first + t, first + tokens); });
  }
};

/// See planned_tiles.hpp for what a schedule is. Positions are applied before: rotated keys are what atoms are made of.
template <class Shape, class Parts>
struct planned_sources {
  using source = typename Parts::source;
  using normaliser = typename Parts::normaliser;
  static constexpr extent_t heads = Shape::heads, kv_heads = Shape::kv_heads, head_width = Shape::head_width;

  /// What brings a schedule of its own was complained of already (attention.hpp).
  static constexpr bool alone = !requires { typename Parts::score::template schedule<Shape, Parts>; };
  static constexpr bool scored = alone && Route<typename Parts::route> && requires { requires Parts::score::is_dot; };
  static_assert(__is_base_of(nothing, rules::atoms_are_scored<scored || !alone>) || true);
  static_assert(__is_base_of(nothing, rules::atoms_are_kept<same<typename Parts::cache, linear_cache>>) || true);
  static_assert(__is_base_of(nothing, rules::atoms_have_no_distance<!detail::whole_bias<Parts, heads>::present>) ||
                true);
  static_assert(__is_base_of(nothing, typename source::template checks<Shape, Parts>) || true);

  using route = std::conditional_t<Route<typename Parts::route>, typename Parts::route, causal>;
  using score = std::conditional_t<scored, typename Parts::score, dot>;
  using sight = typename source::template sight<route, Shape::context>;
  using whole_route = route_with_atoms<sight, Shape::context>;
  using atoms = typename source::template bound<Shape, sight>;
  static constexpr bool sees_ahead = sight::sees_ahead;
  static constexpr bool forgets = false;
  static constexpr schedule_choice chosen{
      normalisation_of<normaliser> == normalisation::one_pass ? schedule::planned_tiles : schedule::two_passes,
      "keys of a source in blocks behind those of the tokens: one block plan over both"};

  template <class Role>
  using parameters = typename atoms::template parameters<Role>;
  template <class Role>
  struct state {
    blocked_state<Role, whole_route::blocks, kv_heads, head_width> kept;
    LACUNA_NO_ADDRESS typename atoms::template state<Role> source_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("", s.kept...);
      v("", s.source_part...);
    }
  };
  template <class Plan>
  struct memory {
    using plan = plan_with_atoms<whole_route, Plan::tokens>;
    LACUNA_NO_ADDRESS typename Plan::template saved<heads> log_scale;
    LACUNA_NO_ADDRESS typename atoms::template memory<Plan> source_part;
  };
  template <class Plan>
  using shares = type_list<typename memory<Plan>::plan>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    atoms::initialise(parameters);
  }

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    if constexpr (sight::shows_tokens) op::append(cache_of(v.state.kept), key, value, run.first, run.backend);
    atoms::make(inside(v), query, key, value, place_of<Value>(cache_of(v.state.kept)), run);
    op::attend(mixed, log_scale<Value>(v.memory, query.count), query, readable(cache_of(v.state.kept)),
               detail::plan_shared_by(v.memory, run), rule<Value>(), run.backend);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                           rows<Value, Shape::query_width>, rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    const auto cache = readable(cache_of(v.state.kept));
    const auto dcache = cache_of(a.state.kept);
    op::attend_backward(dquery, dcache, dmixed, log_scale<Value>(v.memory, query.count), query, cache,
                        detail::plan_shared_by(v.memory, run), rule<Value>(), run.backend);
    // Atoms are made of tokens: their adjoints first.
    atoms::make_backward(inside(v), adjoints{a.gradients, a.state.source_part, a.memory.source_part}, query, key, value,
                         place_of<Value>(cache), place_of<Value>(dcache), dquery, dkey, dvalue, run);
    if constexpr (sight::shows_tokens)
      op::append_backward(readable(cache_of(a.state.kept)), dkey, dvalue, run.first, run.backend);
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return attend_products<normalisation_of<normaliser>> * pairs<whole_route>(first, tokens, first + tokens) *
               Shape::query_width +
           atoms::multiply_adds(first, tokens);
  }

 private:
  template <class Value>
  LACUNA_HD static constexpr Value scale() {
    constexpr double factor = detail::score_scale<score>(head_width, Shape::width);
    return static_cast<Value>(factor);
  }
  template <class Value>
  LACUNA_HD static constexpr auto rule() {
    return score_rule<normaliser, no_score_bias, Value>{scale<Value>()};
  }
  template <class Kept>
  LACUNA_HD static constexpr auto cache_of(Kept& kept) {
    return detail::blocks_in<Shape>(kept, linear_cache::address{});
  }
  template <class Value, class Cache>
  LACUNA_HD static constexpr atom_place<Cache, Value> place_of(const Cache& cache) {
    return {cache, whole_route::first_atom, scale<Value>()};
  }
  template <class Values>
  LACUNA_HD static constexpr auto inside(Values v) {
    return values{v.parameters, v.state.source_part, v.memory.source_part, v.derived};
  }
  template <class Value, class Memory>
  LACUNA_HD static constexpr rows<Value, heads> log_scale(Memory& memory, extent_t tokens) {
    return saved_or(memory.log_scale, rows<Value, heads>(nullptr, tokens));
  }
};

LACUNA_END
