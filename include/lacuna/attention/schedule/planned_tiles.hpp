#pragma once
/// Attention over a block plan that is known before the tokens are: the schedule of routes with spans and plain dot
/// products. And what every schedule promises to attention.
///
/// A schedule is a component between the projections: `parameters<Role>`, `state<Role>`, `memory<Plan>`,
/// `shares<Plan>`, `initialise`, `multiply_adds`, and
///   forward(values, query, key, value, mixed, run)
///   backward(values, adjoints, query, key, value, mixed, dmixed, dquery, dkey, dvalue, run)
/// on rows whose positions are applied already. The adjoints dquery, dkey and dvalue accumulate. A schedule that says
/// `static constexpr bool reads_projections = true` finds `{own, projections}` in the place of its memory, and of its
/// adjoint: its own, and that of the projections.

#include <lacuna/attention/cache/paged.hpp>
#include <lacuna/attention/cache/ring.hpp>
#include <lacuna/attention/plan/planner.hpp>
#include <lacuna/attention/schedule/choose.hpp>
#include <lacuna/attention/slots.hpp>
#include <lacuna/op/attend.hpp>
#include <lacuna/op/run.hpp>
#include <lacuna/op/write_keys.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace detail {

/// What a position adds to scores: nothing, unless it says so.
template <class Position, extent_t Heads, class = void>
struct score_bias_of {
  using type = no_score_bias;
};
template <class Position, extent_t Heads>
struct score_bias_of<Position, Heads, std::void_t<typename Position::template score_bias<Heads>>> {
  using type = typename Position::template score_bias<Heads>;
};

/// The same, with what the score itself lowers.
template <class Score, class Bias>
struct bias_with_score {
  using type = Bias;
};
template <class Score, class Bias>
  requires requires { Score::own_penalty; }
struct bias_with_score<Score, Bias> {
  using type = own_key_penalised<Bias, Score::own_penalty>;
};
template <class Parts, extent_t Heads>
using whole_bias = typename bias_with_score<typename Parts::score,
                                            typename score_bias_of<typename Parts::position, Heads>::type>::type;

/// The plan of a route: one that it brings, or one made from its spans.
template <class Route, extent_t Tokens, extent_t Context>
struct plan_of_route {
  using type = shared_plan<Route, Tokens, Context>;
};
template <class Route, extent_t Tokens, extent_t Context>
  requires is_assigned_route<Route>
struct plan_of_route<Route, Tokens, Context> {
  using type = typename Route::template plan<Tokens, Context>;
};

/// A score's factor, from the head width, or from that and the width of the stream.
template <class Score>
constexpr double score_scale(extent_t head_width, extent_t width) {
  if constexpr (requires { Score::scale(head_width, width); })
    return Score::scale(head_width, width);
  else
    return Score::scale(head_width);
}

/// Whether a position that was applied can be applied further: it says `adds_up`.
template <class Position>
inline constexpr bool position_adds_up = requires { requires Position::adds_up; };

}  // namespace detail

/// Keys and values of a stream, in blocks (see `cache_view`).
template <class Role, extent_t Blocks, extent_t KvHeads, extent_t HeadWidth>
struct blocked_state {
  typename Role::template tensor<Blocks, KvHeads, HeadWidth, block_keys> keys;
  typename Role::template tensor<Blocks, KvHeads, block_keys, HeadWidth> values;
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    v("keys", s.keys...);
    v("values", s.values...);
  }
};

namespace detail {

/// The blocks of a state as kernels see them.
template <class Shape, class State, class Address>
LACUNA_HD constexpr auto blocks_in(State& state, const Address& address) {
  using element = std::remove_reference_t<decltype(state.keys[0])>;
  return cache_view<element, Shape::kv_heads, Shape::head_width, Address>{state.keys.data, state.values.data, address};
}
/// The plan that a schedule's memory names and all layers share.
template <class Memory, class Run>
LACUNA_HD constexpr block_plan_view plan_shared_by(const Memory&, const Run& run) {
  return run.shared.template get<typename Memory::plan>().view();
}

}  // namespace detail

