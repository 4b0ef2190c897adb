#pragma once
/// Centroids of clusters: one direction per head and cluster, compared with queries.

#include <lacuna/core/maths.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// What centroids are drawn from: `k_means<16, causal, centroid_seed{7}>`.
struct centroid_seed {
  std::uint64_t value = 0;
  constexpr explicit centroid_seed(std::uint64_t of = 0) : value(of) {}
  constexpr bool operator==(const centroid_seed&) const = default;
};

/// Parameters that a choice rests on, and so without gradient (theirs stays 0): `update_centroids` moves them. Path:
/// `centroids`, (heads, clusters, head_width).
template <class Role, extent_t Heads, extent_t Clusters, extent_t HeadWidth>
struct centroid_parameters {
  static constexpr bool learns_by_gradient = false, begins_drawn = true;
  typename Role::template tensor<Heads, Clusters, HeadWidth> centroids;
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    v("centroids", s.centroids...);
  }
};

/// Normal numbers, each centroid less its mean and divided by its deviation, as queries of
/// `shared_query_key<shared_form::normalised>` are.
template <class Element, extent_t Heads, extent_t Clusters, extent_t HeadWidth>
LACUNA_HD constexpr void draw_centroids(tensor<Element, Heads, Clusters, HeadWidth>& to, centroid_seed seed) {
  for (extent_t i = 0; i < Heads * Clusters; ++i) {
    double drawn[HeadWidth]{}, mean = 0, variance = 0;
    for (extent_t d = 0; d < HeadWidth; ++d) mean += drawn[d] = random_normal(seed.value, 0, i * HeadWidth + d);
    mean /= static_cast<double>(HeadWidth);
    for (const double of : drawn) variance += (of - mean) * (of - mean);
    const double deviation = maths::sqrt(variance / static_cast<double>(HeadWidth) + 1e-6);
    for (extent_t d = 0; d < HeadWidth; ++d)
      to[i * HeadWidth + d] = static_cast<Element>(static_cast<compute_t<Element>>((drawn[d] - mean) / deviation));
  }
}

/// query . centroid, both of `HeadWidth` numbers.
template <extent_t HeadWidth, class Value, class Element>
LACUNA_HD constexpr Value centroid_affinity(const Value* query, const Element* centroid) {
  Value sum = 0;
  for (extent_t d = 0; d < HeadWidth; ++d) sum += query[d] * static_cast<Value>(widen(centroid[d]));
  return sum;
}

/// The one of `Clusters` centroids of a head that has the largest product with a query; the first of equal ones, and
/// where no product is a number.
template <extent_t Clusters, extent_t HeadWidth, class Value, class Element>
LACUNA_HD constexpr extent_t nearest_centroid(const Value* query, const Element* centroids) {
  Value best = -maths::infinity<Value>();
  extent_t at = 0;
  for (extent_t c = 0; c < Clusters; ++c) {
    const Value along = centroid_affinity<HeadWidth>(query, centroids + c * HeadWidth);
    if (along > best) best = along, at = c;
  }
  return at;
}

LACUNA_END
