#pragma once
/// Every row sees the rows that a graph lets it listen to: a route that comes at run time.

#include <lacuna/attention/plan/graph_lists.hpp>
#include <lacuna/attention/schedule/planned_tiles.hpp>

LACUNA_BEGIN

namespace rules {
template <extent_t Edges>
struct neighbours_have_room {
  static_assert(Edges > 0, "lacuna::neighbours: there is room for no edge (choose neighbours<N> with N > 0)");
};
template <bool Fine>
struct nodes_have_no_distance {
  static_assert(Fine,
                "lacuna::neighbours: nodes of a graph have no distance that a position could bias scores by (leave the "
                "position out, or use laplacian_position in the decoder)");
};
}  // namespace rules

/// Row i sees row j where the graph has the edge {i, j}: itself only where it has {i, i}. The graph is given to the
/// model, `model.try_assign(graph<>{nodes, edges, count})`, and holds until the next one; before the first, rows see
/// nothing. All layers share it. A row that sees nothing gives 0 and gradient 0. Room for `Edges` edges; the stream is
/// taken at once. 2 edges heads head_width multiply-adds.
/// Source: Dwivedi and Bresson (2020), arXiv 2012.09699, the graph Transformer layer.
template <extent_t Edges>
struct neighbours {
  static_assert(__is_base_of(nothing, rules::neighbours_have_room<Edges>) || true);
  using slot = slots::route;
  static constexpr auto name = fixed_string("neighbours<") + decimal<Edges>() + ">";
  static constexpr bool sees_ahead = true;
  static constexpr extent_t room = Edges == 0 ? 1 : Edges;

  template <extent_t Tokens, extent_t Context>
  using plan = graph_plan<room, Context>;
  /// The most pairs that there can be; how many there are, the graph says.
  static constexpr std::uint64_t pairs(extent_t, extent_t tokens, extent_t keys) {
    return std::uint64_t{tokens} * keys < room ? std::uint64_t{tokens} * keys : room;
  }

  template <class Shape, class Parts>
  struct schedule : planned_tiles<Shape, Parts> {
    static_assert(__is_base_of(nothing,
                               rules::nodes_have_no_distance<
                                   !detail::score_bias_of<typename Parts::position, Shape::heads>::type::present>) ||
                  true);
    static constexpr schedule_choice chosen{planned_tiles<Shape, Parts>::chosen.what,
                                            "plain dot product over the edges of a graph that comes at run time"};
  };
};

LACUNA_END
