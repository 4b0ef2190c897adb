#pragma once
/// How much each sublayer adds to its stream: where a stream passes a sublayer by.
///
/// Source: Ren and Liu (2025), arXiv 2504.18929, who find that larger models pass attention by; the two measures are
/// ours.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/watch.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct some_sublayer_is_watched {
  static_assert(Fine, "lacuna::residual_counter: it watches no sublayer (write residual_counter<2 * layers>)");
};
}  // namespace rules

/// Means over tokens, of one sublayer.
struct residual_share {
  double ratio = 0;   ///< |y| / |x| of what it adds to what it is added to
  double cosine = 0;  ///< between the stream before and behind it: 1 where it changes nothing
};

/// Watches the sums x + f(x) of `Sublayers` sublayers in order (attention, feed-forward, attention, ...) of blocks with
/// `pre_norm`, `peri_norm`, `output_norm` or `post_norm`; where the norm is behind the sum, x was normalised and ratios
/// of other blocks do not compare. `parallel` and `deep_norm` are not seen, and sublayers that are skipped do not
/// count: `complete()` says whether as many sums came as there should have been.
template <extent_t Sublayers>
struct residual_counter {
  static_assert(__is_base_of(nothing, rules::some_sublayer_is_watched<(Sublayers > 0)>) || true);
  static constexpr extent_t count = Sublayers > 0 ? Sublayers : 1;
  double ratios[count]{}, cosines[count]{};
  std::uint64_t tokens[count]{};
  std::uint64_t sums = 0;

  constexpr bool complete() const noexcept { return sums > 0 && sums % count == 0; }
  constexpr residual_share of(extent_t sublayer) const noexcept {
    const auto seen = static_cast<double>(tokens[sublayer] > 0 ? tokens[sublayer] : 1);
    return {ratios[sublayer] / seen, cosines[sublayer] / seen};
  }

  /// A sum that is written where its second term was, which only residual blocks do.
  template <class Backend, class Value, extent_t Columns, class Element>
  constexpr void after(
      operation::evaluate, ran_on<Backend>, const rows<Value, Columns>& y,
      const map_node<elementwise::add, view_leaf<Element, Columns>, view_leaf<Element, Columns>>& node) {
    if (node.right.view.data != y.data || node.left.view.data == y.data) return;
    const extent_t sublayer = static_cast<extent_t>(sums++ % count);
    for (extent_t t = 0; t < y.count; ++t) {
      double before = 0, behind = 0, product = 0, added = 0;
      for (extent_t i = 0; i < Columns; ++i) {
        const auto x = static_cast<double>(widen(node.left.view.data[t * Columns + i]));
        const auto sum = static_cast<double>(widen(y.data[t * Columns + i]));
        before += x * x, behind += sum * sum, product += x * sum, added += (sum - x) * (sum - x);
      }
      if (!(before > 0)) continue;
      ratios[sublayer] += maths::sqrt(added / before);
      if (behind > 0) cosines[sublayer] += product / maths::sqrt(before * behind);
      ++tokens[sublayer];
    }
  }
  template <class Operation, class Backend, class... Arguments>
  constexpr void after(Operation, ran_on<Backend>, const Arguments&...) {}
};

LACUNA_END
