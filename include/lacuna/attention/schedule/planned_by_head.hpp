#pragma once
/// Attention over block plans that each head makes for itself from its queries and keys: the schedule of dynamic
/// routes.

#include <lacuna/attention/plan/selected.hpp>
#include <lacuna/attention/schedule/head_rows.hpp>
#include <lacuna/attention/schedule/planned_tiles.hpp>
#include <lacuna/op/select.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct selections_read_all {
  static_assert(Fine,
                "lacuna::attention: a route that is decided by its keys needs them all (leave the cache out, or use a "
                "route with spans with this cache)");
};
}  // namespace rules

/// Where a block of one head is, in a cache of several.
template <class Address, extent_t KvHeads>
struct head_address {
  Address address;
  extent_t head;
  LACUNA_HD constexpr extent_t operator()(extent_t block) const noexcept { return address(block) * KvHeads + head; }
};

/// A bias for the kernels of a single head: it passes the head's own number on.
template <class Bias>
struct bias_of_head {
  static constexpr bool present = true;
  extent_t head = 0;
  Bias bias{};
  template <class Value>
  LACUNA_HD LACUNA_INLINE constexpr Value operator()(extent_t, Value distance) const noexcept {
    return bias(head, distance);
  }
};

/// See planned_tiles.hpp for what a schedule is. Each head's rows are copied together, so that its attention runs on
/// the kernels of a single head: O(tokens * heads * head_width) beside the attention itself.
template <class Shape, class Parts>
struct planned_by_head {
  using route = typename Parts::route;
  using normaliser = typename Parts::normaliser;
  using cache = typename Parts::cache;
  static constexpr extent_t heads = Shape::heads, kv_heads = Shape::kv_heads, head_width = Shape::head_width;
  static constexpr extent_t group = heads / kv_heads;
  static constexpr extent_t blocks = cache::blocks(blocks_of(Shape::context));
  static constexpr extent_t most = route::most(Shape::context);
  static constexpr extent_t most_keys = detail::most_keys_of<route>(Shape::context);
  static constexpr bool sees_ahead = route_sees_ahead<route>;
  static constexpr bool forgets = false;
  static_assert(__is_base_of(nothing, rules::selections_read_all<!cache_forgets<cache>>) || true);
  static constexpr schedule_choice chosen{
      normalisation_of<normaliser> == normalisation::one_pass ? schedule::planned_tiles : schedule::two_passes,
      "keys chosen by each head from queries and keys: a block plan per head, kept for backward"};

