#pragma once
/// Search in a graph that is written into the input: which vertex comes next on a path to the goal.

#include <lacuna/core/slots.hpp>
#include <lacuna/task/example.hpp>
#include <lacuna/task/search_graph.hpp>

LACUNA_BEGIN

namespace task {

/// The law by which graphs are drawn.
enum class graph_law : std::uint8_t {
  crafted,  ///< with a lookahead that is uniform from 0 to the largest (the paper's balanced distribution)
  simple,   ///< a random acyclic graph (the paper's naive distribution)
  star,     ///< paths of one length out of the start
};

/// Where on the path to the goal the question is asked.
enum class path_place : std::uint8_t {
  start,     ///< the input ends with the start
  anywhere,  ///< with some first vertices of a shortest path, uniformly many
};

/// The most edges (and vertices) of a graph, its law, the largest lookahead, and the place of the question.
struct search_options {
  extent_t edges = 8;
  extent_t lookahead = 3;
  graph_law graphs = graph_law::crafted;
  path_place asked_at = path_place::start;

  constexpr bool fit() const noexcept {
    return edges >= 4 && edges <= 128 &&
           (graphs == graph_law::simple || (2 * lookahead < edges && (lookahead > 0 || graphs != graph_law::star)));
  }
};

}  // namespace task

namespace rules {
template <bool Fit>
struct search_options_fit {
  static_assert(
      Fit,
      "lacuna::task::graph_search: no such graph has so few edges (choose 4 to 128 edges, more than twice the "
      "lookahead, and for stars lookahead > 0)");
};
}  // namespace rules

namespace task {

/// `EDGE u v ... QUERY start goal PATH start ...`, padded on the left to 3 edges + 5 tokens; the target behind the last
/// token is a child of the current vertex that reaches the goal, uniformly drawn among those, and counts alone. Every
/// such child is right (`accepts`). Vertices have the ids 1 to edges, shuffled; then come `path`, `edge`, `pad` and
/// `query`; 0 is reserved. Edges are shuffled.
///
/// crafted: a lookahead l is drawn from 0 to the largest, and graphs until one asks for just l: the start has 2 to
/// (edges - 1) / l paths, the one to the goal of length l, others of l or l + 1; a chain of random length leads into
/// the start; what is left of min(l paths + 1 + U{0..5}, edges) vertices is attached with up to 3 children and up to 3
/// parents, drawn with weights 1/2 + degree and without cycles. A graph with too many edges is drawn again. simple: 3
/// to edges - 1 vertices, each with one parent or, half of the time, 1 to 3 of them; a start and a goal that it
/// reaches. star: 2 to (edges - 1) / l paths of length l, l from 1 to the largest lookahead.
///
/// Source: Saparov et al. (2024), "Transformers struggle to learn to search", arXiv 2412.04703, sections 3 and 4, and
/// its released code. Differences: there the lookahead of each shortest path is measured apart and whole data sets are
/// balanced, here it is the least over the shortest paths, and each example by itself has its law; the degrees that
/// weigh are those of the graph as it is; with `path_place::anywhere` a graph's lookahead is l or more. Inputs that
/// training must not see: `without_held_out`.
template <search_options Options = search_options{}>
struct graph_search {
  static_assert(__is_base_of(nothing, rules::search_options_fit<Options.fit()>) || true);
  static constexpr search_options options = Options.fit() ? Options : search_options{};
  static constexpr extent_t most = options.edges;
  static constexpr extent_t vocabulary = most + 5;
  static constexpr extent_t length = 3 * most + 5;
  static constexpr std::uint32_t path = static_cast<std::uint32_t>(most + 1);
  static constexpr std::uint32_t edge = path + 1;
  static constexpr std::uint32_t pad = path + 2;
  static constexpr std::uint32_t query = path + 3;
  using graph_type = search_graph<most>;

  /// A graph and the vertex at which the question is asked.
  struct question {
    graph_type graph;
    extent_t current = 0;

    /// How far one has to look ahead.
    constexpr extent_t lookahead() const noexcept { return graph.lookahead(current); }
    /// How often a child that is drawn uniformly is right: what a model has to beat.
    constexpr double chance() const noexcept {
      const extent_t children = graph.children(current);
      return children == 0 ? 0.0 : static_cast<double>(graph.useful_children(current)) / static_cast<double>(children);
    }
  };

