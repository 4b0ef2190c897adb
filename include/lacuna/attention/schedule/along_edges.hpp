#pragma once
/// Attention edge by edge, where each edge of a graph has a say in the score.

#include <lacuna/attention/plan/graph_lists.hpp>
#include <lacuna/attention/schedule/planned_tiles.hpp>
#include <lacuna/format/dense.hpp>
#include <lacuna/op/attend_edges.hpp>
#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct edges_belong_to_a_graph {
  static_assert(Fine,
                "lacuna::edge_modulated: the route has no edges (use neighbours<N> with it, or a dot product with this "
                "route)");
};
template <bool Fine>
struct edges_know_no_bias {
  static_assert(Fine,
                "lacuna::edge_modulated: nodes of a graph have no distance to add a bias for (leave the position out, "
                "or use a dot product with it)");
};
template <bool Fine>
struct edges_take_one_pass {
  static_assert(Fine,
                "lacuna::edge_modulated: the normaliser needs the whole row first (use clamped_softmax<>, softmax or "
                "softmax1 with it)");
};
template <bool Fine>
struct edges_need_no_cache {
  static_assert(Fine, "lacuna::edge_modulated: a graph is taken at once, without a cache (leave the cache out)");
};
}  // namespace rules

namespace detail {

/// The room for edges of a graph's route; of one that is none, after the complaint.
template <class Route>
constexpr extent_t room_for_edges() {
  if constexpr (requires { Route::room; })
    return Route::room;
  else
    return 1;
}

}  // namespace detail

/// See planned_tiles.hpp for what a schedule is. No state. Memory: two numbers per edge and column, which are the
/// modulation and the terms; the terms of a layer go to whoever watches `operation::attend_edges`.
template <class Shape, class Parts, extent_t EdgeWidth>
struct along_edges {
  using route = typename Parts::route;
  using normaliser = typename Parts::normaliser;
  static constexpr extent_t heads = Shape::heads, query_width = Shape::query_width;
  static constexpr extent_t room = detail::room_for_edges<route>();
  static constexpr bool sees_ahead = true;
  static constexpr bool forgets = false;
  static constexpr bool one_pass = normalisation_of<normaliser> == normalisation::one_pass;
  static constexpr schedule_choice chosen{schedule::along_edges,
                                          "edges bend the product of query and key: edge by edge"};
  using bias = typename detail::score_bias_of<typename Parts::position, heads>::type;
  static_assert(__is_base_of(nothing, rules::edges_belong_to_a_graph<is_assigned_route<route>>) || true);
  static_assert(__is_base_of(nothing, rules::edges_know_no_bias<!bias::present>) || true);
  static_assert(__is_base_of(nothing, rules::edges_take_one_pass<one_pass>) || true);
  static_assert(__is_base_of(nothing, rules::edges_need_no_cache<same<typename Parts::cache, linear_cache>>) || true);
  using edge_map = typename dense::template bound<query_width, EdgeWidth>;

  template <class Role>
  struct parameters {
    typename edge_map::template parameters<Role> edge;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("edge", s.edge...);
    }
  };
  template <class Role>
  struct state : no_tensors<along_edges> {};
  template <class Plan>
  struct memory {
    using value = typename Plan::value;
    using lists = graph_lists<room, Shape::context>;
    using features = edge_features<value, room, EdgeWidth>;
    tensor<value, room, query_width> modulation;
    tensor<value, room, query_width> terms;
    typename Plan::template buffer<heads> log_scale;
  };
  template <class Plan>
  using shares = type_list<typename memory<Plan>::lists, typename memory<Plan>::features>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, query_width> query, rows<Value, Shape::kv_width> key,
                                          rows<Value, Shape::kv_width> value, rows<Value, query_width> mixed,
                                          const Run& run) {
    auto& m = v.memory;
    const auto in = inputs(m, query, key, value, run);
    const extent_t edges = in.lists.count();
    op::multiply(m.modulation.first(edges), features_of(m, edges, run), v.parameters.edge.weight, nothing{},
                 run.backend);
    op::attend_edges(mixed, m.log_scale.first(query.count), m.terms.first(edges), in, rule<Value>(), run.backend);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, query_width> query,
                                           rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                           rows<Value, query_width>, rows<Value, query_width> dmixed,
                                           rows<Value, query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    auto& m = v.memory;
    const auto in = inputs(m, query, key, value, run);
    const extent_t edges = in.lists.count();
    const auto dmodulation = a.memory.modulation.first(edges);
    dmodulation.fill(0);
    const edge_adjoints<Value, query_width, Shape::kv_width> to{dquery, dkey, dvalue, dmodulation};
    op::attend_edges_backward(to, dmixed, m.log_scale.first(query.count), m.terms.first(edges), in, rule<Value>(),
                              run.backend);
    op::accumulate_outer(a.gradients.edge.weight, dmodulation, features_of(m, edges, run), run.backend);
  }
  /// At most, with all the room for edges in use.
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    if constexpr (is_assigned_route<route>)
      return pairs<route>(first, tokens, first + tokens) * query_width * (EdgeWidth + 3);
    else
      return 0;
  }

 private:
  template <class Value>
  LACUNA_HD static constexpr auto rule() {
    constexpr double scale = detail::score_scale<typename Parts::score>(Shape::head_width, Shape::width);
    return score_rule<normaliser, no_score_bias, Value>{static_cast<Value>(scale)};
  }
  template <class Memory, class Value, class Run>
  LACUNA_HD static constexpr auto inputs(const Memory& memory, rows<Value, query_width> query,
                                         rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                         const Run& run) {
    const auto lists = run.shared.template get<typename Memory::lists>().view(query.count);
    return edge_inputs<Value, query_width, Shape::kv_width>{query, key, value, memory.modulation.first(lists.count()),
                                                            lists};
  }
  template <class Memory, class Run>
  LACUNA_HD static constexpr auto features_of(const Memory&, extent_t edges, const Run& run) {
    return run.shared.template get<typename Memory::features>().of.first(edges);
  }
};

LACUNA_END
