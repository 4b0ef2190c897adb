#pragma once
/// The score of a graph whose edges have features.

#include <lacuna/attention/schedule/along_edges.hpp>
#include <lacuna/attention/score/dot.hpp>

LACUNA_BEGIN

namespace rules {
template <extent_t EdgeWidth>
struct edges_have_features {
  static_assert(
      EdgeWidth > 0,
      "lacuna::edge_modulated: edges have no feature (choose edge_modulated<N> with N > 0, or a dot product)");
};
}  // namespace rules

/// s = sum of the columns of t = (q * k) / sqrt(head width) * (E e), column by column, where e are the features of the
/// edge and E is learned: under `neighbours<N>`, with a `graph<EdgeWidth>` assigned to the model. Features are inputs:
/// one-hot rows make E a table of edge types; no gradient reaches them.
///
/// edges * heads * head_width * (EdgeWidth + 3) multiply-adds. Path: `edge.weight` `(heads * head_width, EdgeWidth)`,
/// kept dense. The released code adds 1e-6 to the sum of weights, which is left out here, as in the paper; it has E's
/// bias off.
/// Source: Dwivedi and Bresson (2020), arXiv 2012.09699, the layer with edge features. Their edge stream, which takes t
/// from layer to layer, is not part of this: t is shown to watchers of `operation::attend_edges`.
template <extent_t EdgeWidth>
struct edge_modulated {
  static_assert(__is_base_of(nothing, rules::edges_have_features<EdgeWidth>) || true);
  using slot = slots::score;
  static constexpr auto name = fixed_string("edge_modulated<") + decimal<EdgeWidth>() + ">";
  static constexpr bool brings_schedule = true;

  static constexpr double scale(extent_t head_width) { return dot::scale(head_width); }
  template <class Shape, class Parts>
  using schedule = along_edges<Shape, Parts, (EdgeWidth == 0 ? 1 : EdgeWidth)>;
};

LACUNA_END
