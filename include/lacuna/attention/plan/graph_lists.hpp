#pragma once
/// What layers share of a graph that comes at run time: neighbour lists, the block plan that follows from them, and the
/// numbers of its edges.

#include <lacuna/attention/plan/planner.hpp>
#include <lacuna/core/error.hpp>
#include <lacuna/tensor/graph.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

/// Neighbour lists with room for `Edges` edges between `Context` nodes; at first there are none. O(nodes + edges) to
/// assign, whatever the order in which edges are given.
template <extent_t Edges, extent_t Context>
struct graph_lists {
  std::uint32_t begin[Context + 1]{};
  std::uint32_t keys[Edges]{};
  std::uint32_t edges[Edges]{};
  std::uint32_t by_source[Edges]{};  ///< of the graph that was checked last
  std::uint32_t at_node[Context + 1]{};
  extent_t nodes = 0;

  /// Errors: more nodes than the context, more edges than there is room for, a node out of range, an edge that is there
  /// twice. The lists stay as they are.
  template <extent_t EdgeWidth, class Number>
  constexpr status check(const graph<EdgeWidth, Number>& of) {
    if (of.nodes > Context)
      return error(error_kind::length, "lacuna::graph: expected at most ")
             << std::uint64_t{Context} << " nodes (the context), found " << std::uint64_t{of.nodes}
             << " (give the recipe a longer context)";
    if (of.count > Edges)
      return error(error_kind::length, "lacuna::graph: expected at most ")
             << std::uint64_t{Edges} << " edges, found " << std::uint64_t{of.count}
             << " (give the route more room: neighbours<N>)";
    for (extent_t e = 0; e < of.count; ++e)
      if (of.edges[e].target >= of.nodes || of.edges[e].source >= of.nodes)
        return error(error_kind::value, "lacuna::graph: edge ")
               << std::uint64_t{e} << ": expected nodes below " << std::uint64_t{of.nodes} << ", found target "
               << std::uint64_t{of.edges[e].target} << " and source " << std::uint64_t{of.edges[e].source}
               << " (number the nodes from 0)";
    sort_by_source(of);
    // By ascending source, an edge that is there twice follows itself among those of its target.
    for (auto& last : at_node) last = none;
    for (extent_t i = 0; i < of.count; ++i) {
      const edge& now = of.edges[by_source[i]];
      if (const std::uint32_t last = at_node[now.target]; last != none && of.edges[last] == now)
        return error(error_kind::value, "lacuna::graph: edge ")
               << std::uint64_t{by_source[i]} << ": expected each edge once, found target " << std::uint64_t{now.target}
               << " and source " << std::uint64_t{now.source} << " again, as in edge " << std::uint64_t{last}
               << " (leave one of them out)";
      at_node[now.target] = by_source[i];
    }
    return nothing{};
  }
  /// Takes the graph that `check` found right.
  template <extent_t EdgeWidth, class Number>
  constexpr void assign(const graph<EdgeWidth, Number>& of) {
    nodes = of.nodes;
    for (auto& offset : begin) offset = 0;
    for (extent_t e = 0; e < of.count; ++e) ++begin[of.edges[e].target + 1];
    for (extent_t node = 0; node < Context; ++node) begin[node + 1] += begin[node], at_node[node] = begin[node];
    for (extent_t i = 0; i < of.count; ++i) {
      const edge& now = of.edges[by_source[i]];
      const std::uint32_t to = at_node[now.target]++;
      keys[to] = now.source;
      edges[to] = by_source[i];
    }
  }
  /// A stream has a token for each node, once there is a graph; `tokens` are all of them, since graphs see ahead.
  constexpr status fits(extent_t tokens, bool) const {
    if (nodes != 0 && tokens != nodes)
      return error(error_kind::length, "lacuna::forward: expected ")
             << std::uint64_t{nodes} << " tokens, one for each node of the graph, found " << std::uint64_t{tokens}
             << " (assign the graph of these tokens first)";
    return nothing{};
  }
  /// The lists of the first rows; a row behind the last node listens to nobody.
  LACUNA_HD constexpr neighbour_lists view(extent_t rows) const noexcept { return {begin, keys, edges, rows}; }