  static constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<length>& into) noexcept {
    random_numbers random(seed, number);
    const auto wanted =
        static_cast<extent_t>(random.between(options.graphs == graph_law::star ? 1 : 0, options.lookahead));
    while (!try_sample(random, wanted, into)) {
    }
  }
  static constexpr bool accepts(const token_example<length>& example, extent_t at, std::uint32_t token) noexcept {
    const question asked = read(example);
    return at == length - 1 && token >= 1 && token <= most && asked.graph.useful(asked.current, token - 1);
  }
  /// The question that the tokens of an example ask; vertex v has the id v + 1.
  static constexpr question read(const token_example<length>& example) noexcept {
    question asked;
    asked.graph.vertices = most;
    for (extent_t t = 0; t + 2 < length; ++t) {
      if (example.tokens[t] == edge) asked.graph.child[example.tokens[t + 1] - 1][example.tokens[t + 2] - 1] = true;
      if (example.tokens[t] == query) {
        asked.graph.start = example.tokens[t + 1] - 1;
        asked.graph.goal = example.tokens[t + 2] - 1;
      }
    }
    asked.current = example.tokens[length - 1] - 1;
    return asked;
  }

 private:
  /// Draws one graph, a path and a place on it; false where they do not fit the law or the length.
  static constexpr bool try_sample(random_numbers& random, extent_t wanted, token_example<length>& into) noexcept {
    graph_type graph;
    if (options.graphs == graph_law::crafted)
      draw_crafted(random,
                   options.asked_at == path_place::start
                       ? wanted
                       : static_cast<extent_t>(random.between(wanted, options.lookahead)),
                   graph);
    else if (options.graphs == graph_law::simple)
      draw_simple(random, graph);
    else
      draw_star(random, wanted, graph);
    const auto left = graph.distances_to(graph.goal);
    const extent_t steps = left.to[graph.start], edges = graph.edges();
    if (steps == 0 || steps == most || edges > most) return false;
    const extent_t place = options.asked_at == path_place::start ? 0 : static_cast<extent_t>(random.below(steps));
    const extent_t used = 3 * edges + 4 + place + 1;
    if (used > length) return false;

    extent_t walked[most]{};
    walked[0] = graph.start;
    for (extent_t i = 0; i < place; ++i) {
      bool nearer[most]{};
      for (extent_t v = 0; v < graph.vertices; ++v)
        nearer[v] = graph.child[walked[i]][v] && left.to[v] + 1 == left.to[walked[i]];
      walked[i + 1] = pick(random, nearer);
    }
    const extent_t current = walked[place];
    if (options.graphs == graph_law::crafted && graph.lookahead(current) != wanted) return false;

    std::uint32_t ids[most]{};
    for (extent_t v = 0; v < most; ++v) ids[v] = static_cast<std::uint32_t>(v + 1);
    random.shuffle(ids, most);
    struct pair {
      std::uint32_t from, to;
    };
    pair listed[most]{};
    extent_t count = 0;
    bool right[most]{};
    for (extent_t u = 0; u < graph.vertices; ++u)
      for (extent_t v = 0; v < graph.vertices; ++v)
        if (graph.child[u][v]) {
          listed[count++] = {ids[u], ids[v]};
          right[v] = right[v] || (u == current && left.to[v] < most);
        }
    random.shuffle(listed, count);

    into = {};
    extent_t at = 0;
    while (at < length - used) into.tokens[at++] = pad;
    for (extent_t i = 0; i < count; ++i) {
      into.tokens[at++] = edge;
      into.tokens[at++] = listed[i].from;
      into.tokens[at++] = listed[i].to;
    }
    into.tokens[at++] = query;
    into.tokens[at++] = ids[graph.start];
    into.tokens[at++] = ids[graph.goal];
    into.tokens[at++] = path;
    for (extent_t i = 0; i <= place; ++i) into.tokens[at++] = ids[walked[i]];
    into.targets[length - 1] = ids[pick(random, right)];
    into.counts[length - 1] = 1;
    return true;
  }

