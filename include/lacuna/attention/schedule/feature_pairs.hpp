#pragma once
/// Attention through features on a route that leaves keys out: no state can, so that pairs are formed one by one.

#include <lacuna/attention/plan/planner.hpp>
#include <lacuna/attention/schedule/state_scan.hpp>
#include <lacuna/op/feature_pairs.hpp>

LACUNA_BEGIN

/// See planned_tiles.hpp for what a schedule is. It is what a feature map falls back to off a prefix, and gives up what
/// it is made for: tokens * (heads + kv_heads) * projections * head_width + pairs * heads * (features + head_width)
/// multiply-adds. State: context * kv_heads * (features + head_width + 1) numbers.
template <class Shape, class Parts>
struct feature_pairs {
  using route = typename Parts::route;
  using score = typename Parts::score;
  static constexpr extent_t heads = Shape::heads, kv_heads = Shape::kv_heads, head_width = Shape::head_width;
  static constexpr extent_t features = score::count(head_width);
  static constexpr bool sees_ahead = route_sees_ahead<route>;
  static constexpr bool forgets = false;
  static constexpr schedule_choice chosen{schedule::feature_pairs,
                                          "feature map on a route that leaves keys out: pair by pair"};
  static_assert(__is_base_of(nothing, detail::checks_of_features<Shape, Parts>) || true);

  template <class Role>
  struct parameters : no_tensors<feature_pairs> {};
  template <class Role>
  struct state {
    typename Role::template tensor<Shape::context, kv_heads, features> features_of_keys;
    typename Role::template tensor<Shape::context, kv_heads> scale;
    typename Role::template tensor<Shape::context, kv_heads, head_width> values;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("features", s.features_of_keys...);
      v("scale", s.scale...);
      v("values", s.values...);
    }
  };
  template <class Plan>
  struct memory {
    using plan = shared_plan<route, Plan::tokens, Shape::context>;
    LACUNA_NO_ADDRESS typename Plan::template saved<heads> scale;
    LACUNA_NO_ADDRESS typename Plan::template saved<heads> denominator;
  };
  template <class Plan>
  using shares = type_list<typename memory<Plan>::plan, feature_directions<score, typename Plan::value, head_width>>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    op::feature_pairs(mixed, saved_of<Value>(v.memory, query.count), query, key, value, view_of<Value>(v.state),
                      detail::plan_shared_by(v.memory, run), detail::drawn_map<score, Value, head_width>(run),
                      run.backend);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width>,
                                           rows<Value, Shape::query_width> mixed,
                                           rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    op::feature_pairs_backward(dquery, dkey, dvalue, mixed, dmixed, saved_of<Value>(v.memory, query.count), query, key,
                               view_of<Value>(v.state), view_of<Value>(a.state), detail::plan_shared_by(v.memory, run),
                               detail::drawn_map<score, Value, head_width>(run), run.backend);
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return std::uint64_t{tokens} * (heads + kv_heads) * score::projections(head_width) * head_width +
           pairs<route>(first, tokens, first + tokens) * heads * (features + head_width);
  }

 private:
  template <class Value, class State>
  LACUNA_HD static constexpr auto view_of(State& state) {
    return feature_store<Value, kv_heads, features, head_width>{state.features_of_keys.data, state.scale.data,
                                                                state.values.data};
  }
  template <class Value, class Memory>
  LACUNA_HD static constexpr feature_rows<Value, heads> saved_of(Memory& memory, extent_t tokens) {
    return {saved_or(memory.scale, rows<Value, heads>(nullptr, tokens)),
            saved_or(memory.denominator, rows<Value, heads>(nullptr, tokens))};
  }
};

LACUNA_END
