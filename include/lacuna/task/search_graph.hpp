#pragma once
/// Small directed graphs with a start and a goal: who reaches whom, and how far one has to look ahead.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

namespace task {

/// A directed graph of at most `Most` vertices. All questions cost at most Most^2 steps, by breadth first search.
template <extent_t Most>
struct search_graph {
  extent_t vertices = 0;
  extent_t start = 0;
  extent_t goal = 0;
  bool child[Most][Most]{};  ///< child[u][v]: there is an edge from u to v

  constexpr extent_t edges() const noexcept {
    extent_t sum = 0;
    for (extent_t u = 0; u < vertices; ++u) sum += children(u);
    return sum;
  }
  constexpr extent_t children(extent_t u) const noexcept {
    extent_t sum = 0;
    for (extent_t v = 0; v < vertices; ++v) sum += child[u][v] ? 1 : 0;
    return sum;
  }
  constexpr extent_t parents(extent_t v) const noexcept {
    extent_t sum = 0;
    for (extent_t u = 0; u < vertices; ++u) sum += child[u][v] ? 1 : 0;
    return sum;
  }

  /// How many edges each vertex is from `to`; `Most` where no path leads there (no path is that long).
  struct distances {
    extent_t to[Most]{};
  };
  constexpr distances distances_to(extent_t to) const noexcept {
    distances found;
    for (extent_t& each : found.to) each = Most;
    extent_t queue[Most]{};
    extent_t first = 0, behind = 0;
    queue[behind++] = to;
    found.to[to] = 0;
    while (first < behind) {
      const extent_t v = queue[first++];
      for (extent_t u = 0; u < vertices; ++u)
        if (child[u][v] && found.to[u] == Most) {
          found.to[u] = found.to[v] + 1;
          queue[behind++] = u;
        }
    }
    return found;
  }
  constexpr bool reaches(extent_t from, extent_t to) const noexcept { return distances_to(to).to[from] < Most; }
  /// Whether `next` is a step from `from` that leads to the goal, by whatever way.
  constexpr bool useful(extent_t from, extent_t next) const noexcept {
    return child[from][next] && reaches(next, goal);
  }
  constexpr extent_t useful_children(extent_t from) const noexcept {
    const distances left = distances_to(goal);
    extent_t sum = 0;
    for (extent_t v = 0; v < vertices; ++v) sum += child[from][v] && left.to[v] < Most ? 1 : 0;
    return sum;
  }
  constexpr bool has_cycle() const noexcept {
    for (extent_t u = 0; u < vertices; ++u)
      for (extent_t v = 0; v < vertices; ++v)
        if (child[u][v] && reaches(v, u)) return true;
    return false;
  }

  /// How many levels a breadth first search goes down from `from` until it knows that `right` is the child to take: all
  /// vertices of its frontier descend from `right`, or the goal was in it. A vertex that both sides reach at the same
  /// level descends from `right`.
  constexpr extent_t lookahead(extent_t from, extent_t right) const noexcept {
    bool seen[Most]{}, frontier[Most]{}, descends[Most]{};
    for (extent_t v = 0; v < vertices; ++v) {
      frontier[v] = seen[v] = child[from][v];
      descends[v] = v == right;
    }
    for (extent_t level = 0;; ++level) {
      bool decided = true;
      for (extent_t v = 0; v < vertices; ++v) decided = decided && (!frontier[v] || descends[v]);
      if (decided) return level;
      if (frontier[goal]) return level + 1;
      bool next[Most]{}, next_descends[Most]{};
      for (extent_t u = 0; u < vertices; ++u)
        for (extent_t v = 0; v < vertices; ++v)
          if (frontier[u] && child[u][v] && (next[v] || !seen[v])) {
            seen[v] = next[v] = true;
            next_descends[v] = next_descends[v] || descends[u];
          }
      for (extent_t v = 0; v < vertices; ++v) {
        frontier[v] = next[v];
        descends[v] = next_descends[v];
      }
    }
  }
  /// The least lookahead of a child of `from` that begins a shortest path to the goal; 0 where none leads there.
  constexpr extent_t lookahead(extent_t from) const noexcept {
    const distances left = distances_to(goal);
    extent_t least = Most;
    for (extent_t v = 0; v < vertices; ++v)
      if (child[from][v] && left.to[v] < Most && left.to[v] + 1 == left.to[from]) {
        const extent_t levels = lookahead(from, v);
        least = levels < least ? levels : least;
      }
    return least == Most ? 0 : least;
  }
};

}  // namespace task

LACUNA_END