  static constexpr void draw_crafted(random_numbers& random, extent_t ahead, graph_type& graph) noexcept {
    const auto paths = static_cast<extent_t>(ahead == 0 ? 1 : random.between(2, (most - 1) / ahead));
    const extent_t least = ahead == 0 ? 2 : ahead * paths + 1;
    auto count = static_cast<extent_t>(ahead * paths + 1 + random.below(6));
    count = count < least ? least : count > most ? most : count;
    graph.vertices = count;
    extent_t used = 1;
    const auto add_path = [&](extent_t steps) {
      for (extent_t i = 0; i < steps; ++i, ++used) graph.child[i == 0 ? 0 : used - 1][used] = true;
    };
    add_path(ahead == 0 ? 1 : ahead);
    graph.goal = used - 1;
    for (extent_t rest = paths - 1; rest > 0; --rest)
      add_path(ahead + static_cast<extent_t>(count - used > rest * ahead ? random.below(2) : 0));
    const auto chain = static_cast<extent_t>(random.between(0, count - used));
    for (extent_t i = 0; i < chain; ++i, ++used) graph.child[used][i == 0 ? 0 : used - 1] = true;
    for (; used < count; ++used) attach(random, used, graph);
  }
  /// Ties a new vertex to those before it.
  static constexpr void attach(random_numbers& random, extent_t added, graph_type& graph) noexcept {
    auto children = static_cast<extent_t>(random.between(0, 3));
    auto parents = static_cast<extent_t>(random.between(children == 0 ? 1 : 0, 3));
    std::uint64_t weights[most]{};
    for (extent_t v = 0; v < added; ++v) weights[v] = 1 + 2 * graph.parents(v);
    for (; children > 0; --children) {
      const extent_t v = pick(random, weights);
      if (v == most) break;
      graph.child[added][v] = true;
      weights[v] = 0;
    }
    // A parent that the new vertex reaches would close a cycle.
    for (extent_t v = 0; v < added; ++v) weights[v] = graph.reaches(added, v) ? 0 : 1 + 2 * graph.children(v);
    for (; parents > 0; --parents) {
      const extent_t u = pick(random, weights);
      if (u == most) break;
      graph.child[u][added] = true;
      weights[u] = 0;
    }
  }
  static constexpr void draw_simple(random_numbers& random, graph_type& graph) noexcept {
    graph.vertices = static_cast<extent_t>(random.between(3, most - 1));
    for (extent_t v = 1; v < graph.vertices; ++v) {
      auto parents = static_cast<extent_t>(random.below(2) == 0 ? 1 : random.between(1, 3));
      bool free[most]{};
      for (extent_t u = 0; u < v; ++u) free[u] = true;
      for (parents = parents < v ? parents : v; parents > 0; --parents) {
        const extent_t u = pick(random, free);
        graph.child[u][v] = true;
        free[u] = false;
      }
    }
    graph.start = static_cast<extent_t>(random.below(graph.vertices));
    graph.goal = static_cast<extent_t>(random.below(graph.vertices - 1));
    if (graph.goal >= graph.start) ++graph.goal;
  }
  static constexpr void draw_star(random_numbers& random, extent_t steps, graph_type& graph) noexcept {
    const auto paths = static_cast<extent_t>(random.between(2, (most - 1) / steps));
    graph.vertices = paths * steps + 1;
    for (extent_t v = 1; v < graph.vertices; ++v) graph.child[(v - 1) % steps == 0 ? 0 : v - 1][v] = true;
    graph.goal = steps;
  }

  /// One of the items, with these weights (truth counts as 1); `most` where all are 0.
  template <class Weight>
  static constexpr extent_t pick(random_numbers& random, const Weight (&weights)[most]) noexcept {
    std::uint64_t sum = 0;
    for (const Weight each : weights) sum += static_cast<std::uint64_t>(each);
    if (sum == 0) return most;
    std::uint64_t drawn = random.below(sum);
    extent_t at = 0;
    for (; drawn >= static_cast<std::uint64_t>(weights[at]); ++at) drawn -= static_cast<std::uint64_t>(weights[at]);
    return at;
  }
};

}  // namespace task

LACUNA_END