 private:
  static constexpr std::uint32_t none = 0xffffffffu;

  template <extent_t EdgeWidth, class Number>
  constexpr void sort_by_source(const graph<EdgeWidth, Number>& of) {
    for (auto& offset : at_node) offset = 0;
    for (extent_t e = 0; e < of.count; ++e) ++at_node[of.edges[e].source + 1];
    for (extent_t node = 0; node < Context; ++node) at_node[node + 1] += at_node[node];
    for (extent_t e = 0; e < of.count; ++e) by_source[at_node[of.edges[e].source]++] = static_cast<std::uint32_t>(e);
  }
};

/// The same, and the block plan that kernels read. Every run of the plan and every block of its masks holds an edge at
/// least, which bounds its storage by the number of edges as well as by that of blocks.
template <extent_t Edges, extent_t Context>
struct graph_plan : graph_lists<Edges, Context> {
  static constexpr extent_t groups = groups_of(Context);
  static constexpr extent_t most_blocks = groups * blocks_of(Context);
  static constexpr extent_t most_runs = Edges < most_blocks ? Edges : most_blocks;
  static constexpr extent_t most_spans_of_rows = group_rows * ((Context + 1) / 2);
  static constexpr extent_t most_spans = Edges < most_spans_of_rows ? Edges : most_spans_of_rows;

  std::uint32_t group_begin[groups + 1]{};
  block_run runs[most_runs]{};
  std::uint16_t masks[most_runs * group_rows]{};
  span seen[most_spans]{};  ///< of the group that is being planned
  extent_t queries = 0;
  std::uint64_t visible = 0;

  constexpr void prepare(extent_t, extent_t tokens) {
    detail::plan_sink sink{runs, masks, 0, 0, 0};
    for (extent_t group = 0; group < groups_of(tokens); ++group) {
      group_begin[group] = sink.run_count;
      const extent_t at = group * group_rows;
      const extent_t count = tokens - at < group_rows ? tokens - at : group_rows;
      detail::row_cursor cursors[group_rows]{};
      extent_t used = 0;
      for (extent_t r = 0; r < count; ++r) {
        cursors[r].at = seen + used;
        for (std::uint32_t i = this->begin[at + r]; i < this->begin[at + r + 1]; ++i) {
          const extent_t key = this->keys[i];
          if (key >= tokens) break;
          if (seen + used != cursors[r].at && seen[used - 1].end == key)
            ++seen[used - 1].end;
          else
            seen[used++] = {key, key + 1};
        }
        cursors[r].end = seen + used;
      }
      detail::plan_group(cursors, count, sink);
    }
    group_begin[groups_of(tokens)] = sink.run_count;
    queries = tokens;
    visible = sink.pairs;
  }
  LACUNA_HD constexpr block_plan_view view() const noexcept { return {group_begin, runs, masks, queries, visible, 0}; }
};

namespace rules {
template <bool Fine>
struct edges_have_the_features_that_are_read {
  static_assert(Fine,
                "lacuna::edge_modulated: the graph has no numbers for its edges, or not as many as the score reads "
                "(assign a graph<N> under edge_modulated<N>)");
};
}  // namespace rules

/// The numbers of each edge, `(edges, Width)` in the order in which they were given.
template <class Value, extent_t Edges, extent_t Width>
struct edge_features {
  tensor<Value, Edges, Width> of;

  template <extent_t EdgeWidth, class Number>
  constexpr status check(const graph<EdgeWidth, Number>& from) const {
    static_assert(__is_base_of(nothing, rules::edges_have_the_features_that_are_read < EdgeWidth == Width >) || true);
    if (from.count > 0 && from.features == nullptr)
      return error(error_kind::shape, "lacuna::graph: expected ")
             << std::uint64_t{Width} << " numbers for each of " << std::uint64_t{from.count}
             << " edges, found none (set features)";
    return nothing{};
  }
  template <extent_t EdgeWidth, class Number>
  constexpr void assign(const graph<EdgeWidth, Number>& from) {
    if constexpr (EdgeWidth == Width)
      for (extent_t i = 0; i < from.count * Width; ++i) of[i] = static_cast<Value>(from.features[i]);
  }
};

LACUNA_END