/// The same, and the pinned keys as they were written.
template <class Role, extent_t Blocks, extent_t KvHeads, extent_t HeadWidth, extent_t Pinned>
struct pinned_state : blocked_state<Role, Blocks, KvHeads, HeadWidth> {
  typename Role::template tensor<Pinned, KvHeads * HeadWidth> pinned_keys;
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    blocked_state<Role, Blocks, KvHeads, HeadWidth>::visit(v, s...);
    v("pinned_keys", s.pinned_keys...);
  }
};

/// `Parts` names the policies: route, score, normaliser, cache, position.
template <class Shape, class Parts>
struct planned_tiles {
  using route = typename Parts::route;
  using normaliser = typename Parts::normaliser;
  using cache = typename Parts::cache;
  static constexpr extent_t heads = Shape::heads, kv_heads = Shape::kv_heads, head_width = Shape::head_width;
  static constexpr extent_t blocks = cache::blocks(blocks_of(Shape::context));
  static constexpr bool sees_ahead = route_sees_ahead<route>;
  static constexpr bool forgets = cache_forgets<cache>;
  using tables = detail::tables_of_cache<cache, Shape::context>;
  static constexpr extent_t streams = tables::streams;
  static constexpr bool moves_pinned = cache_moves_pinned<cache>;
  static constexpr schedule_choice chosen = choose<typename Parts::score, normaliser>();

  template <class Role, bool Moves>
  struct state_of {
    using type = blocked_state<Role, blocks, kv_heads, head_width>;
  };
  template <class Role>
  struct state_of<Role, true> {
    using type = pinned_state<Role, blocks, kv_heads, head_width, cache::first_moving>;
  };

  static_assert(__is_base_of(nothing,
                             rules::ring_keeps_what_is_seen<detail::cache_serves<cache, route, Shape::context>()>) ||
                true);

  static_assert(__is_base_of(nothing,
                             rules::positions_can_be_moved<!moves_pinned ||
                                                           detail::position_adds_up<typename Parts::position>>) ||
                true);

