#pragma once
/// Attention through features with exact scores on the keys that the route shows: the schedule of `difference`.

#include <lacuna/attention/schedule/state_scan.hpp>
#include <lacuna/attention/score/dot.hpp>
#include <lacuna/op/corrected_scan.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct difference_knows_its_keys {
  static_assert(Fine,
                "lacuna::difference: the corrected keys are decided by queries and keys (use a route with spans, such "
                "as both<causal, window<64>>)");
};
template <bool Fine>
struct difference_corrects_what_it_covers {
  static_assert(Fine,
                "lacuna::difference: the route shows keys ahead, which features of the past do not cover (let them "
                "cover full, or combine the route with causal)");
};
template <bool Fine>
struct difference_keeps_what_it_corrects {
  static_assert(Fine,
                "lacuna::difference: the cache forgets keys that the route shows, or features cover what is ahead (use "
                "linear_cache, or a ring of the window's width with features that cover causal)");
};
template <bool Fine>
struct difference_keeps_positions {
  static_assert(
      Fine,
      "lacuna::difference: the cache keeps pages or counts positions itself (use linear_cache, or a ring with "
      "ring_positions::of_the_text)");
};
}  // namespace rules

/// See planned_tiles.hpp for what a schedule is. State: keys, values, and the features of the keys, as many as the
/// cache keeps; and a scan's sums. `clamped` counts, for each head, the rows of the stream whose estimates outside the
/// route were lost to rounding and left out.
template <class Shape, class Parts>
struct corrected_scan {
  using score = typename Parts::score;
  static constexpr bool has_spans = Route<typename Parts::route>;
  static_assert(__is_base_of(nothing, rules::difference_knows_its_keys<has_spans>) || true);
  using route = std::conditional_t<has_spans, typename Parts::route, causal>;
  static constexpr bool plain_cache = !cache_moves_pinned<typename Parts::cache> &&
                                      detail::tables_of_cache<typename Parts::cache, Shape::context>::type::size == 0;
  static_assert(__is_base_of(nothing, rules::difference_keeps_positions<plain_cache>) || true);
  using cache = std::conditional_t<plain_cache, typename Parts::cache, linear_cache>;
  using feature_map = typename score::feature_map;
  static constexpr extent_t heads = Shape::heads, kv_heads = Shape::kv_heads, head_width = Shape::head_width;
  static constexpr extent_t features = feature_map::count(head_width);
  static constexpr extent_t blocks = cache::blocks(blocks_of(Shape::context));
  static constexpr bool is_causal = score::template covers_past_alone<route>;
  static constexpr bool sees_ahead = !is_causal;
  static constexpr bool forgets = cache_forgets<cache>;
  static constexpr schedule_choice chosen{
      schedule::state_scan, "estimates by features over a prefix, exact scores on the route's keys in their place"};
  static_assert(__is_base_of(nothing,
                             rules::difference_corrects_what_it_covers<!is_causal || !route_sees_ahead<route>>) ||
                true);
  static constexpr bool keeps = !forgets || (is_causal && detail::cache_serves<cache, route, Shape::context>());
  static_assert(__is_base_of(nothing, rules::difference_keeps_what_it_corrects<keeps>) || true);
  static_assert(__is_base_of(nothing, rules::features_bring_their_weights<same<typename Parts::normaliser, softmax>>) ||
                true);
  static_assert(
      __is_base_of(
          nothing,
          rules::features_know_no_bias<!detail::score_bias_of<typename Parts::position, heads>::type::present>) ||
      true);

