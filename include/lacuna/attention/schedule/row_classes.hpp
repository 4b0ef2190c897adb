#pragma once
/// Attention of two kinds of rows: local ones by the route, global ones over everything, each from keys and values of
/// its own. The schedule of `class_projections`.

#include <lacuna/attention/route/by_rows.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/schedule/planned_tiles.hpp>
#include <lacuna/attention/score/dot.hpp>

LACUNA_BEGIN

namespace detail {

/// Stretches of neighbouring positions that a set may have.
template <class Set>
inline constexpr extent_t most_stretches = decltype(Set::spans(0))::most;

/// Calls `use(number, from, count)` for each stretch of the set among rows [first, first + tokens); `from` is counted
/// from the first of these rows.
LACUNA_ANY_CALLEE
template <class Set, class Use>
LACUNA_HD constexpr void each_stretch(extent_t first, extent_t tokens, Use&& use) {
  const auto held = Set::spans(first + tokens);
  for (extent_t i = 0; i < held.count; ++i) {
    const extent_t begin = held.items[i].begin < first ? first : held.items[i].begin;
    const extent_t end = held.items[i].end < first + tokens ? held.items[i].end : first + tokens;
    if (begin < end) use(i, begin - first, end - begin);
  }
}

/// For rows that belong to the other kind.
struct sees_nothing {
  using slot = slots::route;
  static constexpr auto name = fixed_string("sees_nothing");
  LACUNA_HD static constexpr lacuna::spans<1> spans(extent_t, extent_t) { return {}; }
};

}  // namespace detail

namespace rules {
template <bool Fine>
struct row_classes_know_their_keys {
  static_assert(Fine,
                "lacuna::class_projections: the keys of local rows are decided by queries and keys (use a route with "
                "spans, or separate_projections)");
};
template <bool Fine>
struct row_classes_multiply {
  static_assert(Fine,
                "lacuna::class_projections: the score is a feature map, which keeps one state for all rows (use a dot "
                "product, or separate_projections)");
};
}  // namespace rules

/// See planned_tiles.hpp for what a schedule is: this one is made of two of them. Rows of the set see all tokens, or,
/// where the route never sees ahead, all that came before: then a stream can be cut. `Parts` names `projections` as
/// well, whose `set` says which rows are global, and whose memory holds their queries, keys and values. State: that of
/// the local rows, and keys and values of every token for the global ones.
template <class Shape, class Parts>
struct row_classes {
  static constexpr bool has_spans = Route<typename Parts::route>,
                        multiplies = requires { requires Parts::score::is_dot; };
  static_assert(__is_base_of(nothing, rules::row_classes_know_their_keys<has_spans>) || true);
  static_assert(__is_base_of(nothing, rules::row_classes_multiply<multiplies>) || true);
  using set = typename Parts::projections::set;
  using route = std::conditional_t<has_spans, typename Parts::route, full>;
  using global_route = std::conditional_t<route_sees_ahead<route>, full, causal>;

  struct local_parts : Parts {
    using route = by_rows<set, detail::sees_nothing, row_classes::route>;
    using score = std::conditional_t<multiplies, typename Parts::score, dot>;
  };
  struct global_parts : local_parts {
    using route = by_rows<set, global_route, detail::sees_nothing>;
    using cache = linear_cache;
  };
  using local = planned_tiles<Shape, local_parts>;
  using global = planned_tiles<Shape, global_parts>;

  static constexpr bool reads_projections = true;
  static constexpr bool sees_ahead = local::sees_ahead || global::sees_ahead;
  static constexpr bool forgets = local::forgets;
  static constexpr schedule_choice chosen{
      local::chosen.what, "rows of two kinds with keys of their own: a block plan and a cache for each"};

  template <class Role>
  struct parameters : no_tensors<row_classes> {};
  template <class Role>
  struct state {
    typename local::template state<Role> local_rows;
    typename global::template state<Role> global_rows;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("local", s.local_rows...);
      v("global", s.global_rows...);
    }
  };
  template <class Plan>
  struct memory {
    LACUNA_NO_ADDRESS typename local::template memory<Plan> local_rows;
    LACUNA_NO_ADDRESS typename global::template memory<Plan> global_rows;
    typename Plan::template buffer<Shape::query_width> mixed;  ///< of global rows; 0 elsewhere
  };
  template <class Plan>
  using shares = join<typename local::template shares<Plan>, typename global::template shares<Plan>>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    const extent_t tokens = query.count;
    auto& [own, of] = v.memory;
    local::forward(values{v.parameters, v.state.local_rows, own.local_rows, v.derived}, query, key, value, mixed, run);
    const auto found = own.mixed.first(tokens);
    global::forward(values{v.parameters, v.state.global_rows, own.global_rows, v.derived},
                    of.global_query.first(tokens), of.global_key.first(tokens), of.global_value.first(tokens), found,
                    run);
    detail::each_stretch<set>(run.first, tokens, [&](extent_t, extent_t from, extent_t count) {
      for (extent_t t = from; t < from + count; ++t)
        for (extent_t c = 0; c < Shape::query_width; ++c) mixed(t, c) = found(t, c);
    });
  }
  /// Each kind of rows reads of dmixed what is its own: the other rows see nothing in its plan.
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                           rows<Value, Shape::query_width> mixed,
                                           rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    const extent_t tokens = query.count;
    auto& [own, of] = v.memory;
    auto& [down, dof] = a.memory;
    local::backward(values{v.parameters, v.state.local_rows, own.local_rows, v.derived},
                    adjoints{a.gradients, a.state.local_rows, down.local_rows}, query, key, value, mixed, dmixed,
                    dquery, dkey, dvalue, run);
    const auto dglobal_query = dof.global_query.first(tokens);
    const auto dglobal_key = dof.global_key.first(tokens), dglobal_value = dof.global_value.first(tokens);
    dglobal_query.fill(0), dglobal_key.fill(0), dglobal_value.fill(0);
    global::backward(values{v.parameters, v.state.global_rows, own.global_rows, v.derived},
                     adjoints{a.gradients, a.state.global_rows, down.global_rows}, of.global_query.first(tokens),
                     of.global_key.first(tokens), of.global_value.first(tokens), mixed, dmixed, dglobal_query,
                     dglobal_key, dglobal_value, run);
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return local::multiply_adds(first, tokens) + global::multiply_adds(first, tokens);
  }
};

LACUNA_END
