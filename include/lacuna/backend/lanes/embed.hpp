#pragma once
/// Rows of a table by lanes: widened copies, and sums in the backward.

#include <lacuna/op/embed.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// y(t) = table(token(t)): see `op::embed`.
template <class Lanes, extent_t Columns, class Element, extent_t Vocabulary>
void embed(rows<typename Lanes::element, Columns> y, matrix<const Element, Vocabulary, Columns> table,
           token_view tokens) noexcept {
  constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes * lanes, left = Columns - whole;
  for (extent_t t = 0; t < tokens.count; ++t) {
    const Element* from = table.row(tokens.data[t]);
    auto* to = y.row(t);
    for (extent_t c = 0; c < whole; c += lanes) Lanes::load(from + c).store(to + c);
    if constexpr (left != 0) Lanes::load_part(from + whole, left).store_part(to + whole, left);
  }
}

/// gradient(token(t)) += dy(t): see `op::embed_backward`.
template <class Lanes, extent_t Columns, extent_t Vocabulary>
void embed_backward(matrix<typename Lanes::element, Vocabulary, Columns> gradient,
                    rows<const typename Lanes::element, Columns> dy, token_view tokens) noexcept {
  constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes * lanes, left = Columns - whole;
  for (extent_t t = 0; t < tokens.count; ++t) {
    const auto* from = dy.row(t);
    auto* to = gradient.row(tokens.data[t]);
    for (extent_t c = 0; c < whole; c += lanes) (Lanes::load(to + c) + Lanes::load(from + c)).store(to + c);
    if constexpr (left != 0)
      (Lanes::load_part(to + whole, left) + Lanes::load_part(from + whole, left)).store_part(to + whole, left);
  }
}

}  // namespace by_lanes

LACUNA_END