  template <class Role>
  struct parameters : no_tensors<corrected_scan> {};
  template <class Role>
  struct state : blocked_state<Role, blocks, kv_heads, head_width> {
    using cached = blocked_state<Role, blocks, kv_heads, head_width>;
    typename Role::template tensor<blocks * block_keys, kv_heads, features> key_features;
    typename Role::template tensor<blocks * block_keys, kv_heads> key_scales;
    typename Role::template tensor<kv_heads, features, head_width> sums;
    typename Role::template tensor<kv_heads, features> totals;
    typename Role::template tensor<kv_heads> scale;
    typename Role::template tensor<heads> clamped;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      cached::visit(v, s...);
      v("key_features", s.key_features...);
      v("key_scales", s.key_scales...);
      v("sums", s.sums...);
      v("totals", s.totals...);
      v("scale", s.scale...);
      v("clamped", s.clamped...);
    }
  };
  template <class Plan>
  struct memory {
    using plan = shared_plan<route, Plan::tokens, Shape::context>;
    LACUNA_NO_ADDRESS typename Plan::template saved<kv_heads> scale;
    LACUNA_NO_ADDRESS typename Plan::template saved<heads> log_scale;
    LACUNA_NO_ADDRESS typename Plan::template saved<heads> share;
  };
  template <class Value>
  using directions = feature_directions<feature_map, Value, head_width>;
  template <class Plan>
  using shares = type_list<typename memory<Plan>::plan, directions<typename Plan::value>>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    const auto state = view_of<Value>(v.state);
    if (run.first == 0) state.clear();
    const block_plan_view plan = detail::plan_shared_by(v.memory, run);
    const auto serve = [&](const block_plan_view& part, extent_t from, auto saved) {
      const auto k = key.slice(from, part.queries), value_rows = value.slice(from, part.queries);
      op::append(cache_of(v.state), k, value_rows, part.first, run.backend);
      op::corrected_scan(mixed.slice(from, part.queries), saved, query.slice(from, part.queries), k, value_rows, state,
                         readable(cache_of(v.state)), part, rule<Value>(),
                         detail::drawn_map<feature_map, Value, head_width>(run), constant<bool, is_causal>{},
                         run.backend);
    };
    if constexpr (forgets) {
      for (extent_t group = 0; group < groups_of(query.count); ++group) {
        const block_plan_view part = plan.of_group(group);
        for (std::uint32_t r = part.begin[0]; r < part.begin[1]; ++r)
          if (!cache::stores(part.runs[r].first, (part.first + part.queries - 1) / block_keys)) stop();
        serve(part, group * group_rows, unsaved<Value>(part.queries));
      }
    } else {
      serve(plan, 0, saved_of<Value>(v.memory, query.count));
    }
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                           rows<Value, Shape::query_width> mixed,
                                           rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    op::corrected_scan_backward(
        dquery, dkey, dvalue, cache_of(a.state), mixed, dmixed, saved_of<Value>(v.memory, query.count), query, key,
        value, view_of<Value>(v.state), view_of<Value>(a.state), readable(cache_of(v.state)),
        detail::plan_shared_by(v.memory, run), rule<Value>(), detail::drawn_map<feature_map, Value, head_width>(run),
        constant<bool, is_causal>{}, run.backend);
    op::append_backward(readable(cache_of(a.state)), dkey, dvalue, run.first, run.backend);
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return std::uint64_t{tokens} * (heads + kv_heads) *
               (feature_map::projections(head_width) * head_width + features * (head_width + 1)) +
           pairs<route>(first, tokens, first + tokens) * heads * (2 * head_width + features);
  }

 private:
  template <class Value>
  LACUNA_HD static constexpr auto rule() {
    constexpr double scale = dot::scale(head_width);
    return score_rule<softmax, no_score_bias, Value>{static_cast<Value>(scale)};
  }
  template <class State>
  LACUNA_HD static constexpr auto cache_of(State& state) {
    return detail::blocks_in<Shape>(state, typename cache::address{});
  }
  template <class Value, class State>
  LACUNA_HD static constexpr auto view_of(State& state) {
    return lacuna::corrected_state<Value, heads, kv_heads, features, head_width, typename cache::address>{
        {state.sums.data, state.totals.data, state.scale.data},
        state.key_features.data,
        state.key_scales.data,
        state.clamped.data,
        {}};
  }
  template <class Value>
  LACUNA_HD static constexpr corrected_rows<Value, heads, kv_heads> unsaved(extent_t tokens) {
    return {{nullptr, tokens}, {nullptr, tokens}, {nullptr, tokens}};
  }
  template <class Value, class Memory>
  LACUNA_HD static constexpr corrected_rows<Value, heads, kv_heads> saved_of(Memory& memory, extent_t tokens) {
    const auto none = unsaved<Value>(tokens);
    return {saved_or(memory.scale, none.scale), saved_or(memory.log_scale, none.log_scale),
            saved_or(memory.share, none.share)};
  }
};

LACUNA_END