  template <class Role>
  struct parameters : no_tensors<planned_tiles> {};
  template <class Role>
  using state = typename state_of<Role, moves_pinned>::type;
  template <class Plan>
  struct memory {
    using plan = typename detail::plan_of_route<route, Plan::tokens, Shape::context>::type;
    LACUNA_NO_ADDRESS typename Plan::template saved<heads> log_scale;
    /// A pinned key, turned on.
    LACUNA_NO_ADDRESS std::conditional_t<moves_pinned, tensor<typename Plan::value, 1, Shape::kv_width>, nothing>
        turned;
  };
  template <class Plan>
  using shares = join<type_list<typename memory<Plan>::plan>, typename tables::type>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    if constexpr (forgets) {
      const block_plan_view plan = detail::plan_shared_by(v.memory, run);
      for (extent_t group = 0; group < groups_of(query.count); ++group) {
        const block_plan_view part = plan.of_group(group);
        const extent_t from = group * group_rows;
        op::append(cache_of(v.state, run), key.slice(from, part.queries), value.slice(from, part.queries), part.first,
                   run.backend);
        // What was overwritten is never read as if it were there.
        for (std::uint32_t r = part.begin[0]; r < part.begin[1]; ++r)
          if (!cache::stores(part.runs[r].first, (part.first + part.queries - 1) / block_keys)) stop();
        const auto serve = [&](extent_t row, const block_plan_view& rows_of_plan) {
          const extent_t count = rows_of_plan.queries;
          op::attend(mixed.slice(row, count), rows<Value, heads>(nullptr, count), query.slice(row, count),
                     readable(cache_of(v.state, run)), rows_of_plan, rule<Value>(), run.backend);
        };
        if constexpr (moves_pinned) {
          keep_pinned(v.state, key.slice(from, part.queries), part.first);
          if (cache::evicted(part.first + part.queries - 1) > 0) {
            for (extent_t row = 0; row < part.queries; ++row) {
              move_pinned(v, part.first + row, run);
              serve(from + row, part.of_row(row));
            }
            continue;
          }
        }
        serve(from, part);
      }
      return;
    }
    write(v, key, value, run);
    read(v, query, mixed, run);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width>, rows<Value, Shape::kv_width>,
                                           rows<Value, Shape::query_width>, rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    read_backward(v, a, query, dmixed, dquery, run);
    write_backward(a, dkey, dvalue, run);
  }

  /// The halves of forward and backward, for schedules in which several read what was written once; where the cache
  /// overwrites nothing.
  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void write(Values v, rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                        const Run& run) {
    op::append(cache_of(v.state, run), key, value, run.first, run.backend);
  }
  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void read(Values v, rows<Value, Shape::query_width> query,
                                       rows<Value, Shape::query_width> mixed, const Run& run) {
    op::attend(mixed, log_scale<Value>(v.memory, query.count), query, readable(cache_of(v.state, run)),
               detail::plan_shared_by(v.memory, run), rule<Value>(), run.backend);
  }
  /// Adjoints of keys and values add up in the state's adjoint.
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void read_backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                                rows<Value, Shape::query_width> dmixed,
                                                rows<Value, Shape::query_width> dquery, const Run& run) {
    op::attend_backward(dquery, cache_of(a.state, run), dmixed, log_scale<Value>(v.memory, query.count), query,
                        readable(cache_of(v.state, run)), detail::plan_shared_by(v.memory, run), rule<Value>(),
                        run.backend);
  }
  template <class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void write_backward(Adjoints a, rows<Value, Shape::kv_width> dkey,
                                                 rows<Value, Shape::kv_width> dvalue, const Run& run) {
    op::append_backward(readable(cache_of(a.state, run)), dkey, dvalue, run.first, run.backend);
  }

  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return attend_products<normalisation_of<normaliser>> * pairs<route>(first, tokens, first + tokens) *
           Shape::query_width;
  }

 private:
  /// Pinned keys among those of positions first, first + 1, ...: as they were written.
  template <class State, class Value>
  LACUNA_HD static constexpr void keep_pinned(State& state, rows<Value, Shape::kv_width> key, extent_t first) {
    for (extent_t t = 0; t < key.count && first + t < cache::first_moving; ++t)
      for (extent_t c = 0; c < Shape::kv_width; ++c) state.pinned_keys[(first + t) * Shape::kv_width + c] = key(t, c);
  }
  /// The pinned keys as far from a row as they are in the cache.
  template <class Values, class Run>
  LACUNA_HD static constexpr void move_pinned(Values v, extent_t query, const Run& run) {
    const extent_t evicted = cache::evicted(query);
    if (evicted == 0) return;
    const auto turned = v.memory.turned.first(1);
    Run at = run;
    at.first = evicted;
    for (extent_t j = 0; j < cache::first_moving; ++j) {
      for (extent_t c = 0; c < Shape::kv_width; ++c) turned(0, c) = v.state.pinned_keys[j * Shape::kv_width + c];
      Parts::position::apply(turned, false, at);
      op::write_keys(cache_of(v.state, run), turned, j, run.backend);
    }
  }
  template <class Value>
  LACUNA_HD static constexpr auto rule() {
    constexpr double scale = detail::score_scale<typename Parts::score>(head_width, Shape::width);
    return score_rule<normaliser, detail::whole_bias<Parts, heads>, Value>{static_cast<Value>(scale)};
  }
  template <class State, class Run>
  LACUNA_HD static constexpr auto cache_of(State& state, const Run& run) {
    return detail::blocks_in<Shape>(state, detail::address_in<cache, Shape::context>(run));
  }
  template <class Value, class Memory>
  LACUNA_HD static constexpr rows<Value, heads> log_scale(Memory& memory, extent_t tokens) {
    return saved_or(memory.log_scale, rows<Value, heads>(nullptr, tokens));
  }
};

LACUNA_END
