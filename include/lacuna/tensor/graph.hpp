#pragma once
/// Graphs that come at run time, as views: edges between the tokens of a stream, numbers of each edge and each node.

#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

/// Node `target` listens to node `source`. An undirected edge is two of these.
struct edge {
  std::uint32_t target = 0;
  std::uint32_t source = 0;
  constexpr bool operator==(const edge&) const = default;
};

/// `count` edges between `nodes` nodes, in any order, each at most once; and `(count, EdgeWidth)` numbers in the order
/// of the edges, where layers read them (`edge_modulated<EdgeWidth>`).
template <extent_t EdgeWidth = 0, class Number = float>
struct graph {
  extent_t nodes = 0;
  const edge* edges = nullptr;
  extent_t count = 0;
  const Number* features = nullptr;
};

/// `(nodes, Columns)` numbers that tell nodes where they are (`laplacian_position<Columns>`).
template <extent_t Columns, class Number = float>
struct node_positions {
  rows<const Number, Columns> of;
  constexpr explicit node_positions(rows<const Number, Columns> from) noexcept : of(from) {}
};

/// A graph as kernels read it: row r listens to `keys[begin[r]]`, ..., `keys[begin[r + 1] - 1]`, ascending; `edges` has
/// the number that each of these edges had when the graph was given.
struct neighbour_lists {
  const std::uint32_t* begin = nullptr;
  const std::uint32_t* keys = nullptr;
  const std::uint32_t* edges = nullptr;
  extent_t rows = 0;

  /// Edges of all rows.
  LACUNA_HD constexpr extent_t count() const noexcept { return begin[rows] - begin[0]; }
};

LACUNA_END
