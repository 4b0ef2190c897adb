#pragma once
/// Attention through features on a route that is a prefix: one state per head in place of keys and values.

#include <lacuna/attention/normaliser/softmax.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/schedule/planned_tiles.hpp>
#include <lacuna/attention/score/favor.hpp>
#include <lacuna/op/scan.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct features_have_no_scores {
  static_assert(Fine,
                "lacuna::attention: a feature map has no scores, and the route chooses keys by them (use a route with "
                "spans with it, or a dot product with this route)");
};
template <bool Fine>
struct features_bring_their_weights {
  static_assert(
      Fine,
      "lacuna::attention: a feature map brings its own weights (leave the normaliser out, or use a dot product "
      "with it)");
};
template <bool Fine>
struct features_have_no_cache {
  static_assert(Fine,
                "lacuna::attention: a feature map keeps a state in place of a cache (leave the cache out, or use a dot "
                "product with it)");
};
template <bool Fine>
struct features_know_no_bias {
  static_assert(
      Fine,
      "lacuna::attention: a feature map has no score to add a bias to (use rope<> or no position with it, or a "
      "dot product with this position)");
};
}  // namespace rules

namespace detail {

/// What a feature map asks of the other parts.
template <class Shape, class Parts>
struct checks_of_features {
  static_assert(__is_base_of(nothing, rules::features_have_no_scores<Route<typename Parts::route>>) || true);
  static_assert(__is_base_of(nothing, rules::features_have_no_cache<same<typename Parts::cache, linear_cache>>) ||
                true);
  static_assert(__is_base_of(nothing, rules::features_bring_their_weights<same<typename Parts::normaliser, softmax>>) ||
                true);
  static_assert(
      __is_base_of(
          nothing,
          rules::features_know_no_bias<!score_bias_of<typename Parts::position, Shape::heads>::type::present>) ||
      true);
};

}  // namespace detail

/// The drawn directions of a feature map, shared by all layers that use it.
template <class Score, class Value, extent_t HeadWidth>
struct feature_directions {
  static constexpr extent_t rows = Score::projections(HeadWidth);
  tensor<Value, (rows == 0 ? 1 : rows), HeadWidth> drawn;

  constexpr void build() { Score::draw(drawn.data, HeadWidth); }
};

namespace detail {

/// A feature map with its drawn directions.
template <class Score, class Value, extent_t HeadWidth, class Run>
LACUNA_HD constexpr auto drawn_map(const Run& run) {
  return Score::template map<Value, HeadWidth>(
      run.shared.template get<feature_directions<Score, Value, HeadWidth>>().drawn.data);
}

}  // namespace detail

/// See planned_tiles.hpp for what a schedule is. State: kv_heads * features * (head_width + 1) numbers and a scale,
/// whatever the length of the stream.
template <class Shape, class Parts>
struct state_scan {
  using route = typename Parts::route;
  using score = typename Parts::score;
  static constexpr extent_t heads = Shape::heads, kv_heads = Shape::kv_heads, head_width = Shape::head_width;
  static constexpr extent_t features = score::count(head_width);
  static constexpr bool sees_ahead = route_sees_ahead<route>;
  static constexpr bool forgets = false;
  static constexpr bool is_causal = same<route, causal>;
  static constexpr schedule_choice chosen{schedule::state_scan,
                                          "feature map on a prefix: one state per head, no pairs of tokens"};
  static_assert(__is_base_of(nothing, detail::checks_of_features<Shape, Parts>) || true);

  template <class Role>
  struct parameters : no_tensors<state_scan> {};
  template <class Role>
  struct state {
    typename Role::template tensor<kv_heads, features, head_width> sums;
    typename Role::template tensor<kv_heads, features> totals;
    typename Role::template tensor<kv_heads> scale;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("sums", s.sums...);
      v("totals", s.totals...);
      v("scale", s.scale...);
    }
  };
  template <class Plan>
  struct memory {
    LACUNA_NO_ADDRESS typename Plan::template saved<kv_heads> scale;
    LACUNA_NO_ADDRESS typename Plan::template saved<heads> denominator;
  };
  template <class Plan>
  using shares = type_list<feature_directions<score, typename Plan::value, head_width>>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    const auto state = view_of<Value>(v.state);
    if (run.first == 0) state.clear();
    op::scan(mixed, saved_of<Value>(v.memory, query.count), query, key, value, state,
             detail::drawn_map<score, Value, head_width>(run), constant<bool, is_causal>{}, run.backend);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                           rows<Value, Shape::query_width> mixed,
                                           rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    op::scan_backward(dquery, dkey, dvalue, mixed, dmixed, saved_of<Value>(v.memory, query.count), query, key, value,
                      view_of<Value>(v.state), view_of<Value>(a.state),
                      detail::drawn_map<score, Value, head_width>(run), constant<bool, is_causal>{}, run.backend);
  }
  static constexpr std::uint64_t multiply_adds(extent_t, extent_t tokens) {
    return std::uint64_t{tokens} * (heads + kv_heads) *
           (score::projections(head_width) * head_width + features * (head_width + 1));
  }

 private:
  template <class Value, class State>
  LACUNA_HD static constexpr auto view_of(State& state) {
    return scan_state<Value, kv_heads, features, head_width>{state.sums.data, state.totals.data, state.scale.data};
  }
  template <class Value, class Memory>
  LACUNA_HD static constexpr scan_rows<Value, heads, kv_heads> saved_of(Memory& memory, extent_t tokens) {
    return {saved_or(memory.scale, rows<Value, kv_heads>(nullptr, tokens)),
            saved_or(memory.denominator, rows<Value, heads>(nullptr, tokens))};
  }
};

LACUNA_END
