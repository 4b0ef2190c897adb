#pragma once
/// Expressions by lanes: whole registers, then the rest of each row.

#include <lacuna/op/evaluate.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// y(t, c) = expression(t, c) for t in [from, to_token): see `op::evaluate`.
template <class Lanes, extent_t Columns, class Node>
LACUNA_INLINE void evaluate(rows<typename Lanes::element, Columns> y, const Node& node, extent_t from,
                            extent_t to_token) noexcept {
  using element = typename Lanes::element;
  constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes * lanes;
  for (extent_t t = from; t < to_token; ++t) {
    const auto row = node.template row<Lanes>(t);
    element* to = y.row(t);
    if constexpr (Columns == 1) {
      to[0] = row.at(one_column<element>{0});
    } else {
      for (extent_t c = 0; c < whole; c += lanes) row.at(whole_lanes<Lanes>{c}).store(to + c);
      if constexpr (whole < Columns)
        row.at(part_lanes<Lanes>{whole, Columns - whole}).store_part(to + whole, Columns - whole);
    }
  }
}

/// All tokens.
template <class Lanes, extent_t Columns, class Node>
LACUNA_INLINE void evaluate(rows<typename Lanes::element, Columns> y, const Node& node) noexcept {
  evaluate<Lanes>(y, node, 0, y.count);
}

/// y(c) += sum over t of expression(t, c): see `op::sum_over_tokens`.
template <class Lanes, extent_t Columns, class Node>
LACUNA_INLINE void sum_over_tokens(typename Lanes::element* y, const Node& node, extent_t tokens) noexcept {
  constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes * lanes, left = Columns - whole;
  for (extent_t t = 0; t < tokens; ++t) {
    const auto row = node.template row<Lanes>(t);
    for (extent_t c = 0; c < whole; c += lanes) (Lanes::load(y + c) + row.at(whole_lanes<Lanes>{c})).store(y + c);
    if constexpr (left != 0)
      (Lanes::load_part(y + whole, left) + row.at(part_lanes<Lanes>{whole, left})).store_part(y + whole, left);
  }
}

}  // namespace by_lanes

LACUNA_END
