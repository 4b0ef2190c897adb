#pragma once
/// How centroids of clusters move: the mean of the queries that were nearest to them, averaged over many steps.

#include <lacuna/attention/plan/selected.hpp>
#include <lacuna/attention/route/centroids.hpp>
#include <lacuna/op/select.hpp>
#include <lacuna/op/watch.hpp>

LACUNA_BEGIN

/// How many queries were nearest to each centroid of one attention, and their sums: of the streams since the last
/// update, and averaged over all before, where each centroid starts as a query that was counted once. A trainer owns
/// one per attention with clusters.
///
/// It watches the selections of the attention whose centroids it was made with, known by their address:
/// `centroid_average average(centroids); model.try_forward_watched(watched{model.backend(), average}, tokens, each);`
/// (a forward that learns is not watched), or is shown queries by `observe`.
template <class Element, extent_t Heads, extent_t Clusters, extent_t HeadWidth>
struct centroid_average {
  const Element* centroids;
  double counts[Heads * Clusters]{};
  double sums[Heads * Clusters * HeadWidth]{};
  double new_counts[Heads * Clusters]{};
  double new_sums[Heads * Clusters * HeadWidth]{};

  constexpr explicit centroid_average(const tensor<Element, Heads, Clusters, HeadWidth>& of) noexcept
      : centroids(of.data) {
    for (double& count : counts) count = 1;
    for (extent_t i = 0; i < of.size; ++i) sums[i] = static_cast<double>(widen(of[i]));
  }

  /// Counts queries `(tokens, head_width)` of one head. tokens * Clusters * HeadWidth multiply-adds.
  template <class Value>
  constexpr void observe(extent_t head, rows<const Value, HeadWidth> query) {
    for (extent_t t = 0; t < query.count; ++t) {
      double sum = 0;
      for (extent_t d = 0; d < HeadWidth; ++d) sum += static_cast<double>(query(t, d));
      if (!maths::is_finite(sum)) continue;  // a query that is no number belongs nowhere
      const Element* of_head = centroids + head * Clusters * HeadWidth;
      const extent_t at = head * Clusters + nearest_centroid<Clusters, HeadWidth>(query.row(t), of_head);
      new_counts[at] += 1;
      for (extent_t d = 0; d < HeadWidth; ++d) new_sums[at * HeadWidth + d] += static_cast<double>(query(t, d));
    }
  }
  template <class Backend, class Selection>
  constexpr void after(operation::select, ran_on<Backend>, const Selection& selection) {
    if constexpr (requires { selection.input.parameters.centroids; })
      observe_own(selection.input.parameters.centroids.data, selection.input.head, selection.input.query);
    else if constexpr (requires { selection.centroids; })
      observe_own(selection.centroids, selection.head, selection.query);
  }
  template <class Operation, class Backend, class... Arguments>
  constexpr void after(Operation, ran_on<Backend>, const Arguments&...) {}

 private:
  /// Another attention's heads may be of another width.
  template <class Value, extent_t Columns>
  constexpr void observe_own(const void* of, extent_t head, rows<const Value, Columns> query) {
    if constexpr (Columns == HeadWidth)
      if (of == centroids) observe(head, query);
  }
};

/// Averages what was observed since the last call into what was before, c = decay c + (1 - decay) (new c) for counts
/// and sums alike, and moves every centroid to its sum divided by its count, the counts of a head smoothed by Laplace:
/// (c + 1e-5) / (N + Clusters 1e-5) N with N their sum. Call `model.update()` afterwards. `decay` is 0.999 in the
/// released code, and 0.99 in its settings. A centroid that no query is nearest to stays where it is for some thousand
/// steps, and then shrinks towards 0.
/// Source: Roy et al. (2020), arXiv 2003.05997, section 4.1, as in the released code (the paper has no counts). Its
/// loss that keeps queries near their centroids is not offered.
template <class Element, extent_t Heads, extent_t Clusters, extent_t HeadWidth>
constexpr void update_centroids(tensor<Element, Heads, Clusters, HeadWidth>& centroids,
                                centroid_average<Element, Heads, Clusters, HeadWidth>& average, double decay = 0.999) {
  constexpr double epsilon = 1e-5;
  const auto absorb = [&](double& old, double& added) {
    old = decay * old + (1 - decay) * added;
    added = 0;
  };
  for (extent_t i = 0; i < Heads * Clusters; ++i) absorb(average.counts[i], average.new_counts[i]);
  for (extent_t i = 0; i < centroids.size; ++i) absorb(average.sums[i], average.new_sums[i]);
  for (extent_t h = 0; h < Heads; ++h) {
    double all = 0;
    for (extent_t c = 0; c < Clusters; ++c) all += average.counts[h * Clusters + c];
    for (extent_t c = 0; c < Clusters; ++c) {
      const extent_t at = h * Clusters + c;
      const double count = (average.counts[at] + epsilon) / (all + static_cast<double>(Clusters) * epsilon) * all;
      for (extent_t d = 0; d < HeadWidth; ++d) {
        const double moved = average.sums[at * HeadWidth + d] / count;
        centroids[at * HeadWidth + d] = static_cast<Element>(static_cast<compute_t<Element>>(moved));
      }
    }
  }
}

LACUNA_END