  template <class Role>
  using parameters = detail::parameters_of_route<route, Role, Shape>;
  template <class Role>
  struct state : blocked_state<Role, blocks, kv_heads, head_width> {
    LACUNA_NO_ADDRESS detail::state_of_route<route, Role, Shape> route_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      blocked_state<Role, blocks, kv_heads, head_width>::visit(v, s...);
      v("", s.route_part...);
    }
  };
  template <class Plan>
  struct memory {
    using value = typename Plan::value;
    /// One per head where backward reads them.
    stored_plan<Plan::tokens, Shape::context, most, most_keys> plans[Plan::keeps ? heads : 1];
    typename route::template workspace<value, Plan::tokens, Shape> work;
    typename Plan::template buffer<head_width> query;  ///< of one head; as an adjoint, too
    typename Plan::template buffer<head_width> mixed;
    LACUNA_NO_ADDRESS typename Plan::template saved<heads> log_scale;  ///< head by head
  };
  template <class Value>
  using drawn = route_draws<route, Value, heads, head_width>;
  using tables = detail::tables_of_cache<cache, Shape::context>;
  /// What a route keeps of the stream itself is kept once.
  static constexpr bool route_keeps = count_elements<detail::state_of_route<route, shapes<float>, Shape>>() != 0;
  static constexpr extent_t streams = route_keeps ? 1 : tables::streams;
  template <class Plan>
  using shares = join<
      std::conditional_t<drawn<typename Plan::value>::count == 0, type_list<>, type_list<drawn<typename Plan::value>>>,
      typename tables::type>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    detail::initialise_route<route>(parameters);
  }

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    auto& m = v.memory;
    const extent_t tokens = query.count;
    op::append(whole_cache(v.state, run), key, value, run.first, run.backend);
    const auto all_queries = readable(query);
    const auto all_keys = readable(whole_cache(v.state, run));
    for (extent_t h = 0; h < heads; ++h) {
      const auto own_query = m.query.first(tokens), own_mixed = m.mixed.first(tokens);
      const auto own_cache = readable(cache_of(v.state, h, run));
      const auto how = rule<Value>(h);
      auto& plan = m.plans[plans_of<std::remove_reference_t<decltype(m)>> > 1 ? h : 0];
      gather_head(own_query, query, h);
      using cache_type = std::remove_const_t<decltype(own_cache)>;
      using input_type =
          selection_input<Value, cache_type, std::remove_const_t<decltype(how)>, rows<const Value, Shape::query_width>,
                          decltype(all_keys), std::remove_cvref_t<decltype(v.parameters)>,
                          std::remove_reference_t<decltype(v.state.route_part)>>;
      const input_type input{own_query,    own_cache,         how,      h,
                             run.first,    all_queries,       all_keys, drawn_of<Value>(run),
                             v.parameters, v.state.route_part};
      op::select(
          route_selection<route, std::remove_reference_t<decltype(plan)>, decltype(m.work), input_type>{plan, m.work,
                                                                                                        input},
          run.backend);
      op::attend(own_mixed, log_scale<Value>(m, tokens, h), own_query, own_cache, plan.view(), how, run.backend);
      scatter_head(mixed, own_mixed, h);
    }
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width>, rows<Value, Shape::kv_width>,
                                           rows<Value, Shape::query_width>, rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    auto& m = v.memory;
    auto& d = a.memory;
    const extent_t tokens = query.count;
    for (extent_t h = 0; h < heads; ++h) {
      const auto own_query = m.query.first(tokens), own_dmixed = d.mixed.first(tokens);
      const auto own_dquery = d.query.first(tokens);
      gather_head(own_query, query, h);
      gather_head(own_dmixed, dmixed, h);
      gather_head(own_dquery, dquery, h);
      op::attend_backward(own_dquery, cache_of(a.state, h, run), own_dmixed, log_scale<Value>(m, tokens, h), own_query,
                          readable(cache_of(v.state, h, run)), m.plans[h].view(), rule<Value>(h), run.backend);
      scatter_head(dquery, own_dquery, h);
    }
    op::append_backward(readable(whole_cache(a.state, run)), dkey, dvalue, run.first, run.backend);
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return (attend_products<normalisation_of<normaliser>> *
                route::pairs(first, tokens, first + tokens, Shape::context) +
            route::products(first, tokens, first + tokens)) *
           Shape::query_width;
  }

 private:
  template <class Memory>
  static constexpr extent_t plans_of = std::extent_v<decltype(Memory::plans)>;

  using bias = detail::whole_bias<Parts, heads>;
  template <class Value>
  LACUNA_HD static constexpr auto rule(extent_t h) {
    constexpr double factor = detail::score_scale<typename Parts::score>(head_width, Shape::width);
    const auto scale = static_cast<Value>(factor);
    if constexpr (bias::present)
      return score_rule<normaliser, bias_of_head<bias>, Value>{scale, {h, {}}};
    else
      return score_rule<normaliser, no_score_bias, Value>{scale};
  }
  template <class Value, class Run>
  LACUNA_HD static constexpr const Value* drawn_of(const Run& run) {
    if constexpr (drawn<Value>::count == 0)
      return nullptr;
    else
      return run.shared.template get<drawn<Value>>().drawn.data;
  }
  template <class State, class Run>
  LACUNA_HD static constexpr auto cache_of(State& state, extent_t h, const Run& run) {
    using element = std::remove_reference_t<decltype(state.keys[0])>;
    using address = head_address<typename cache::address, kv_heads>;
    return cache_view<element, 1, head_width, address>{
        state.keys.data, state.values.data, {detail::address_in<cache, Shape::context>(run), h / group}};
  }
  template <class State, class Run>
  LACUNA_HD static constexpr auto whole_cache(State& state, const Run& run) {
    return detail::blocks_in<Shape>(state, detail::address_in<cache, Shape::context>(run));
  }
  template <class Value, class Memory>
  LACUNA_HD static constexpr rows<Value, 1> log_scale(Memory& memory, extent_t tokens, extent_t h) {
    if constexpr (requires { memory.log_scale.first(tokens); })
      return {memory.log_scale.data + h * (std::remove_reference_t<decltype(memory.log_scale)>::size / heads), tokens};
    else
      return {nullptr, tokens};
  }
};

LACUNA_END
