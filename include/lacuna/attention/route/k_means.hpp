#pragma once
/// Tokens see those of their own cluster; a token's cluster depends on nothing else.

#include <lacuna/attention/plan/selected.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/centroids.hpp>
#include <lacuna/attention/route/full.hpp>

LACUNA_BEGIN

namespace rules {
template <extent_t Clusters>
struct clusters_are_some {
  static_assert(Clusters > 0,
                "lacuna::k_means: no clusters (write k_means<N> with N > 0, often the root of the context)");
};
}  // namespace rules

/// A token belongs to the centroid with which its query has the largest product, the first of equal ones; a row sees
/// those keys that `Candidates` shows and whose tokens belong to the same. Clusters are as large as it happens. Per
/// head. Meant for `shared_query_key<shared_form::normalised>` with `plain_dot`, where queries are keys; with separate
/// projections a token's query decides for its key, too.
///
/// What a row sees depends on nothing behind it if `Candidates` does not: streams continue. The state remembers the
/// cluster of every token, heads * context numbers. O(tokens * clusters * head_width) to choose, and a comparison per
/// row and candidate. Plans keep up to context^2 / 4 bytes per head where backward reads them. The choice has no
/// gradient, and neither have centroids: `update_centroids` moves them.
/// Source: Roy et al. (2020), arXiv 2003.05997, section 4.1; assignment by the largest product, as the paper and the
/// released code do it for the update of centroids (for attention both let each centroid take as many tokens:
/// `balanced_k_means`, whose choice sees the future).
template <extent_t Clusters, class Candidates = causal, centroid_seed Seed = centroid_seed{}>
struct k_means {
  static_assert(__is_base_of(nothing, rules::clusters_are_some<Clusters>) || true);
  using slot = slots::route;
  using candidates = combined_route<Candidates>;
  static constexpr auto name = fixed_string("k_means<") + decimal<Clusters>() + ", " + candidates::name + ">";
  static constexpr extent_t clusters = Clusters == 0 ? 1 : Clusters;
  static constexpr bool sees_ahead = route_sees_ahead<candidates>;

  /// Keys side by side are one span.
  static constexpr extent_t most(extent_t context) { return (context + 1) / 2; }
  /// At most: the tokens decide.
  static constexpr std::uint64_t pairs(extent_t first, extent_t tokens, extent_t keys, extent_t) {
    return lacuna::pairs<candidates>(first, tokens, keys);
  }
  LACUNA_HD static constexpr std::uint64_t products(extent_t, extent_t tokens, extent_t) {
    return std::uint64_t{tokens} * clusters;
  }

  template <class Role, class Shape>
  using parameters = centroid_parameters<Role, Shape::heads, clusters, Shape::head_width>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    draw_centroids(parameters.centroids, Seed);
  }
  /// The cluster of each token of the stream, head by head, as a number of the element type.
  template <class Role, class Shape>
  struct state {
    typename Role::template tensor<Shape::heads, Shape::context> cluster;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("cluster", s.cluster...);
    }
  };

  template <class Value, extent_t Tokens, class Shape>
  struct workspace {
    static constexpr extent_t context = Shape::context;
  };
  template <class Workspace, class Input>
  LACUNA_HD static constexpr void start(Workspace&, const Input& input) {
    constexpr extent_t width = Input::key_columns;
    auto* cluster = input.state.cluster.data + input.head * Workspace::context + input.first;
    const auto* centroids = input.parameters.centroids.data + input.head * clusters * width;
    for (extent_t t = 0; t < input.query.count; ++t)
      cluster[t] = static_cast<typename Input::value>(nearest_centroid<clusters, width>(input.query.row(t), centroids));
  }
  template <class Workspace, class Input, extent_t Most>
  LACUNA_HD static constexpr void row(Workspace&, const Input& input, extent_t t, spans<Most>& to) {
    const auto* cluster = input.state.cluster.data + input.head * Workspace::context;
    const auto own = cluster[input.first + t];
    const auto visible = candidates::spans(input.first + t, input.keys());
    for (extent_t s = 0; s < visible.count; ++s)
      for (extent_t key = visible.items[s].begin; key < visible.items[s].end && key < input.keys(); ++key)
        if (cluster[key] == own) to.add(key, key + 1);
  }
};

LACUNA_END
